#include <fmt/format.h>

#include "cli/host.h"

namespace millrace::cli {
namespace {

std::string line_of(const Json& release) {
  return fmt::format("{}: {}@{} is live. {}\n", string_or(release, "node", ""), string_or(release, "model", ""),
                     integer_or(release, "version", 0), string_or(release, "reason", ""));
}

Result<int> create(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto version, in.args.integer("--version", 0));
  if (in.args.has("--once")) {
    MILLRACE_TRY(const auto past,
                 gateway->call("GET", address({"deployments", in.args.get("DEPLOYMENT"), "releases"})));
    const auto& items = past.at("items");
    if (!items.empty() && integer_or(items[0], "version", 0) == version) {
      in.show(items[0], "live already. " + line_of(items[0]));
      return 0;
    }
  }
  MILLRACE_TRY(const auto release,
               gateway->call("POST", address({"deployments", in.args.get("DEPLOYMENT"), "releases"}),
                             {{"version", version}, {"why", in.args.get("--why")}}));
  in.show(release, line_of(release));
  return 0;
}

Result<int> rollback(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto release,
               gateway->call("POST", address({"deployments", in.args.get("DEPLOYMENT"), "rollback"}),
                             {{"why", in.args.get("--why")}}));
  in.show(release, line_of(release));
  return 0;
}

Result<int> list(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto answer,
               gateway->call("GET", address({"deployments", in.args.get("DEPLOYMENT"), "releases"})));
  std::vector<std::vector<std::string>> rows{{"release", "model", "by", "at", "why"}};
  for (const auto& release : answer.at("items"))
    rows.push_back({string_or(release, "node", ""),
                    fmt::format("{}@{}", string_or(release, "model", ""), integer_or(release, "version", 0)),
                    string_or(release, "subject", ""), string_or(release, "created_at", ""),
                    string_or(release, "reason", "")});
  in.show(answer, table(rows));
  return 0;
}

}  // namespace

std::vector<Command> release_commands() {
  const Option why{
      .name = "--why", .value = "TEXT", .summary = "the reason, kept in the audit chain", .required = true};
  const std::vector<Positional> deployment{{"DEPLOYMENT", "a deployment of millrace.yaml"}};
  return {{.name = "release create",
           .summary = "put an approved version on a deployment's traffic",
           .positionals = deployment,
           .options = {{.name = "--version", .value = "N", .summary = "the model's version", .required = true},
                       why,
                       {.name = "--once", .value = "", .summary = "do nothing when this version is live already"}},
           .run = create},
          {.name = "release rollback",
           .summary = "go back to the release before",
           .positionals = deployment,
           .options = {why},
           .run = rollback},
          {.name = "release list",
           .summary = "a deployment's releases, newest first",
           .positionals = deployment,
           .options = {},
           .run = list}};
}

}  // namespace millrace::cli
