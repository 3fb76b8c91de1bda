#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <mutex>

#include "core/files.h"
#include "engine/duckdb/session.h"

namespace millrace::engine {
namespace {

class DuckdbEngines final : public Engines {
 public:
  explicit DuckdbEngines(std::string path) : path_(std::move(path)) {}

  Result<std::unique_ptr<Engine>> open(const EngineOptions& options) override {
    MILLRACE_TRY(auto driver, this->driver());
    if (!options.temp_folder.empty() && !exists(options.temp_folder))
      return Error{Code::not_found, "the engine's temporary folder does not exist: " + options.temp_folder}.at(
          Where{.file = options.temp_folder});
    MILLRACE_TRY(std::unique_ptr<Engine> session,
                 duckdb::Session::open(std::move(driver), options, spill_folder(options)));
    return session;
  }

 private:
  // A failed load is tried again: the library may have been installed since.
  Result<std::shared_ptr<const adbc::Driver>> driver() {
    std::lock_guard lock(mutex_);
    if (driver_ == nullptr) {
      MILLRACE_TRY(driver_, duckdb::load_driver(path_));
    }
    return driver_;
  }

  std::string spill_folder(const EngineOptions& options) {
    if (options.temp_folder.empty()) return "";
    return fmt::format("{}/spill-{}-{}-{}", options.temp_folder, ::getpid(), static_cast<const void*>(this),
                       ++sessions_);
  }

  const std::string path_;
  std::mutex mutex_;
  std::shared_ptr<const adbc::Driver> driver_;
  std::atomic<uint64_t> sessions_ = 0;
};

}  // namespace

Result<std::unique_ptr<Engines>> load_duckdb(const std::string& library_path) {
  return std::unique_ptr<Engines>(std::make_unique<DuckdbEngines>(library_path));
}

}  // namespace millrace::engine
