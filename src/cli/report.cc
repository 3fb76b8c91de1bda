#include <cmath>

#include <fmt/format.h>

#include "cli/host.h"
#include "core/files.h"

namespace millrace::cli {
namespace {

Result<int> report(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  if (in.json) {
    MILLRACE_TRY(const auto facts, gateway->call("GET", address({"report"})));
    in.show(facts, "");
    return 0;
  }
  MILLRACE_TRY(const auto page, gateway->text(address({"report.html"})));
  const auto file = in.args.get("--out", "report.html");
  MILLRACE_DO(write_file(file, page, 0644));
  in.show(nullptr, fmt::format("{}: {} bytes; open it in a browser, it asks for nothing else\n", file,
                               with_commas(static_cast<int64_t>(page.size()))));
  return 0;
}

// "8,800 (1,956 to 15,644)", or "-" when it is not known.
std::string interval(const Json& estimate) {
  const auto* value = find(estimate, "value");
  if (value == nullptr || !value->is_number()) return "-";
  auto out = with_commas(static_cast<int64_t>(std::llround(value->get<double>())));
  const auto *low = find(estimate, "low"), *high = find(estimate, "high");
  if (low != nullptr && high != nullptr && low->is_number() && high->is_number())
    out += fmt::format(" ({} to {})", with_commas(static_cast<int64_t>(std::llround(low->get<double>()))),
                       with_commas(static_cast<int64_t>(std::llround(high->get<double>()))));
  return out;
}

std::string duration(const Json& object, std::string_view key) {
  const auto* seconds = find(object, key);
  if (seconds == nullptr || !seconds->is_number()) return "-";
  const double value = seconds->get<double>();
  return std::fabs(value) < 2 * 86'400 ? fmt::format("{:.1f} h", value / 3'600)
                                       : fmt::format("{:.1f} days", value / 86'400);
}

std::string months_table(const Json& impact) {
  std::vector<std::vector<std::string>> rows{
      {"month", "arm", "version", "labels", "value", "per 1,000", "gain per 1,000", "cost per 1,000"}};
  for (const auto& month : impact.at("months")) {
    const auto* cost = find(month.at("cost_per_1000"), "total");
    rows.push_back({string_or(month, "month", ""), string_or(month, "arm", ""),
                    std::to_string(integer_or(month, "version", 0)), with_commas(integer_or(month, "labels", 0)),
                    interval(month.at("total")), interval(month.at("per_1000")),
                    interval(month.at("gain").at("per_1000")),
                    cost != nullptr && cost->is_number() ? fmt::format("{:.6g}", cost->get<double>()) : "-"});
  }
  return rows.size() == 1 ? "no outcome is known yet\n" : table(rows);
}

std::string differences_lines(const Json& impact) {
  std::string out;
  for (const auto& one : impact.at("differences"))
    out += fmt::format("{}: version {} (canary) minus version {}: {} per 1,000 predictions: {}\n",
                       string_or(one, "month", ""), integer_or(one, "canary", 0), integer_or(one, "stable", 0),
                       interval(one.at("per_1000")), string_or(one, "verdict", ""));
  return out.empty() ? out : "\n" + out;
}

std::string times_lines(const Json& impact) {
  std::string out;
  std::vector<std::vector<std::string>> leads{{"release", "version", "lead (event time)", "lead (recorded time)"}};
  for (const auto& lead : impact.at("lead_times"))
    leads.push_back({string_or(lead, "release", ""), std::to_string(integer_or(lead, "version", 0)),
                     duration(lead, "event_seconds"), duration(lead, "recorded_seconds")});
  if (leads.size() > 1) out += "\n" + table(leads);
  std::vector<std::vector<std::string>> reactions{{"alert", "cause", "to detect", "to restore"}};
  for (const auto& one : impact.at("reactions"))
    reactions.push_back({fmt::format("{} {}", string_or(one, "kind", ""), string_or(one, "subject", "")),
                         string_or(one, "cause", ""), duration(one, "detect_seconds"),
                         one.value("open", false) ? "still open" : duration(one, "restore_seconds")});
  if (reactions.size() > 1) out += "\n" + table(reactions);
  return out;
}

Result<int> impact(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto answer, gateway->call("GET", address({"deployments", in.args.get("DEPLOYMENT"), "impact"})));
  const auto& total = answer.at("total");
  auto lines =
      fmt::format("{}: worth {} {}, gained {} against choosing nobody ({} labels)\n\n",
                  string_or(answer, "deployment", ""), interval(total.at("value")), string_or(answer, "currency", ""),
                  interval(total.at("gain")), with_commas(integer_or(total, "labels", 0)));
  lines += months_table(answer) + differences_lines(answer) + times_lines(answer);
  in.show(answer, lines);
  return 0;
}

}  // namespace

std::vector<Command> report_commands() {
  return {{.name = "report",
           .summary = "the whole loop as one HTML file that asks for nothing else",
           .positionals = {},
           .options = {{.name = "--out", .value = "FILE", .summary = "where to write it (default: report.html)"}},
           .run = report},
          {.name = "impact",
           .summary = "what a deployment's answers were worth and cost, and how quickly the loop turned",
           .positionals = {{"DEPLOYMENT", "a deployment with a value in millrace.yaml"}},
           .options = {},
           .run = impact}};
}

}  // namespace millrace::cli
