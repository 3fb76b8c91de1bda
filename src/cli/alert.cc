#include <fmt/format.h>

#include "api/client.h"
#include "cli/host.h"

namespace millrace::cli {
namespace {

const Json& part(const Json& of, std::string_view key) {
  static const Json none;
  const auto* found = find(of, key);
  return found == nullptr ? none : *found;
}

std::string number(const Json& value) { return value.is_number() ? fmt::format("{:.4g}", value.get<double>()) : "-"; }
// Minutes are enough for people; --json has all of it.
std::string moment(const Json& of, std::string_view key) {
  auto text = string_or(of, key, "");
  if (text.size() < 16) return text;
  text[10] = ' ';
  return text.substr(0, 16);
}
std::string day(const Json& of, std::string_view key) { return string_or(of, key, "").substr(0, 10); }

std::string what(const Json& alert) {
  auto out = fmt::format("{}:{}", string_or(alert, "kind", ""), string_or(alert, "subject", ""));
  if (const auto arm = string_or(alert, "arm", ""); arm != "all")
    out += fmt::format(" {} v{}", arm, integer_or(alert, "version", 0));
  return out;
}

// A page of a list answers at most so many; the rest is asked for by the last id.
Result<Json> all_of(Gateway& gateway, const std::string& target, const std::string& query) {
  Json items = Json::array();
  for (std::string after;;) {
    MILLRACE_TRY(const auto page, gateway.call("GET", target + "?" + query + (after.empty() ? "" : "&after=" + after)));
    for (const auto& item : page.at("items")) items.push_back(item);
    after = string_or(page, "next", "");
    if (after.empty()) return Json{{"items", std::move(items)}, {"next", nullptr}};
  }
}

Result<int> list(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto answer,
               all_of(*gateway, address({"alerts"}),
                      fmt::format("deployment={}&state={}", api::encode_path(in.args.get("DEPLOYMENT")),
                                  api::encode_path(in.args.get("--only")))));
  std::vector<std::vector<std::string>> rows{
      {"id", "deployment", "severity", "state", "what", "value", "limit", "since", "cause"}};
  bool pages = false;
  for (const auto& alert : answer.at("items")) {
    const auto state = string_or(alert, "state", "");
    pages = pages || (string_or(alert, "severity", "") == "page" && (state == "firing" || state == "acknowledged"));
    rows.push_back({string_or(alert, "short", ""), string_or(alert, "deployment", ""), string_or(alert, "severity", ""),
                    state, what(alert), number(part(alert, "value")), number(part(alert, "limit")),
                    day(alert, "first_from"),
                    string_or(alert, "group", string_or(part(alert, "trace"), "verdict", ""))});
  }
  in.show(answer, rows.size() == 1 ? std::string("no alerts\n") : table(rows));
  return pages && in.args.has("--fail") ? 1 : 0;
}

std::string history_lines(const Json& alert) {
  std::string out = "history\n";
  for (const auto& event : part(alert, "events"))
    out += fmt::format("  {}  {:<12} {}: {}\n", moment(event, "event_time"), string_or(event, "kind", ""),
                       string_or(event, "subject", ""), string_or(event, "why", ""));
  return out;
}

std::string candidate_lines(const Json& candidate) {
  std::string out = fmt::format("  {}. {} ({}{}{})", integer_or(candidate, "rank", 0), string_or(candidate, "node", ""),
                                string_or(candidate, "kind", ""), part(candidate, "change").is_string() ? ", " : "",
                                string_or(candidate, "change", ""));
  std::string columns;
  for (const auto& column : part(candidate, "columns"))
    if (column.is_string()) columns += (columns.empty() ? "" : ", ") + column.get<std::string>();
  out += fmt::format("{}, score {}\n", columns.empty() ? "" : " in " + columns, number(part(candidate, "score")));
  for (const auto& evidence : part(candidate, "evidence"))
    out += fmt::format("     - {}\n", string_or(evidence, "text", string_or(evidence, "kind", "")));
  return out;
}

std::string trace_lines(const Json& trace) {
  if (!trace.is_object()) return "cause\n  not looked for yet\n";
  std::string out = fmt::format("cause: {}\n  {}\n", string_or(trace, "verdict", ""), string_or(trace, "summary", ""));
  for (const auto& candidate : part(trace, "candidates")) out += candidate_lines(candidate);
  return out;
}

std::string action_line(const Json& action) {
  auto out = fmt::format("  {}: {}", string_or(action, "kind", ""), string_or(action, "reason", ""));
  if (const auto id = string_or(action, "id", ""); !id.empty()) out += fmt::format(" ({})", id);
  out += "\n";
  if (const auto& result = part(action, "result"); result.is_object())
    out += fmt::format("     {}{}\n", string_or(result, "state", ""),
                       part(result, "stage").is_string()   ? ": " + string_or(result, "stage", "")
                       : part(result, "error").is_string() ? ": " + string_or(result, "error", "")
                                                           : "");
  return out;
}

std::string action_lines(const Json& alert) {
  const auto& action = part(alert, "action");
  if (!action.is_object()) return "led to\n  nothing yet\n";
  auto out = "led to\n" + action_line(action);
  for (const auto& also : part(action, "also")) out += action_line(also);
  if (const auto& review = part(alert, "review"); string_or(review, "state", "") == "closed")
    out += fmt::format("  the review was closed as {} by {}: {}\n", string_or(review, "decision", ""),
                       string_or(review, "by", ""), string_or(review, "why", ""));
  return out;
}

std::string evidence_lines(const Json& alert) {
  const auto& evidence = part(alert, "evidence");
  std::string out = fmt::format("  {}\n", string_or(alert, "what", ""));
  for (const auto& also : part(evidence, "also"))
    if (also.is_string()) out += fmt::format("  {}\n", also.get<std::string>());
  if (part(evidence, "effect").is_number())
    out += fmt::format("  effect size ({}) {}, {} rows against the reference's {}\n",
                       string_or(evidence, "effect_kind", ""), number(part(evidence, "effect")),
                       with_commas(integer_or(evidence, "n", 0)), with_commas(integer_or(evidence, "reference_n", 0)));
  if (const auto node = string_or(evidence, "node", ""); !node.empty()) out += fmt::format("  {}\n", node);
  return out;
}

Result<int> show(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto alert, gateway->call("GET", address({"alerts", in.args.get("ID")})));
  in.show(alert, fmt::format("{}: {} {} of {}, {}\n{}  window {} to {}, first broken in the one of {}\n{}{}{}",
                             string_or(alert, "node", ""), string_or(alert, "severity", ""), what(alert),
                             string_or(alert, "deployment", ""), string_or(alert, "state", ""), evidence_lines(alert),
                             day(alert, "from"), day(alert, "to"), day(alert, "first_from"), history_lines(alert),
                             trace_lines(part(alert, "trace")), action_lines(alert)));
  return 0;
}

