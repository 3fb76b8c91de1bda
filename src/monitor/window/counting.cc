#include "monitor/window/counting.h"

#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

namespace millrace::monitor {
namespace {

// |z| <= 2^16, so z * 2^46 and z^2 * 2^30 stay below 2^62.
constexpr double kFarthest = 65'536, kUnit = 0x1p46, kSquareUnit = 0x1p30;

// Each place becomes one column v<i> of an inner query, so that its expression is computed once a row.
std::string value_of(const Place& place, std::optional<double> missing) {
  return place.bins.text ? text_value(place.expression) : number_value(place.expression, missing);
}

// Numbers: how many lie below each edge, and two sums. Texts: how many are each category.
void add_sums(const Bins& bins, const std::string& v, std::string& sql) {
  sql += fmt::format(", count({})", v);
  if (bins.text) {
    for (const auto& category : bins.categories)
      sql += fmt::format(", sum(CASE WHEN {} = {} THEN 1 ELSE 0 END)", v, engine::quote_text(category));
    return;
  }
  for (const double edge : bins.edges)
    sql += fmt::format(", sum(CASE WHEN {} < {} THEN 1 ELSE 0 END)", v, literal(edge));
  // NULL first: least() and greatest() pass over it.
  const std::string z =
      fmt::format("CASE WHEN {0} IS NOT NULL THEN least(greatest(({0} - {1}) / {2}, {3}), {4}) END", v,
                  literal(bins.center), literal(bins.scale), literal(-kFarthest), literal(kFarthest));
  sql += fmt::format(
      ", CAST(sum(CAST(round({0} * {1}) AS BIGINT)) AS DOUBLE), "
      "CAST(sum(CAST(round({0} * {0} * {2}) AS BIGINT)) AS DOUBLE)",
      z, literal(kUnit), literal(kSquareUnit));
}

stats::Moments moments_of(const Bins& bins, int64_t n, double sum, double squares) {
  stats::Moments out{.n = n};
  if (n == 0) return out;
  const double rows = static_cast<double>(n);
  sum /= kUnit;
  squares /= kSquareUnit;
  out.mean = bins.center + bins.scale * (sum / rows);
  if (n > 1) out.variance = std::max(0.0, squares - sum / rows * sum) / (rows - 1) * bins.scale * bins.scale;
  return out;
}

ColumnCounts read_counts(const engine::Table& table, const Bins& bins, int64_t rows, size_t& at) {
  ColumnCounts out;
  const int64_t known = table.integer(0, at++);
  if (bins.text) {
    int64_t others = known;
    for (size_t i = 0; i < bins.categories.size(); ++i) {
      out.counts.push_back(table.integer(0, at++));
      others -= out.counts.back();
    }
    out.counts.push_back(others);
  } else {
    int64_t below = 0;
    for (size_t i = 0; i < bins.edges.size(); ++i) {
      const int64_t here = table.integer(0, at++);
      out.counts.push_back(here - below);
      below = here;
    }
    out.counts.push_back(known - below);
    const double sum = table.real(0, at++), squares = table.real(0, at++);
    out.moments = moments_of(bins, known, sum, squares);
  }
  out.counts.push_back(rows - known);
  return out;
}

}  // namespace

int64_t ColumnCounts::rows() const { return std::accumulate(counts.begin(), counts.end(), int64_t{0}); }

double ColumnCounts::null_rate() const {
  const int64_t all = rows();
  return all == 0 ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(nulls()) / static_cast<double>(all);
}

std::string literal(double value) {
  const auto text = fmt::format("{}", value);
  return text.find('e') == std::string::npos ? text + "e0" : text;
}

std::string number_value(const std::string& expression, std::optional<double> missing) {
  const std::string number = fmt::format("TRY_CAST({} AS DOUBLE)", expression);
  const std::string unknown = missing ? fmt::format(" OR {} = {}", number, literal(*missing)) : "";
  return fmt::format(
      "CASE WHEN {0} IS NULL OR isnan({0}){1} THEN NULL ELSE CAST(CAST(least(greatest({0}, -3.4e38), 3.4e38) AS FLOAT) "
      "AS DOUBLE) END",
      number, unknown);
}

std::string text_value(const std::string& expression) { return fmt::format("CAST({} AS VARCHAR)", expression); }

Result<std::vector<ColumnCounts>> count_columns(engine::Engine& engine, const std::string& source,
                                                const std::string& condition, const std::vector<Place>& places,
                                                std::optional<double> missing) {
  std::string sums, values;
  for (size_t i = 0; i < places.size(); ++i) {
    values += fmt::format("{}{} AS v{}", i == 0 ? "" : ", ", value_of(places[i], missing), i);
    add_sums(places[i].bins, fmt::format("v{}", i), sums);
  }
  std::vector<ColumnCounts> out;
  if (places.empty()) return out;
  MILLRACE_TRY(const auto table, engine.query(fmt::format("SELECT count(*){} FROM (SELECT {} FROM {} WHERE {})", sums,
                                                          values, source, condition)));
  const int64_t rows = table.integer(0, 0);
  size_t at = 1;
  for (const auto& place : places) out.push_back(read_counts(table, place.bins, rows, at));
  return out;
}

}  // namespace millrace::monitor
