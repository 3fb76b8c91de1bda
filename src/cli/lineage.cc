#include <fmt/format.h>

#include "api/client.h"
#include "cli/host.h"

namespace millrace::cli {
namespace {

std::string describe(const Json& node) {
  std::string out = string_or(node, "id", "");
  if (const auto* attributes = find(node, "attributes"); attributes != nullptr && attributes->is_object())
    for (const auto& [key, value] : attributes->items())
      if (value.is_primitive())
        out += fmt::format("  {}={}", key, value.is_string() ? value.get<std::string>() : to_text(value));
  return out.substr(0, 200);
}

Result<int> columns(Invocation& in, Gateway& gateway, bool down) {
  MILLRACE_TRY(
      const auto answer,
      gateway.call("GET", fmt::format("{}?column={}&direction={}", address({"columns", in.args.get("NODE")}),
                                      api::encode_path(in.args.get("--column")), down ? "downstream" : "upstream")));
  std::vector<std::vector<std::string>> rows{{"column", "of", "how", ""}};
  for (const auto& step : answer.at("steps")) {
    const auto indent =
        std::string(2 * static_cast<size_t>(std::max<int64_t>(0, integer_or(step, "distance", 1) - 1)), ' ');
    rows.push_back({indent + string_or(step, "column", ""), string_or(step, "node", ""), string_or(step, "how", ""),
                    string_or(step, "type", "") == "DIRECT" ? "" : "indirect"});
  }
  std::string lines = rows.size() == 1 ? "nothing: no edge leads on from this column\n" : table(rows);
  if (answer.value("cut", false)) lines += "... and more: the walk reached its limit\n";
  in.show(answer, lines);
  return 0;
}

Result<int> lineage(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  const bool down = in.args.has("--down");
  if (in.args.has("--column")) return columns(in, *gateway, down);
  MILLRACE_TRY(const auto answer,
               gateway->call("GET", fmt::format("{}?direction={}", address({"lineage", in.args.get("NODE")}),
                                                down ? "downstream" : "upstream")));
  std::string lines;
  for (const auto& node : answer.at("nodes"))
    lines += fmt::format("{:{}}{}\n", "", 2 * integer_or(node, "distance", 0), describe(node));
  if (answer.value("cut", false)) lines += "... and more: the walk reached its limit\n";
  in.show(answer, lines);
  return 0;
}

}  // namespace

std::vector<Command> lineage_commands() {
  return {{.name = "lineage",
           .summary = "what something was made from (or what came of it)",
           .positionals = {{"NODE", "e.g. prediction:ID, release:late@1, model:late@1, dataset:flights@3"}},
           .options = {{.name = "--down", .value = "", .summary = "walk to what came of it"},
                       {.name = "--column",
                        .value = "COLUMN",
                        .summary = "only what this column was made from, as the stages' SQL says"}},
           .run = lineage}};
}

}  // namespace millrace::cli
