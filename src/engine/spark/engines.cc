#include <mutex>

#include "engine/spark/errors.h"
#include "engine/spark/session.h"

namespace millrace::engine {
namespace {

class SparkEngines final : public Engines {
 public:
  SparkEngines(std::string path, std::string url) : path_(std::move(path)), url_(std::move(url)) {}

  Result<std::unique_ptr<Engine>> open(const EngineOptions& options) override {
    MILLRACE_TRY(auto driver, this->driver());
    MILLRACE_TRY(std::unique_ptr<Engine> session, spark::Session::open(std::move(driver), url_, options));
    return session;
  }

 private:
  // The library is written in Go and starts threads: it is loaded when it is asked for, and then stays.
  Result<std::shared_ptr<const adbc::Driver>> driver() {
    std::lock_guard lock(mutex_);
    if (driver_ == nullptr) {
      MILLRACE_TRY(driver_, adbc::load_driver({.path = path_,
                                               .entry = "AdbcDriverSparkInit",
                                               .name = "Spark",
                                               .hint = "run ./dev deps, or let MILLRACE_LIB_DIR name the folder of "
                                                       "libadbc_driver_spark.so",
                                               .error_of = spark::error_of}));
    }
    return driver_;
  }

  const std::string path_, url_;
  std::mutex mutex_;
  std::shared_ptr<const adbc::Driver> driver_;
};

}  // namespace

Result<std::unique_ptr<Engines>> load_spark(const std::string& library_path, const std::string& url) {
  if (!url.starts_with("sc://") || url.size() <= 5)
    return Error{Code::invalid, "'" + url.substr(0, url.find(';')) + "' is not the address of a Spark Connect server"}
        .hint("write sc://host:port");
  return std::unique_ptr<Engines>(std::make_unique<SparkEngines>(library_path, url));
}

}  // namespace millrace::engine
