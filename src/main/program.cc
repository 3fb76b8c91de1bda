#include "main/program.h"

#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include "api/server.h"
#include "cli/host.h"
#include "core/files.h"
#include "main/artifact_places.h"
#include "main/model_server.h"
#include "main/owner.h"
#include "main/stop_signal.h"
#include "main/supervisor.h"
#include "track/files/s3.h"

namespace millrace {
namespace {

// MILLRACE_LOG, else a line a request for servers and only warnings for commands.
Log::Level log_level(const std::vector<std::string>& words) {
  const char* set = std::getenv("MILLRACE_LOG");
  const std::string_view name = set != nullptr ? set : "";
  if (name == "debug") return Log::Level::debug;
  if (name == "info") return Log::Level::info;
  if (name == "warn") return Log::Level::warn;
  if (name == "error") return Log::Level::error;
  const bool is_server = !words.empty() && (words[0] == "up" || words[0] == "serve");
  return is_server ? Log::Level::info : Log::Level::warn;
}

// "" = off
void print_ready(const std::string& http, const std::string& grpc) {
  std::printf("ready http=%s grpc=%s\n", http.c_str(), grpc.empty() ? "off" : grpc.c_str());
  std::fflush(stdout);
}

class Program final : public cli::Host {
 public:
  Program(Log& log, std::unique_ptr<engine::Engines> engines, HeldSockets held)
      : context_{system_clock(), system_random(), log}, engines_(std::move(engines)), held_(held) {}

  Result<int> up(const cli::UpOptions& options) override {
    const StopSignal stop;
    MILLRACE_TRY(owner_, Owner::open({.project = options.project,
                                      .state = options.state,
                                      .http = options.http,
                                      .grpc = options.grpc,
                                      .held = held_,
                                      .log_sync = options.log_sync,
                                      .batching = options.batching,
                                      .store = options.store,
                                      .blobs = options.blobs,
                                      .artifacts = {.proxy = options.artifacts, .root = options.artifact_root},
                                      .model_times = options.model_times,
                                      .ui_dir = options.ui_dir,
                                      .require_login = options.require_login},
                                     *engines_, context_));
    print_ready(owner_->http_address(), owner_->grpc_address());
    stop.wait();
    owner_->drain();
    owner_.reset();
    return 0;
  }

  Result<int> serve(const cli::ServeOptions& options) override {
    const StopSignal stop;
    MILLRACE_TRY(auto server, ModelServer::start(options, held_, *engines_, context_));
    print_ready(server->address(), server->grpc_address());
    stop.wait();
    server->drain();
    return 0;
  }

  Result<cli::Gateway*> gateway(const std::string& project, const std::string& state) override {
    if (owner_ && owner_->state() == state) return &owner_->gateway();
    const std::string socket = state + "/server.sock";
    if (exists(socket)) {
      auto connected = connect_gateway(socket);
      if (connected) {
        remote_ = std::move(*connected);
        return remote_.get();
      }
    }
    MILLRACE_TRY(owner_, Owner::open({.project = project, .state = state, .http = "127.0.0.1:0"}, *engines_, context_));
    return &owner_->gateway();
  }

  void wait_for_stop() override {
    const StopSignal stop;
    stop.wait();
  }

  Result<std::unique_ptr<track::FileStore>> open_files(const std::string& place) override {
    return open_file_place(place, context_);
  }

  engine::Engines& engines() override { return *engines_; }
  Result<std::unique_ptr<engine::Engines>> spark(const std::string& url) override {
    const char* set = std::getenv("MILLRACE_SPARK");
    const std::string address = !url.empty() ? url : set != nullptr ? set : "";
    if (address.empty())
      return Error{Code::invalid, "no Spark server is named"}.hint("--spark sc://host:port, or set MILLRACE_SPARK");
    return engine::load_spark(library_folder() + "/libadbc_driver_spark.so", address);
  }
  Context& context() override { return context_; }

  void close() {
    if (owner_) owner_->drain();
    owner_.reset();
    track::close_s3();
  }

 private:
  Context context_;
  std::unique_ptr<engine::Engines> engines_;
  const HeldSockets held_;  // given by a supervisor
  std::unique_ptr<Owner> owner_;
  std::unique_ptr<cli::Gateway> remote_;
};

}  // namespace

int run_program(const std::vector<std::string>& words) {
  if (is_supervised(words)) return supervise(words);
  const HeldSockets held = take_held_sockets();
  auto engines = engine::load_duckdb(library_folder() + "/libduckdb.so");
  if (!engines) {
    std::fprintf(stderr, "millrace: %s\n", engines.error().text().c_str());
    return 6;
  }
  const auto log = make_log(log_level(words), system_clock());
  Program program(*log, std::move(*engines), held);
  const int status = cli::run_words(words, program);
  program.close();
  return status;
}

}  // namespace millrace
