#include "cli/host.h"

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
  options.contract = in.args.get("--contract");
  options.log_folder = in.args.get("--log");
  options.log_sync = in.args.get("--log-sync", options.log_sync);
  options.runtime = in.args.get("--runtime", options.runtime);
  return in.host.serve(options);
}

}  // namespace

std::vector<Command> serve_commands() {
  return {{.name = "serve",
           .summary = "serve model files over the Open Inference Protocol, with no project",
           .positionals = {},
           .options = {{.name = "--model",
                        .value = "NAME=FILE",
                        .summary = "a model file (ONNX, XGBoost, LightGBM) and its name",
                        .required = true,
                        .many = true},
                       {.name = "--http",
                        .value = "HOST:PORT",
                        .summary = "where to listen (default 127.0.0.1:8000; port 0 = a free one)"},
                       {.name = "--contract", .value = "FILE", .summary = "ODCS contract that guards the inputs"},
                       {.name = "--runtime",
                        .value = "WHICH",
                        .summary = "auto (default), native, onnxruntime, lightgbm or xgboost"},
                       {.name = "--log", .value = "DIR", .summary = "keep a prediction log there"},
                       {.name = "--log-sync", .value = "MODE", .summary = "prediction log: 50ms (default) or strict"}},
           .run = serve}};
}

}  // namespace millrace::cli