Result<int> say(Invocation& in, const char* verb) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto alert,
               gateway->call("POST", address({"alerts", in.args.get("ID"), verb}), {{"why", in.args.get("--why")}}));
  in.show(alert, fmt::format("{}: {} {}, {}\n", string_or(alert, "node", ""), string_or(alert, "severity", ""),
                             what(alert), string_or(alert, "state", "")));
  return 0;
}

Result<int> acknowledge(Invocation& in) { return say(in, "ack"); }
Result<int> resolve(Invocation& in) { return say(in, "resolve"); }

}  // namespace

std::vector<Command> alert_commands() {
  const std::vector<Positional> id{{"ID", "its id, a unique prefix of it, or KIND:SUBJECT (drift:temp)"}};
  const Option why{
      .name = "--why", .value = "TEXT", .summary = "the reason, kept in the audit chain", .required = true};
  return {{.name = "alert list",
           .summary = "what the monitors found, newest first",
           .positionals = {{"DEPLOYMENT", "only of this deployment", false}},
           .options = {{.name = "--only",
                        .value = "STATE",
                        .summary = "pending, firing, acknowledged, resolved, or open: all but resolved"},
                       {.name = "--fail", .value = "", .summary = "exit with 1 when a page is open"}},
           .run = list},
          {.name = "alert show",
           .summary = "one alert: what broke, its history, its cause, what it led to",
           .positionals = id,
           .options = {},
           .run = show},
          {.name = "alert ack",
           .summary = "say that you look after a firing alert",
           .positionals = id,
           .options = {why},
           .run = acknowledge},
          {.name = "alert resolve", .summary = "end an alert", .positionals = id, .options = {why}, .run = resolve}};
}

}  // namespace millrace::cli
