// What commands need of the composition: main/ implements it.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "core/context.h"
#include "core/limits.h"
#include "engine/engine.h"
#include "track/files/store.h"

namespace millrace::cli {

struct ModelTimes {    // seconds; 0 = as core/model_limits.h says
  int64_t trial = 0;   // a model file may take to load and to be tried
  int64_t answer = 0;  // a model in a process of its own may take for one request
};

struct UpOptions {
  std::string project;  // "" = none
  std::string state;
  std::string http = "127.0.0.1:8080";
  std::string grpc;                // "" = off
  std::string log_sync = "50ms";   // or "strict"
  std::string batching = "exact";  // serve/together.h
  std::string store;               // URL of PostgreSQL; "" = as MILLRACE_STORE or millrace.yaml say
  std::string blobs;               // a folder that several servers share; "" = STATE/blobs
  std::string artifacts;           // a folder or s3://...; "" = as the last time
  std::string artifact_root;       // mlflow-artifacts:/ or s3://...; "" = as the last time
  ModelTimes model_times;
  std::string ui_dir;          // serve the web UI from there; "" = the one in the program
  bool require_login = false;  // over TCP this machine's user needs a token too
};

struct ServeOptions {
  std::vector<std::pair<std::string, std::string>> models;  // NAME, FILE
  std::string http = "127.0.0.1:8000";
  std::string grpc;  // "" = off
  std::string contract;
  std::string log_folder;  // "" = no prediction log
  std::string log_sync = "50ms";
  std::string guard = "reject";  // or clamp, flag
  size_t queue = limits::inference_queue;
  std::string isolation = "in_process";  // or "process"
  ModelTimes model_times;
  std::string runtime = "auto";    // serve/runtimes.h
  std::string batching = "exact";  // serve/together.h
  std::string token_file;          // "" = no tokens, and this machine only
};

class Host {
 public:
  virtual ~Host() = default;
  virtual Result<int> up(const UpOptions& options) = 0;        // returns when asked to stop
  virtual Result<int> serve(const ServeOptions& options) = 0;  // the same
  // To the owner of `state`, or we become the owner for as long as this process runs.
  virtual Result<Gateway*> gateway(const std::string& project, const std::string& state) = 0;
  // Waits for SIGINT or SIGTERM while we own the state (demo --serve).
  virtual void wait_for_stop() = 0;
  // A folder, or s3://BUCKET/PREFIX with what the environment says of keys.
  virtual Result<std::unique_ptr<track::FileStore>> open_files(const std::string& place) = 0;
  virtual engine::Engines& engines() = 0;  // DuckDB's
  // Spark's, of the server at `url`; "" = the one that MILLRACE_SPARK names.
  virtual Result<std::unique_ptr<engine::Engines>> spark(const std::string& url) = 0;
  virtual Context& context() = 0;
};

}  // namespace millrace::cli
