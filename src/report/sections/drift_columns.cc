#include "report/sections/drift_columns.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "report/words.h"

namespace millrace::report {
namespace {

std::string edge_words(const Json& edge) {
  return edge.is_number() ? fmt::format("{:.4g}", edge.get<double>()) : std::string(kUnknown);
}

}  // namespace

std::vector<DriftColumn> drift_columns(const std::vector<const Json*>& windows) {
  std::map<std::string, DriftColumn> by_name;
  for (size_t i = 0; i < windows.size(); ++i)
    for (const auto& column : list_in(object_in(*windows[i], "summary"), "columns")) {
      auto& out = by_name[string_or(column, "column", "")];
      out.name = string_or(column, "column", "");
      out.score = string_or(column, "role", "") == "score";
      out.periods.resize(windows.size(), nullptr);
      out.periods[i] = &column;
      const double psi = number_in(column, "psi");
      if (std::isfinite(psi)) out.worst = std::max(out.worst, psi);
    }
  std::vector<DriftColumn> out;
  for (auto& [name, column] : by_name) out.push_back(std::move(column));
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.worst > b.worst; });
  return out;
}

std::vector<std::string> bin_names(const Json& column) {
  std::vector<std::string> out;
  for (const auto& name : list_in(column, "categories"))
    out.push_back(name.is_string() ? name.get<std::string>() : to_text(name));
  if (!out.empty()) return out;
  const auto& edges = list_in(column, "edges");
  const auto bins = list_in(column, "counts").size();
  const bool open = bins == edges.size() + 1;
  if (open && !edges.empty()) out.push_back("< " + edge_words(edges.front()));
  for (size_t i = 0; i < edges.size() && out.size() < bins; ++i)
    out.push_back((open && i + 1 == edges.size() ? "\xE2\x89\xA5 " : "") + edge_words(edges[i]));
  return out;
}

std::vector<double> counts_in(const Json& column, std::string_view key) {
  std::vector<double> out;
  for (const auto& one : list_in(column, key)) out.push_back(one.is_number() ? one.get<double>() : 0);
  return out;
}

}  // namespace millrace::report
