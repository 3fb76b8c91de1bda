#include <fmt/format.h>

#include "cli/host.h"

namespace millrace::cli {
namespace {

Result<int> verify(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto verdict, gateway->call("GET", address({"audit", "verify"})));
  const bool intact = verdict.value("intact", false);
  in.show(verdict, intact ? fmt::format("intact: {} lines, head {}\n", with_commas(integer_or(verdict, "lines", 0)),
                                        string_or(verdict, "head", ""))
                          : fmt::format("BROKEN at line {}: {}\n", integer_or(verdict, "first_bad", 0),
                                        string_or(verdict, "reason", "")));
  return intact ? 0 : 7;
}

Result<int> list(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto after, in.args.integer("--after", 0));
  MILLRACE_TRY(const auto answer, gateway->call("GET", fmt::format("{}?after={}", address({"audit"}), after)));
  std::vector<std::vector<std::string>> rows{{"line", "time", "who", "via", "what", "node", "why"}};
  for (const auto& event : answer.at("items"))
    rows.push_back({std::to_string(integer_or(event, "sequence", 0)), string_or(event, "recorded_at", ""),
                    string_or(event, "subject", ""), string_or(event, "via", ""), string_or(event, "kind", ""),
                    string_or(event, "node", ""), string_or(event, "why", "")});
  in.show(answer, table(rows));
  return 0;
}

}  // namespace

std::vector<Command> audit_commands() {
  return {{.name = "audit verify",
           .summary = "recompute the audit chain; names the first bad line",
           .positionals = {},
           .options = {},
           .run = verify},
          {.name = "audit list",
           .summary = "who did what, in order",
           .positionals = {},
           .options = {{.name = "--after", .value = "LINE", .summary = "only lines after this one"}},
           .run = list}};
}

}  // namespace millrace::cli
