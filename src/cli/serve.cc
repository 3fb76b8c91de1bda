#include <fmt/format.h>

#include "cli/host.h"
#include "cli/model_times.h"

namespace millrace::cli {
namespace {

Result<int> serve(Invocation& in) {
  ServeOptions options;
  for (const auto& pair : in.args.all("--model")) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size())
      return Error{Code::invalid, "--model takes NAME=FILE, not '" + pair + "'"};
    options.models.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  options.http = in.args.get("--http", options.http);
  options.grpc = in.args.get("--grpc");
  options.contract = in.args.get("--contract");
  options.log_folder = in.args.get("--log");
  options.log_sync = in.args.get("--log-sync", options.log_sync);
  options.guard = in.args.get("--guard", options.guard);
  MILLRACE_TRY(const auto queue, in.args.integer("--queue", static_cast<int64_t>(options.queue)));
  if (queue < 1 || static_cast<size_t>(queue) > limits::inference_queue)
    return Error{Code::invalid, fmt::format("--queue takes 1 to {}, not {}", limits::inference_queue, queue)};
  options.queue = static_cast<size_t>(queue);
  options.isolation = in.args.get("--isolation", options.isolation);
  MILLRACE_TRY(options.model_times, read_model_times(in.args));
  options.runtime = in.args.get("--runtime", options.runtime);
  options.batching = in.args.get("--batching", options.batching);
  options.token_file = in.args.get("--token-file");
  return in.host.serve(options);
}

}  // namespace

std::vector<Command> serve_commands() {
  return {{.name = "serve",
           .summary = "serve model files over the Open Inference Protocol, with no project",
           .positionals = {},
           .options = {{.name = "--model",
                        .value = "NAME=FILE",
                        .summary = "a model file (ONNX, XGBoost, LightGBM), or a folder with one, and its name",
                        .required = true,
                        .many = true},
                       {.name = "--http",
                        .value = "HOST:PORT",
                        .summary = "where to listen (default 127.0.0.1:8000; port 0 = a free one)"},
                       {.name = "--grpc",
                        .value = "HOST:PORT",
                        .summary = "serve the protocol over gRPC too, there (off by default; port 0 = a free one)"},
                       {.name = "--contract", .value = "FILE", .summary = "ODCS contract that guards the inputs"},
                       {.name = "--guard",
                        .value = "MODE",
                        .summary = "what breaks the contract: reject (default), clamp or flag"},
                       {.name = "--queue",
                        .value = "N",
                        .summary = "requests that may be under way; more are told to come back (default 1024)"},
                       {.name = "--runtime",
                        .value = "WHICH",
                        .summary = "auto (default), native, onnxruntime, lightgbm or xgboost"},
                       {.name = "--token-file",
                        .value = "FILE",
                        .summary = "who may ask: lines of SUBJECT ROLE TOKEN; needed to listen beyond this machine"},
                       {.name = "--log", .value = "DIR", .summary = "keep a prediction log there"},
                       {.name = "--log-sync", .value = "MODE", .summary = "prediction log: 50ms (default) or strict"},
                       {.name = "--isolation",
                        .value = "HOW",
                        .summary = "where models run: in_process (default) or process (each in a process of its own)"},
                       batching(),
                       trial_seconds(),
                       answer_seconds(),
                       supervise()},
           .run = serve}};
}

}  // namespace millrace::cli
