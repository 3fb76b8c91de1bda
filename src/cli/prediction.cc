#include <fmt/format.h>

#include "cli/host.h"

namespace millrace::cli {
namespace {

Result<int> show(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto prediction, gateway->call("GET", address({"predictions", in.args.get("ID")})));
  in.show(prediction, to_pretty(prediction) + "\n");
  return 0;
}

Result<int> seal(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto job,
               gateway->call("POST", address({"deployments", in.args.get("DEPLOYMENT"), "seal"}), Json::object()));
  in.show(job, fmt::format("job {}\n", string_or(job, "id", "")));
  return 0;
}

}  // namespace

std::vector<Command> prediction_commands() {
  return {{.name = "prediction show",
           .summary = "one answered request from the prediction log",
           .positionals = {{"ID", "the prediction id of the answer"}},
           .options = {},
           .run = show},
          {.name = "prediction seal",
           .summary = "turn the closed part of a prediction log into Parquet now",
           .positionals = {{"DEPLOYMENT", "a deployment"}},
           .options = {},
           .run = seal}};
}

}  // namespace millrace::cli
