#include <fmt/format.h>

#include "api/client.h"
#include "cli/host.h"

namespace millrace::cli {
namespace {

std::string labels_of(const Json& shown) {
  const auto* decision = find(shown, "decision");
  if (decision == nullptr || !decision->is_object()) return "open";
  std::string out;
  for (const auto& label : decision->at("labels"))
    out += fmt::format("{}row {} = {}", out.empty() ? "" : ", ", integer_or(label, "row", 0),
                       integer_or(label, "label", 0));
  return fmt::format("{} by {}", out, string_or(*decision, "by", ""));
}

std::string lines_of(const Json& shown) {
  std::string out = fmt::format("{}: {}\n", string_or(shown, "id", ""), labels_of(shown));
  out += fmt::format("  {}: rule {}, rows {}, {}\n", string_or(shown, "deployment", ""), string_or(shown, "rule", ""),
                     to_text(shown.value("rows", Json::array())), string_or(shown, "release", ""));
  const auto* decision = find(shown, "decision");
  if (decision != nullptr && decision->is_object()) out += fmt::format("  {}\n", string_or(*decision, "why", ""));
  return out + fmt::format("  what was asked: millrace prediction show {}\n", string_or(shown, "prediction_id", ""));
}

Result<int> list(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  Json items = Json::array();
  std::vector<std::vector<std::string>> rows{{"id", "opened", "deployment", "rule", "answer"}};
  for (std::string after;;) {
    MILLRACE_TRY(const auto page, gateway->call("GET", fmt::format("{}?state={}&after={}", address({"cases"}),
                                                                   api::encode_path(in.args.get("--only")), after)));
    for (const auto& one : page.at("items")) {
      items.push_back(one);
      rows.push_back({string_or(one, "id", ""), string_or(one, "opened_at", "").substr(0, 16),
                      string_or(one, "deployment", ""), string_or(one, "rule", ""), labels_of(one)});
    }
    after = string_or(page, "next", "");
    if (after.empty()) break;
  }
  in.show({{"items", items}, {"next", nullptr}}, rows.size() == 1 ? std::string("no cases\n") : table(rows));
  return 0;
}

Result<int> show(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto shown, gateway->call("GET", address({"cases", in.args.get("ID")})));
  in.show(shown, lines_of(shown));
  return 0;
}

Result<int> decide(Invocation& in) {
  const auto label = in.args.get("--label");
  if (label != "0" && label != "1")
    return Error{Code::invalid, fmt::format("the label '{}' is not 0 or 1", label.substr(0, 50))}.at_field("--label");
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto shown, gateway->call("POST", address({"cases", in.args.get("ID"), "decide"}),
                                               {{"label", label == "1" ? 1 : 0}, {"why", in.args.get("--why")}}));
  in.show(shown, lines_of(shown));
  return 0;
}

}  // namespace

std::vector<Command> case_commands() {
  const std::vector<Positional> id{{"ID", "the case's id, or its prediction's"}};
  return {{.name = "case list",
           .summary = "requests that people decide, newest first",
           .positionals = {},
           .options = {{.name = "--only", .value = "STATE", .summary = "open or decided"}},
           .run = list},
          {.name = "case show",
           .summary = "one request that a person decides",
           .positionals = id,
           .options = {},
           .run = show},
          {.name = "case decide",
           .summary = "decide a request in place of the model; the decision becomes its label",
           .positionals = id,
           .options =
               {{.name = "--label", .value = "LABEL", .summary = "0 or 1, for all rows of the case", .required = true},
                {.name = "--why", .value = "TEXT", .summary = "the reason, kept in the audit chain", .required = true}},
           .run = decide}};
}

}  // namespace millrace::cli
