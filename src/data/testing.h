// For the tests of this folder: the real engine, files, contracts out of a few lines.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "core/files.h"
#include "core/testing.h"
#include "data/check.h"
#include "data/rows/row_check.h"
#include "engine/engine.h"

namespace millrace::data::testing {

inline engine::Engines& engines() {
  static const auto loaded = *engine::load_duckdb(library_folder() + "/libduckdb.so");
  return *loaded;
}

// `object` is what stands below the one schema object, named t: properties, quality ...
inline std::string contract_text(const std::string& object) {
  std::string out =
      "apiVersion: v3.1.0\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: active\nschema:\n  - name: t\n";
  for (size_t at = 0; at < object.size();) {
    const auto end = std::min(object.find('\n', at), object.size());
    out += "    " + object.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return out;
}

inline std::string source_root() {
  const char* set = std::getenv("MILLRACE_SOURCE");
  std::string at = set != nullptr ? set : absolute(".");
  while (at.size() > 1 && !exists(at + "/tests/cases/data")) at = parent_of(at);
  return at;
}

inline std::string write(const millrace::testing::Folder& folder, const std::string& name, const std::string& bytes) {
  const auto path = folder / name;
  EXPECT_TRUE(write_file(path, bytes).ok());
  return path;
}

// Checks CSV text, or the file `path` if it is given.
struct Trial {
  millrace::testing::Folder folder;
  std::map<std::string, std::vector<std::string>> references;
  Micros from = 0, to = 0;
  bool write_rows = false;
  bool by_rows = false;               // by the row executor
  const RowStream* stream = nullptr;  // and these rows, not the file's

  Result<CheckReport> run(const std::string& object, const std::string& rows) {
    return run_file(object, write(folder, "rows.csv", rows));
  }
  Result<CheckReport> run_file(const std::string& object, const std::string& path) {
    return run_text(contract_text(object), path);
  }
  Result<CheckReport> run_text(const std::string& contract, const std::string& path) {
    MILLRACE_TRY(const auto parsed, parse_contract(contract, "contract.yaml"));
    CheckRequest request{.contract = &parsed,
                         .files = {path},
                         .file_names = {path.substr(path.rfind('/') + 1)},
                         .references = references,
                         .period_from = from,
                         .period_to = to,
                         .now = 1'370'000'000'000'000,
                         .profile_before = Json()};
    Inputs inputs(folder.path());
    request.inputs = &inputs;
    if (write_rows) request.out_folder = folder.path();
    auto session = engines().open({.temp_folder = "", .readable = {folder.path()}, .writable = {folder.path()}});
    MILLRACE_DO(session->get()->lock_down());
    if (stream != nullptr) request.files.clear(), request.file_names.clear();
    return by_rows ? check_rows(**session, request, stream) : check_batch(**session, request);
  }
};

inline const Finding* find_rule(const CheckReport& report, const std::string& id) {
  for (const auto& finding : report.findings)
    if (finding.rule.id == id) return &finding;
  return nullptr;
}

// The answer of one SQL query as canonical JSON rows.
inline std::string sql(const std::string& query, const std::string& readable = "") {
  auto session =
      engines().open({.readable = readable.empty() ? std::vector<std::string>{} : std::vector<std::string>{readable}});
  const auto table = (*session)->query(query);
  if (!table) return table.error().text();
  Json rows = Json::array();
  for (size_t r = 0; r < table->rows(); ++r) {
    Json row = Json::array();
    for (size_t c = 0; c < table->columns(); ++c) row.push_back(table->json(r, c));
    rows.push_back(row);
  }
  return to_text(rows);
}

}  // namespace millrace::data::testing
