#include <algorithm>

#include <fmt/format.h>

#include "api/client.h"
#include "cli/follow.h"
#include "cli/host.h"

namespace millrace::cli {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string number(const Json& value, int digits = 3) {
  return value.is_number() ? fmt::format("{:.{}f}", value.get<double>(), digits) : "-";
}

std::string whole(const Json& object, std::string_view key) {
  const auto* value = find(object, key);
  return value != nullptr && value->is_number() ? with_commas(static_cast<int64_t>(value->get<double>())) : "-";
}

Json part(const Json& object, std::string_view key) {
  const auto* value = find(object, key);
  return value != nullptr ? *value : Json();
}

std::string estimate(const Json& performance, std::string_view metric) {
  return number(part(part(performance, metric), "value"));
}

// "0.781 [0.761, 0.800]"
std::string with_interval(const Json& performance, std::string_view metric) {
  const Json value = part(performance, metric);
  if (!value.is_object()) return "-";
  return fmt::format("{} [{}, {}]", number(part(value, "value")), number(part(value, "low")),
                     number(part(value, "high")));
}

double psi_of(const Json& column) { return number_or(column, "psi", -1); }

// The farthest column: "temp psi 0.31 d -1.20".
std::string worst(const Json& summary) {
  const Json* most = nullptr;
  const auto* columns = find(summary, "columns");
  if (columns == nullptr) return "-";
  for (const auto& column : *columns)
    if (most == nullptr || psi_of(column) > psi_of(*most)) most = &column;
  if (most == nullptr || psi_of(*most) < 0) return "-";
  return fmt::format("{} psi {} {} {}", string_or(*most, "column", ""), number(part(*most, "psi")),
                     string_or(*most, "effect_kind", "") == "cohens_d" ? "d" : "V", number(part(*most, "effect"), 2));
}

std::string date_of(const Json& window, std::string_view key) { return string_or(window, key, "").substr(0, 10); }

std::vector<std::string> row_of(const Json& window) {
  const Json summary = part(window, "summary"), performance = part(summary, "performance");
  const auto version = integer_or(window, "version", 0);
  return {
      date_of(window, "from") +
          (string_or(window, "as_of", "") < string_or(window, "to", "") ? " until " + date_of(window, "as_of") : ""),
      string_or(window, "arm", ""),
      version == 0 ? "-" : fmt::format("{}@{}", string_or(window, "model", ""), version),
      whole(summary, "requests"),
      whole(summary, "refused"),
      whole(summary, "labels"),
      with_interval(performance, "auc"),
      estimate(performance, "recall"),
      estimate(performance, "precision"),
      estimate(performance, "calibration_error"),
      whole(part(summary, "latency_us"), "p99"),
      worst(summary)};
}

// A month is enough of a time: "2013-07".
std::string time_of(const std::string& text) { return text.size() == 7 ? text + "-01" : text; }

Result<Json> all_windows(Gateway& gateway, const std::string& deployment, const std::string& query) {
  Json items = Json::array();
  std::string after;
  do {
    MILLRACE_TRY(const auto page,
                 gateway.call("GET", fmt::format("{}?{}{}", address({"deployments", deployment, "windows"}), query,
                                                 after.empty() ? "" : "&after=" + api::encode_path(after))));
    for (const auto& item : page.at("items")) items.push_back(item);
    after = string_or(page, "next", "");
  } while (!after.empty());
  return items;
}

Result<int> look(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  Json body = Json::object();
  if (in.args.has("--to")) body = {{"to", time_of(in.args.get("--to"))}, {"clock", "event"}};
  MILLRACE_TRY(const auto job,
               gateway->call("POST", address({"deployments", in.args.get("DEPLOYMENT"), "monitor"}), body));
  MILLRACE_TRY(const auto done, follow_job(in, *gateway, string_or(job, "id", "")));
  const auto& result = done.at("result");
  const auto looks = integer_or(result, "looks", 0), revisions = integer_or(result, "revisions", 0);
  in.show(result, revisions == 0 ? fmt::format("nothing new up to {}\n", string_or(result, "to", ""))
                                 : fmt::format("{} looks up to {}, {} windows recorded\n", looks,
                                               string_or(result, "to", ""), revisions));
  return 0;
}

Result<int> show(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  const auto arm = in.args.get("--arm");
  std::string query = "arm=" + api::encode_path(arm);
  if (in.args.has("--from")) query += "&from=" + api::encode_path(time_of(in.args.get("--from")));
  MILLRACE_TRY(const auto items, all_windows(*gateway, in.args.get("DEPLOYMENT"), query));
  Rows rows{{"window", "arm", "version", "requests", "refused", "labels", "AUC", "recall", "precision", "calibration",
             "p99 us", "farthest column"}};
  for (const auto& window : items)
    // Without --arm each arm by itself: all of them together says nothing more.
    if (!arm.empty() || string_or(window, "arm", "") != "all") rows.push_back(row_of(window));
  in.show({{"items", items}}, rows.size() == 1
                                  ? fmt::format("no windows yet; millrace monitor look {}\n", in.args.get("DEPLOYMENT"))
                                  : table(rows));
  return 0;
}

Result<int> drift(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  const auto deployment = in.args.get("DEPLOYMENT"), from = time_of(in.args.get("--from"));
  const auto arm = in.args.get("--arm", "all");
  MILLRACE_TRY(const auto items,
               all_windows(*gateway, deployment, "arm=" + api::encode_path(arm) + "&from=" + api::encode_path(from)));
  const auto window = std::find_if(items.begin(), items.end(), [&](const Json& one) {
    return string_or(one, "from", "").starts_with(from.substr(0, 10));
  });
  if (window == items.end())
    return Error{Code::not_found,
                 fmt::format("'{}' has no window of the arm '{}' that begins on {}", deployment, arm, from)}
        .hint(fmt::format("millrace monitor show {}", deployment));
  std::vector<Json> columns;
  for (const auto& column : part(part(*window, "summary"), "columns")) columns.push_back(column);
  std::stable_sort(columns.begin(), columns.end(), [](const Json& a, const Json& b) { return psi_of(a) > psi_of(b); });
  Rows rows{{"column", "role", "type", "psi", "js", "effect", "mean", "reference", "nulls", "reference", "n"}};
  for (const auto& column : columns)
    rows.push_back({string_or(column, "column", ""), string_or(column, "role", ""), string_or(column, "type", ""),
                    number(part(column, "psi"), 4), number(part(column, "js"), 4),
                    fmt::format("{} {}", string_or(column, "effect_kind", "") == "cohens_d" ? "d" : "V",
                                number(part(column, "effect"))),
                    number(part(column, "mean")), number(part(column, "reference_mean")),
                    number(part(column, "null_rate"), 4), number(part(column, "reference_null_rate"), 4),
                    whole(column, "n")});
  const auto problem = string_or(part(part(*window, "summary"), "reference"), "problem", "");
  in.show(*window,
          columns.empty() ? fmt::format("nothing to compare{}\n", problem.empty() ? "" : ": " + problem) : table(rows));
  return 0;
}

}  // namespace

std::vector<Command> monitor_commands() {
  const std::vector<Positional> deployment{{"DEPLOYMENT", "a deployment that millrace.yaml watches"}};
  return {{.name = "monitor look",
           .summary = "compute the windows that have ended, and those with late labels again",
           .positionals = deployment,
           .options = {{.name = "--to",
                        .value = "TIME",
                        .summary = "how far event time has come (default: as far as it was told, or now)"}},
           .run = look},
          {.name = "monitor show",
           .summary = "what was seen of the deployment: a line a window and arm",
           .positionals = deployment,
           .options = {{.name = "--arm", .value = "ARM", .summary = "only stable, canary, shadow, or all together"},
                       {.name = "--from", .value = "TIME", .summary = "windows that begin then or later"}},
           .run = show},
          {.name = "monitor drift",
           .summary = "every column of one window against the reference, the farthest first",
           .positionals = deployment,
           .options = {{.name = "--from",
                        .value = "MONTH",
                        .summary = "when the window begins: 2013-07, or a date",
                        .required = true},
                       {.name = "--arm", .value = "ARM", .summary = "of this arm (default all)"}},
           .run = drift}};
}

}  // namespace millrace::cli
