#include "data/profile.h"

#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "data/typing.h"

namespace millrace::data {
namespace {

constexpr int kBins = 20;
constexpr int64_t kTop = 20;
constexpr int64_t kTopDistinct = 10'000;  // beyond it single values say little

bool is_numeric(LogicalType type) { return type == LogicalType::integer || type == LogicalType::number; }
bool is_time(LogicalType type) { return type == LogicalType::date || type == LogicalType::timestamp; }
bool is_opaque(LogicalType type) { return type == LogicalType::object || type == LogicalType::array; }

// A range of whole numbers gets bins that each hold equally many; few values get one each.
std::vector<double> steps(double low, double high, bool whole) {
  if (!(low < high)) return {low};
  int bins = kBins;
  if (whole) {
    const double width = std::max(1.0, std::ceil((high - low + 1) / kBins));
    bins = static_cast<int>(std::ceil((high - low + 1) / width));
    std::vector<double> edges;
    for (int i = 0; i <= bins; ++i) edges.push_back(low - 0.5 + i * width);
    return edges;
  }
  std::vector<double> edges;
  for (int i = 0; i <= bins; ++i) edges.push_back(low + (high - low) * i / bins);
  return edges;
}

// The engine's sum of doubles depends on the order of threads in its last digits; these are not told.
double stable(double value) {
  if (!std::isfinite(value) || value == 0) return value;
  return std::strtod(fmt::format("{:.11e}", value).c_str(), nullptr);
}

}  // namespace

ProfilePlan::ProfilePlan(const Plan& plan, const Object& object, const Json& before) : plan_(plan), object_(object) {
  const Json* columns = find(before, "columns");
  for (const auto& property : object.properties) {
    if (!is_numeric(property.type)) continue;
    const Json* old = columns == nullptr ? nullptr : find(*columns, property.name);
    const Json* histogram = old == nullptr ? nullptr : find(*old, "histogram");
    if (property.minimum && property.maximum)
      edges_[property.name] =
          steps(property.minimum->number, property.maximum->number, property.type == LogicalType::integer);
    else if (histogram != nullptr && histogram->contains("edges"))
      for (const auto& edge : (*histogram)["edges"]) edges_[property.name].push_back(edge.get<double>());
    else
      open_.push_back(property.name);
  }
}

Result<void> ProfilePlan::choose_edges() {
  if (!open_.empty()) {
    std::string list;
    for (const auto& name : open_) {
      const auto value = real(name);
      list += fmt::format("{0}min({1}) FILTER (WHERE {2}), max({1}) FILTER (WHERE {2})", list.empty() ? "" : ", ",
                          value, plan_.dialect().is_finite(value));
    }
    MILLRACE_TRY(const auto found, plan_.query(fmt::format("SELECT {} FROM millrace_batch", list)));
    for (size_t i = 0; i < open_.size(); ++i) {
      if (found.is_null(0, 2 * i)) continue;
      const bool whole = plan_.property(open_[i]).type == LogicalType::integer;
      edges_[open_[i]] = steps(found.real(0, 2 * i), found.real(0, 2 * i + 1), whole);
    }
  }
  aggregates_ = {"count(*)"};
  for (const auto& property : object_.properties) add(property);
  return {};
}

std::string ProfilePlan::real(const std::string& column) const {
  const auto value = plan_.value(column);
  return plan_.property(column).type == LogicalType::number ? value
                                                            : plan_.dialect().cast(value, engine::SqlType::number);
}

void ProfilePlan::add(const Property& property) {
  const auto& dialect = plan_.dialect();
  const auto value = plan_.value(property.name);
  aggregates_.push_back(fmt::format("count({})", value));
  aggregates_.push_back(plan_.may_be_wrong(property.name) ? fmt::format("count_if({})", plan_.wrong_type(property.name))
                                                          : "0");
  if (!is_opaque(property.type)) aggregates_.push_back(dialect.approximately_distinct(value));
  if (is_numeric(property.type)) {
    const auto number = real(property.name);
    const bool whole = property.type == LogicalType::integer;
    aggregates_.push_back(dialect.cast(fmt::format("min({})", value), engine::SqlType::number));
    aggregates_.push_back(dialect.cast(fmt::format("max({})", value), engine::SqlType::number));
    aggregates_.push_back(whole ? dialect.sum_of_integers(value) : fmt::format("sum({})", value));
    aggregates_.push_back(fmt::format("sum({0} * {0})", number));
    if (const auto edges = edges_.find(property.name); edges != edges_.end())
      aggregates_.push_back(dialect.histogram(number, edges->second));
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

Result<Profile> ProfilePlan::finish(const engine::Table& scan, size_t at) const {
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
      column.sum = scan.is_null(0, at) ? 0 : stable(scan.real(0, at));
      column.sum_of_squares = scan.is_null(0, at + 1) ? 0 : stable(scan.real(0, at + 1));
      at += 2;
      if (const auto edges = edges_.find(property.name); edges != edges_.end()) {
        column.edges = edges->second;
        column.counts = plan_.dialect().read_histogram(scan.json(0, at++), column.edges);
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
Result<void> ProfilePlan::repair_numbers(const Property& property, ColumnProfile& column) const {
  const auto& dialect = plan_.dialect();
  const auto value = real(property.name), nan = dialect.is_nan(value);
  const auto finite = fmt::format("FILTER (WHERE {})", dialect.is_finite(value));
  const auto number = fmt::format("nullif({}, {})", value, dialect.literal(std::nan("")));
  const auto histogram = column.edges.empty() ? "count(*)" : dialect.histogram(number, column.edges);
  MILLRACE_TRY(const auto found,
               plan_.query(fmt::format("SELECT count_if({1}), count_if({2}), min({0}) {3}, max({0}) {3}, sum({0}) {3}, "
                                       "sum({0} * {0}) {3}, {4} FROM millrace_batch",
                                       value, nan, dialect.is_infinite(value), finite, histogram)));
  column.nan = found.integer(0, 0);
  column.infinite = found.integer(0, 1);
  column.minimum = column.maximum = std::nullopt;
  if (!found.is_null(0, 2)) column.minimum = found.real(0, 2), column.maximum = found.real(0, 3);
  column.sum = found.is_null(0, 4) ? 0 : stable(found.real(0, 4));
  column.sum_of_squares = found.is_null(0, 5) ? 0 : stable(found.real(0, 5));
  if (!column.edges.empty()) column.counts = dialect.read_histogram(found.json(0, 6), column.edges);
  return {};
}

Result<void> ProfilePlan::find_top(Profile& profile) const {
  std::vector<std::string> queries;
  for (const auto& [name, column] : profile.columns) {
    const bool few = column.distinct <= kTopDistinct && (column.distinct <= 100 || column.distinct * 2 < column.count);
    if (column.type != LogicalType::string || column.masked || column.count == 0 || !few) continue;
    queries.push_back(
        fmt::format("SELECT * FROM (SELECT {} AS millrace_name, {} AS millrace_value, count(*) AS millrace_count FROM "
                    "millrace_batch WHERE {} IS NOT NULL "
                    "GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT {})",
                    plan_.dialect().quote_text(name), plan_.value(name), plan_.value(name), kTop));
  }
  if (queries.empty()) return {};
  MILLRACE_TRY(const auto found,
               plan_.query(fmt::format("SELECT * FROM ({}) ORDER BY 1, 3 DESC, 2", fmt::join(queries, " UNION ALL "))));
  for (size_t row = 0; row < found.rows(); ++row)
    profile.columns[found.text(row, 0)].top.emplace_back(found.text(row, 1), found.integer(row, 2));
  return {};
}

Json Profile::to_json() const {
  Json out{{"rows", rows}, {"columns", Json::object()}};
  for (const auto& [name, column] : columns) {
    Json one{{"type", name_of(column.type)},
             {"count", column.count},
             {"nulls", column.nulls},
             {"wrong_type", column.wrong_type}};
    if (column.masked) one["masked"] = true;
    if (!is_opaque(column.type))
      one["distinct"] = {{"value", column.distinct}, {"estimate", true}, {"error", column.distinct_error}};
    if (is_numeric(column.type)) {
      one["nan"] = column.nan;
      one["infinite"] = column.infinite;
    }
    if (!column.masked) {
      const bool text = column.type == LogicalType::string;
      if (column.minimum && is_time(column.type))
        one["minimum"] = to_iso(static_cast<Micros>(*column.minimum)),
        one["maximum"] = to_iso(static_cast<Micros>(*column.maximum));
      else if (column.minimum)
        one[text ? "minimum_length" : "minimum"] = *column.minimum,
                                      one[text ? "maximum_length" : "maximum"] = *column.maximum;
      if (is_numeric(column.type)) one["sum"] = column.sum, one["sum_of_squares"] = column.sum_of_squares;
      if (!column.edges.empty()) one["histogram"] = {{"edges", column.edges}, {"counts", column.counts}};
      if (column.type == LogicalType::boolean) one["true"] = column.truths;
      if (text && !column.top.empty()) {
        one["top"] = Json::array();
        for (const auto& [value, count] : column.top) one["top"].push_back({{"value", value}, {"count", count}});
      }
    }
    out["columns"][name] = std::move(one);
  }
  return out;
}

}  // namespace millrace::data
