#include <fmt/format.h>

#include "cli/follow.h"
#include "cli/host.h"

namespace millrace::cli {
namespace {

Result<int> list(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto answer, gateway->call("GET", address({"jobs"})));
  std::vector<std::vector<std::string>> rows{{"id", "kind", "state", "created", "error"}};
  for (const auto& job : answer.at("items"))
    rows.push_back({string_or(job, "id", ""), string_or(job, "kind", ""), string_or(job, "state", ""),
                    string_or(job, "created_at", ""), string_or(job, "error", "").substr(0, 80)});
  in.show(answer, table(rows));
  return 0;
}

Result<int> show(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto job, gateway->call("GET", address({"jobs", in.args.get("ID")})));
  in.show(job, to_pretty(job) + "\n");
  return 0;
}

Result<int> follow(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto job, follow_job(in, *gateway, in.args.get("ID")));
  in.show(job, "");
  return 0;
}

Result<int> cancel(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto job, gateway->call("POST", address({"jobs", in.args.get("ID"), "cancel"}), Json::object()));
  in.show(job, "asked to end\n");
  return 0;
}

}  // namespace

std::vector<Command> job_commands() {
  const std::vector<Positional> id{{"ID", "the job's id"}};
  return {
      {.name = "job list", .summary = "background work, newest first", .positionals = {}, .options = {}, .run = list},
      {.name = "job show",
       .summary = "one job with its result or error",
       .positionals = id,
       .options = {},
       .run = show},
      {.name = "job follow",
       .summary = "print a job's log until it ends",
       .positionals = id,
       .options = {},
       .run = follow},
      {.name = "job cancel", .summary = "ask a job to end", .positionals = id, .options = {}, .run = cancel}};
}

}  // namespace millrace::cli
