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

std::vector<double> counts_in(const Json& column, std::string_view key) {
  std::vector<double> out;
  for (const auto& one : list_in(column, key)) out.push_back(one.is_number() ? one.get<double>() : 0);
  return out;
}

Distribution distribution_of(const Json& column) {
  Distribution out{.now = counts_in(column, "counts"), .reference = counts_in(column, "reference_counts")};
  const auto& edges = list_in(column, "edges");
  const auto& categories = list_in(column, "categories");
  if (string_or(column, "type", "") == "text") {
    for (const auto& name : categories) out.names.push_back(name.is_string() ? name.get<std::string>() : to_text(name));
    out.names.emplace_back("others");
  } else {
    if (!edges.empty()) out.names.push_back("< " + edge_words(edges.front()));
    for (size_t i = 0; i < edges.size(); ++i)
      out.names.push_back((i + 1 == edges.size() ? "\xE2\x89\xA5 " : "") + edge_words(edges[i]));
    if (edges.empty()) out.names.emplace_back("all values");
  }
  out.names.emplace_back("missing");
  const auto bins = std::max(out.now.size(), out.reference.size());
  out.now.resize(bins);
  out.reference.resize(bins);
  out.names.resize(bins);
  // Nothing to see at the end: nobody is missing, or none but the known categories came.
  while (!out.names.empty() && out.now.back() == 0 && out.reference.back() == 0 &&
         (out.names.back() == "missing" || out.names.back() == "others")) {
    out.now.pop_back();
    out.reference.pop_back();
    out.names.pop_back();
  }
  return out;
}

}  // namespace millrace::report
