// For the tests of this folder: a scratch folder that goes away, and the real engine.
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <memory>
#include <string>

#include "core/files.h"
#include "engine/engine.h"

namespace millrace::engine {

class Scratch {
 public:
  Scratch() {
    std::string name = ::testing::TempDir() + "/engine-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~Scratch() { (void)remove_tree(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A session of the Spark server that MILLRACE_SPARK names; nullptr without one.
inline std::unique_ptr<Engine> open_spark() {
  const char* url = std::getenv("MILLRACE_SPARK");
  if (url == nullptr) return nullptr;
  auto engines = load_spark(library_folder() + "/libadbc_driver_spark.so", url);
  EXPECT_TRUE(engines.ok());
  auto engine = (*engines)->open({.timeout = 120'000'000});
  if (!engine.ok()) {
    ADD_FAILURE() << engine.error().text();
    return nullptr;
  }
  return std::move(*engine);
}

inline std::unique_ptr<Engine> open_engine(const EngineOptions& options = {}) {
  auto engines = load_duckdb(library_folder() + "/libduckdb.so");
  EXPECT_TRUE(engines.ok());
  auto engine = (*engines)->open(options);
  if (!engine.ok()) {
    ADD_FAILURE() << engine.error().text();
    return nullptr;
  }
  return std::move(*engine);
}

// The one value of a query, as JSON text, or the error's code and text.
inline std::string answer(Engine& engine, std::string_view sql, const std::vector<Json>& parameters = {}) {
  const auto table = engine.query(sql, parameters);
  if (!table.ok()) return std::string(name_of(table.error().code())) + ": " + table.error().text();
  if (table->rows() != 1) return std::to_string(table->rows()) + " rows";
  Json row = Json::array();
  for (size_t i = 0; i < table->columns(); ++i) row.push_back(table->json(0, i));
  return to_text(row.size() == 1 ? row[0] : row);
}

inline Code code_of(Engine& engine, std::string_view sql) {
  const auto done = engine.execute(sql);
  return done.ok() ? Code::internal : done.error().code();
}

}  // namespace millrace::engine
