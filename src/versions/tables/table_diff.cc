#include "versions/tables/table_diff.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <map>
#include <set>

#include "stats/distance.h"

namespace millrace::versions {
namespace {

constexpr int kBins = 10;
constexpr int kCommonest = 50;

using Columns = std::vector<std::pair<std::string, std::string>>;  // name, type, in the table's order

Result<Columns> columns_of(engine::Engine& session, const std::string& relation) {
  MILLRACE_TRY(const auto described, session.query("DESCRIBE SELECT * FROM " + relation));
  Columns out;
  for (size_t i = 0; i < described.rows(); ++i) out.emplace_back(described.text(i, 0), described.text(i, 1));
  return out;
}

Result<int64_t> count(engine::Engine& session, const std::string& sql) {
  MILLRACE_TRY(const auto counted, session.query(sql));
  return counted.integer(0, 0);
}

bool is_numeric(const std::string& type) {
  static const std::set<std::string> plain{"TINYINT",   "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT",
                                           "USMALLINT", "UINTEGER", "UBIGINT", "FLOAT",  "DOUBLE"};
  return plain.contains(type) || type.starts_with("DECIMAL");
}

bool is_spread(const std::string& type) { return is_numeric(type) || type == "VARCHAR" || type == "BOOLEAN"; }

struct Spread {
  std::vector<int64_t> before, after;
};

// Counts on the quantiles of the former state.
Result<Spread> numeric_spread(engine::Engine& session, const std::string& name, const std::string& before,
                              const std::string& after) {
  const auto column = engine::quote_name(name);
  std::vector<std::string> quantiles;
  for (int i = 1; i < kBins; ++i)
    quantiles.push_back(fmt::format("quantile_cont({}::DOUBLE, {})", column, i / static_cast<double>(kBins)));
  MILLRACE_TRY(const auto found, session.query(fmt::format("SELECT {} FROM {} WHERE isfinite({}::DOUBLE)",
                                                           fmt::join(quantiles, ", "), before, column)));
  std::set<double> edges;
  for (size_t i = 0; i < found.columns(); ++i)
    if (!found.is_null(0, i)) edges.insert(found.real(0, i));
  std::vector<std::string> sums;
  for (const double edge : edges)
    sums.push_back(fmt::format("count(*) FILTER (WHERE {}::DOUBLE <= {:.17g})", column, edge));
  sums.push_back(fmt::format("count({})", column));
  const auto count_bins = [&](const std::string& relation) -> Result<std::vector<int64_t>> {
    MILLRACE_TRY(const auto counted, session.query(fmt::format("SELECT {} FROM {}", fmt::join(sums, ", "), relation)));
    std::vector<int64_t> out;
    int64_t last = 0;
    for (size_t i = 0; i < counted.columns(); ++i) {
      out.push_back(counted.integer(0, i) - last);
      last = counted.integer(0, i);
    }
    return out;
  };
  Spread out;
  MILLRACE_TRY(out.before, count_bins(before));
  MILLRACE_TRY(out.after, count_bins(after));
  return out;
}

// Counts of the commonest values of the former state, and of all others.
Result<Spread> value_spread(engine::Engine& session, const std::string& name, const std::string& before,
                            const std::string& after) {
  const auto column = engine::quote_name(name);
  const auto sql = fmt::format(
      "WITH a AS (SELECT {0}::VARCHAR v, count(*) n FROM {1} WHERE {0} IS NOT NULL GROUP BY 1), "
      "b AS (SELECT {0}::VARCHAR v, count(*) n FROM {2} WHERE {0} IS NOT NULL GROUP BY 1), "
      "top AS (SELECT v, n FROM a ORDER BY n DESC, v LIMIT {3}) "
      "SELECT top.n, coalesce(b.n, 0) FROM top LEFT JOIN b USING (v) UNION ALL "
      "SELECT (SELECT coalesce(sum(n), 0) FROM a) - (SELECT coalesce(sum(n), 0) FROM top), "
      "(SELECT coalesce(sum(n), 0) FROM b) - (SELECT coalesce(sum(b.n), 0) FROM b SEMI JOIN top USING (v))",
      column, before, after, kCommonest);
  MILLRACE_TRY(const auto counted, session.query(sql));
  Spread out;
  for (size_t i = 0; i < counted.rows(); ++i) {
    out.before.push_back(counted.integer(i, 0));
    out.after.push_back(counted.integer(i, 1));
  }
  return out;
}

Result<Json> column_diff(engine::Engine& session, const std::pair<std::string, std::string>& column,
                         const std::string& before, const std::string& after) {
  const auto nulls = fmt::format("SELECT count(*) - count({}) FROM ", engine::quote_name(column.first));
  Json out{{"type", column.second}};
  MILLRACE_TRY(const auto nulls_before, count(session, nulls + before));
  MILLRACE_TRY(const auto nulls_after, count(session, nulls + after));
  out["nulls"] = {{"before", nulls_before}, {"after", nulls_after}};
  if (!is_spread(column.second)) return out;
  const bool numeric = is_numeric(column.second);
  MILLRACE_TRY(const auto spread, numeric ? numeric_spread(session, column.first, before, after)
                                          : value_spread(session, column.first, before, after));
  const auto psi = stats::psi(spread.before, spread.after);
  if (!psi) return out;  // no values on one side
  out["psi"] = *psi;
  const auto test = numeric ? stats::kolmogorov_smirnov(spread.before, spread.after)
                            : stats::chi_squared(spread.before, spread.after);
  if (test) {
    out["test"] = numeric ? "kolmogorov_smirnov" : "chi_squared";
    out["statistic"] = test->statistic;
    out["p"] = test->p_value;
  }
  return out;
}

}  // namespace

Result<Json> diff_tables(engine::Engine& session, const std::string& before, const std::string& after) {
  MILLRACE_TRY(const auto left, columns_of(session, before));
  MILLRACE_TRY(const auto right, columns_of(session, after));
  const std::map<std::string, std::string> there(right.begin(), right.end());
  const std::map<std::string, std::string> here(left.begin(), left.end());
  Json schema{{"added", Json::object()}, {"removed", Json::object()}, {"changed", Json::object()}};
  Columns common;
  for (const auto& [name, type] : left) {
    const auto found = there.find(name);
    if (found == there.end())
      schema["removed"][name] = type;
    else if (found->second != type)
      schema["changed"][name] = {{"before", type}, {"after", found->second}};
    else
      common.emplace_back(name, type);
  }
  for (const auto& [name, type] : right)
    if (!here.contains(name)) schema["added"][name] = type;
  Json rows = Json::object();
  MILLRACE_TRY(rows["before"], count(session, "SELECT count(*) FROM " + before));
  MILLRACE_TRY(rows["after"], count(session, "SELECT count(*) FROM " + after));
  Json columns = Json::object();
  if (!common.empty()) {
    std::vector<std::string> names;
    for (const auto& [name, type] : common) names.push_back(engine::quote_name(name));
    const auto without = [&](const std::string& one, const std::string& other) {
      return fmt::format("SELECT count(*) FROM (SELECT {0} FROM {1} EXCEPT ALL SELECT {0} FROM {2})",
                         fmt::join(names, ", "), one, other);
    };
    MILLRACE_TRY(rows["only_before"], count(session, without(before, after)));
    MILLRACE_TRY(rows["only_after"], count(session, without(after, before)));
  }
  for (const auto& column : common) {
    MILLRACE_TRY(columns[column.first], column_diff(session, column, before, after));
  }
  return Json{{"schema", schema}, {"rows", rows}, {"columns", columns}};
}

}  // namespace millrace::versions
