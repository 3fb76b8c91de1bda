#include "monitor/gauges.h"

#include <fmt/format.h>

#include "monitor/window/window_rows.h"

namespace millrace::monitor {
namespace {

constexpr int64_t kMostWindows = 1'000;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? "\\n" : std::string(1, c);
  }
  return out;
}

void add_line(std::string& out, std::string_view name, const std::string& labels, const Json& value) {
  if (value.is_number()) out += fmt::format("{}{{{}}} {}\n", name, labels, value.get<double>());
}

void add_drift(std::string& out, const Window& window, const std::string& labels) {
  for (const auto& column : window.summary.value("columns", Json::array()))
    for (const char* method : {"psi", "js", "effect"})
      add_line(out, "millrace_drift_score",
               fmt::format("{},column=\"{}\",method=\"{}\"", labels, escaped(string_or(column, "column", "")), method),
               column.value(method, Json()));
}

void add_performance(std::string& out, const Window& window, const std::string& labels) {
  const Json performance = window.summary.value("performance", Json());
  if (!performance.is_object()) return;
  for (const auto& [metric, value] : performance.items()) {
    if (!value.is_object() || !value.contains("value")) continue;
    for (const auto& [bound, key] :
         {std::pair{"lower", "low"}, std::pair{"point", "value"}, std::pair{"upper", "high"}})
      add_line(out, "millrace_performance", fmt::format("{},metric=\"{}\",bound=\"{}\"", labels, metric, bound),
               value.value(key, Json()));
  }
}

// Of every deployment, the period that its newest complete window is of.
Result<std::vector<Window>> newest_complete(store::Session& session, const std::string& workspace) {
  MILLRACE_TRY(const auto rows,
               session.query("SELECT deployment, max(from_time) FROM monitor_windows WHERE workspace = ? AND as_of = "
                             "to_time GROUP BY deployment ORDER BY deployment",
                             {workspace}));
  std::vector<Window> out;
  for (const auto& row : rows) {
    MILLRACE_TRY(auto windows, read_windows(session, workspace, {.deployment = row.text(0), .from = row.integer(1)}, {},
                                            kMostWindows));
    for (auto& window : windows)
      if (window.from == row.integer(1) && window.as_of == window.to && window.arm != kAllArms)
        out.push_back(std::move(window));
  }
  return out;
}

}  // namespace

Result<std::string> gauges_text(const store::Database& database, const std::string& workspace) {
  std::vector<Window> windows;
  MILLRACE_DO(database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(windows, newest_complete(session, workspace));
    return {};
  }));
  std::string drift, performance;
  for (const auto& window : windows) {
    const auto labels = fmt::format("deployment=\"{}\",arm=\"{}\",model=\"{}\",version=\"{}\"",
                                    escaped(window.deployment), window.arm, escaped(window.model), window.version);
    add_drift(drift, window, labels);
    add_performance(performance, window, labels);
  }
  std::string out;
  if (!drift.empty())
    out +=
        "# HELP millrace_drift_score Distance of a column from the reference in the newest complete window.\n# TYPE "
        "millrace_drift_score gauge\n" +
        drift;
  if (!performance.empty())
    out +=
        "# HELP millrace_performance Realized performance in the newest complete window, with its 95 % "
        "interval.\n# TYPE millrace_performance gauge\n" +
        performance;
  return out;
}

}  // namespace millrace::monitor
