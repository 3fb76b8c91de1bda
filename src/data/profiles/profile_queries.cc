#include "data/profiles/profile_queries.h"

#include <cmath>

#include <fmt/format.h>

#include "data/profiles/profile_columns.h"

namespace millrace::data {

ProfileQueries::ProfileQueries(const Plan& plan, const Object& object, ProfileEdges edges)
    : plan_(plan), object_(object), edges_(std::move(edges)), aggregates_{"count(*)"} {
  for (const auto& property : object_.properties) add(property);
}

void ProfileQueries::add(const Property& property) {
  const auto& dialect = plan_.dialect();
  const auto value = plan_.value(property.name);
  aggregates_.push_back(fmt::format("count({})", value));
  aggregates_.push_back(plan_.may_be_wrong(property.name) ? fmt::format("count_if({})", plan_.wrong_type(property.name))
                                                          : "0");
  if (!is_opaque(property.type)) aggregates_.push_back(dialect.approximately_distinct(value));
  if (is_numeric(property.type)) {
    const auto number = real_value(plan_, property.name);
    const bool whole = property.type == LogicalType::integer;
    aggregates_.push_back(dialect.cast(fmt::format("min({})", value), engine::SqlType::number));
    aggregates_.push_back(dialect.cast(fmt::format("max({})", value), engine::SqlType::number));
    aggregates_.push_back(whole ? dialect.sum_of_integers(value) : fmt::format("sum({})", value));
    aggregates_.push_back(fmt::format("sum({0} * {0})", number));
    if (const auto edges = edges_.find(property.name); edges != edges_.end()) {
      aggregates_.push_back(dialect.histogram(number, edges->second));
      aggregates_.push_back(dialect.quantiles(number, profile_shares));
    }
  }
  if (property.type == LogicalType::string) {
    const auto length = dialect.characters(value);
    aggregates_.push_back(fmt::format("min({})", length));
    aggregates_.push_back(fmt::format("max({})", length));
  }
  if (is_time(property.type)) {
    aggregates_.push_back(dialect.epoch_micros(fmt::format("min({})", value)));
    aggregates_.push_back(dialect.epoch_micros(fmt::format("max({})", value)));
  }
  if (property.type == LogicalType::boolean) aggregates_.push_back(fmt::format("count_if({})", value));
}

Result<Profile> ProfileQueries::finish(const engine::Table& scan, size_t at) {
  Profile profile{.rows = scan.integer(0, at++)};
  const auto next_bound = [&](std::optional<double>& bound) {
    if (!scan.is_null(0, at)) bound = scan.real(0, at);
    ++at;
  };
  for (const auto& property : object_.properties) {
    ColumnProfile column{.type = property.type, .masked = property.is_masked()};
    column.count = scan.integer(0, at++);
    column.wrong_type = scan.integer(0, at++);
    column.nulls = profile.rows - column.count - column.wrong_type;
    if (!is_opaque(property.type)) {
      column.distinct = scan.integer(0, at++);
      column.distinct_error = plan_.dialect().approximation_error();
    }
    if (is_numeric(property.type)) {
      next_bound(column.minimum);
      next_bound(column.maximum);
      const bool finite =
          scan.is_null(0, at) || (std::isfinite(scan.real(0, at)) && std::isfinite(scan.real(0, at + 1)));
      column.sum = scan.is_null(0, at) ? 0 : stable_sum(scan.real(0, at));
      column.sum_of_squares = scan.is_null(0, at + 1) ? 0 : stable_sum(scan.real(0, at + 1));
      at += 2;
      if (const auto edges = edges_.find(property.name); edges != edges_.end()) {
        column.edges = edges->second;
        column.counts = plan_.dialect().read_histogram(scan.json(0, at++), column.edges);
        read_quantiles(scan.json(0, at++), column);
      }
      if (!finite) MILLRACE_DO(repair_numbers(property, column));
    }
    if (property.type == LogicalType::string || is_time(property.type)) {
      next_bound(column.minimum);
      next_bound(column.maximum);
    }
    if (property.type == LogicalType::boolean) column.truths = scan.integer(0, at++);
    profile.columns.emplace(property.name, std::move(column));
  }
  MILLRACE_DO(find_top(profile));
  return profile;
}

// The first scan does not look for NaN and infinities in every value; the sum tells whether there are any.
Result<void> ProfileQueries::repair_numbers(const Property& property, ColumnProfile& column) const {
  const auto& dialect = plan_.dialect();
  const auto value = real_value(plan_, property.name), nan = dialect.is_nan(value);
  const auto finite = fmt::format("FILTER (WHERE {})", dialect.is_finite(value));
  const auto number = fmt::format("nullif({}, {})", value, dialect.literal(std::nan("")));
  const auto histogram = column.edges.empty() ? "count(*)" : dialect.histogram(number, column.edges);
  const auto quantiles =
      dialect.quantiles(fmt::format("CASE WHEN {} THEN {} END", dialect.is_finite(value), value), profile_shares);
  MILLRACE_TRY(const auto found,
               plan_.query(fmt::format("SELECT count_if({1}), count_if({2}), min({0}) {3}, max({0}) {3}, sum({0}) {3}, "
                                       "sum({0} * {0}) {3}, {4}, {5} FROM millrace_batch",
                                       value, nan, dialect.is_infinite(value), finite, histogram, quantiles)));
  column.nan = found.integer(0, 0);
  column.infinite = found.integer(0, 1);
  column.minimum = column.maximum = std::nullopt;
  if (!found.is_null(0, 2)) column.minimum = found.real(0, 2), column.maximum = found.real(0, 3);
  column.sum = found.is_null(0, 4) ? 0 : stable_sum(found.real(0, 4));
  column.sum_of_squares = found.is_null(0, 5) ? 0 : stable_sum(found.real(0, 5));
  if (!column.edges.empty()) column.counts = dialect.read_histogram(found.json(0, 6), column.edges);
  read_quantiles(found.json(0, 7), column);
  return {};
}

void ProfileQueries::read_quantiles(const Json& cell, ColumnProfile& column) const {
  column.quantiles.clear();
  // Less than one value is none.
  const double error = plan_.dialect().quantile_error();
  column.quantile_error = error * static_cast<double>(column.count) < 1 ? 0 : error;
  if (!cell.is_array()) return;
  for (const auto& value : cell) column.quantiles.push_back(value.is_number() ? value.get<double>() : 0);
}

Result<void> ProfileQueries::find_top(Profile& profile) const {
  std::vector<std::string> queries;
  for (const auto& [name, column] : profile.columns) {
    if (column.type != LogicalType::string || column.masked || column.count == 0 ||
        !has_few_values(column.distinct, column.count))
      continue;
    queries.push_back(
        fmt::format("SELECT * FROM (SELECT {} AS millrace_name, {} AS millrace_value, count(*) AS millrace_count FROM "
                    "millrace_batch WHERE {} IS NOT NULL "
                    "GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT {})",
                    plan_.dialect().quote_text(name), plan_.value(name), plan_.value(name), profile_top));
  }
  if (queries.empty()) return {};
  MILLRACE_TRY(const auto found,
               plan_.query(fmt::format("SELECT * FROM ({}) ORDER BY 1, 3 DESC, 2", fmt::join(queries, " UNION ALL "))));
  for (size_t row = 0; row < found.rows(); ++row)
    profile.columns[found.text(row, 0)].top.emplace_back(found.text(row, 1), found.integer(row, 2));
  return {};
}

}  // namespace millrace::data
