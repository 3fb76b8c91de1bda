// How often values are missing, and between which numbers they lie.
#include <cmath>
#include <cstdlib>
#include <set>

#include <fmt/format.h>

#include "data/infer/parts.h"

namespace millrace::data::infer {
namespace {

bool is_numeric(LogicalType type) { return type == LogicalType::integer || type == LogicalType::number; }

struct Quantiles {
  double lowest = 0, low = 0, median = 0, high = 0, highest = 0;  // 0.1 %, 1 %, 50 %, 99 %, 99.9 %
};

// What a name means wherever it stands; the values of a few batches would say less (January knows one month).
struct Natural {
  std::string_view name;
  int64_t low, high;
};
constexpr Natural kNatural[] = {{"month", 1, 12},   {"day", 1, 31},          {"hour", 0, 24},       {"minute", 0, 59},
                                {"second", 0, 60},  {"lat", -90, 90},        {"latitude", -90, 90}, {"lon", -180, 180},
                                {"lng", -180, 180}, {"longitude", -180, 180}};
constexpr double kMovesWithTime = 0.9;  // correlation
constexpr int64_t kFewValues = 100;
constexpr double kApart = 10;  // as far from the rest as this many times the rest's own width: damage

Result<std::map<std::string, Quantiles>> read_quantiles(const Batch& batch) {
  std::map<std::string, Quantiles> out;
  std::string list;
  std::vector<std::string> names;
  for (const auto& property : batch.object.properties) {
    if (!is_numeric(property.type) || !batch.of(property).minimum) continue;
    const auto real = fmt::format("CAST({} AS DOUBLE)", batch.value(property));
    names.push_back(property.name);
    list += fmt::format("{}quantile_cont({}, [0.001, 0.01, 0.5, 0.99, 0.999]) FILTER (WHERE isfinite({}))",
                        list.empty() ? "" : ", ", real, real);
  }
  if (names.empty()) return out;
  MILLRACE_TRY(const auto found,
               batch.plan.query(fmt::format("SELECT {} FROM millrace_batch WHERE {}", list, batch.sampled())));
  for (size_t i = 0; i < names.size(); ++i) {
    const auto five = found.json(0, i);
    if (five.is_array() && five.size() == 5 && five[0].is_number())
      out[names[i]] = {five[0].get<double>(), five[1].get<double>(), five[2].get<double>(), five[3].get<double>(),
                       five[4].get<double>()};
  }
  return out;
}

// The largest share of missing values in one of the files: rates differ from batch to batch by more than chance.
Result<std::map<std::string, double>> read_null_rates(const Batch& batch) {
  std::map<std::string, double> out;
  std::string counts = "count(*)::DOUBLE AS n", rates;
  for (size_t i = 0; i < batch.object.properties.size(); ++i) {
    counts += fmt::format(", count({}) AS p{}", batch.plan.raw(batch.object.properties[i].name), i);
    rates += fmt::format("{}max(1 - p{} / n)", i == 0 ? "" : ", ", i);
  }
  MILLRACE_TRY(const auto found,
               batch.plan.query(fmt::format("SELECT {} FROM (SELECT {} FROM millrace_batch GROUP BY millrace_file)",
                                            rates, counts)));
  for (size_t i = 0; i < batch.object.properties.size(); ++i)
    out[batch.object.properties[i].name] = found.is_null(0, i) ? 0 : found.real(0, i);
  return out;
}

void propose_nulls(const Property& property, const ColumnProfile& column, double worst, int64_t rows,
                   Proposals& proposals) {
  const double upper = at_most(column.nulls, rows);
  if (column.nulls == 0 && upper <= 0.01) {
    proposals.keys["required"] = true;
    proposals.beliefs["required"] = {1 - upper, rows};
    return;
  }
  if (column.nulls == rows) return;
  // Room for batches that differ: twice the rate, and as much again as chance explains.
  const double limit = round_up(std::min(1.0, 2 * std::max(worst, upper) + 0.005));
  if (limit >= 1) return;
  proposals.quality.push_back(
      custom_rule(property.name + "_null_rate",
                  {{"metric", "null_rate"}, {"column", property.name}, {"between", {0, plain(limit)}}},
                  {at_least(rows - column.nulls, rows) >= 1 - limit ? 0.95 : 0.5, rows}));
}

// The columns whose values move with a time of the row (a year, a running number): the next batch leaves their range.
Result<std::set<std::string>> read_moving(const Batch& batch) {
  std::set<std::string> out;
  std::string list;
  std::vector<std::string> names;
  for (const auto& property : batch.object.properties) {
    if (!is_numeric(property.type)) continue;
    for (const auto& time : batch.object.properties) {
      if (time.type != LogicalType::timestamp && time.type != LogicalType::date) continue;
      const auto real = fmt::format("CAST({} AS DOUBLE)", batch.value(property));
      list += fmt::format("{}abs(corr({}, epoch(CAST({} AS TIMESTAMP))) FILTER (WHERE isfinite({})))",
                          list.empty() ? "" : ", ", real, batch.value(time), real);
      names.push_back(property.name);
    }
  }
  if (names.empty()) return out;
  MILLRACE_TRY(const auto found,
               batch.plan.query(fmt::format("SELECT {} FROM millrace_batch WHERE {}", list, batch.sampled())));
  for (size_t i = 0; i < names.size(); ++i)
    if (!found.is_null(0, i) && found.real(0, i) > kMovesWithTime) out.insert(names[i]);
  return out;
}

// The ends of a column without values that stand far apart from all others.
struct Ends {
  double smallest = 0, largest = 0;
  int64_t apart = 0;
};

Result<Ends> read_ends(const Batch& batch, const Property& property, const Quantiles& at) {
  const auto& column = batch.of(property);
  Ends ends{.smallest = *column.minimum, .largest = *column.maximum};
  const double above = at.highest + kApart * (at.highest - at.median);
  const double below = at.lowest - kApart * (at.median - at.lowest);
  if (ends.largest <= above && ends.smallest >= below) return ends;
  const auto real = fmt::format("CAST({} AS DOUBLE)", batch.value(property));
  MILLRACE_TRY(
      const auto found,
      batch.plan.query(fmt::format(
          "SELECT min({0}) FILTER (WHERE {0} >= {1}), max({0}) FILTER (WHERE {0} <= {2}), max({0}) FILTER "
          "(WHERE {0} < {1}), min({0}) FILTER (WHERE {0} > {2}), count_if({0} < {1}), count_if({0} > {2}) FROM "
          "millrace_batch WHERE isfinite({0})",
          real, fmt::format("CAST('{}' AS DOUBLE)", below), fmt::format("CAST('{}' AS DOUBLE)", above))));
  const auto far = [&](size_t outlier, double end) {
    return !found.is_null(0, outlier) &&
           std::fabs(found.real(0, outlier) - at.median) > kApart * std::fabs(end - at.median);
  };
  if (found.is_null(0, 0) || found.is_null(0, 1)) return ends;
  if (far(2, found.real(0, 0))) ends.smallest = found.real(0, 0), ends.apart += found.integer(0, 4);
  if (far(3, found.real(0, 1))) ends.largest = found.real(0, 1), ends.apart += found.integer(0, 5);
  return ends;
}

bool has_natural_range(const Property& property, const ColumnProfile& column, Proposals& proposals) {
  std::string name = property.name;
  for (auto& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  for (const auto& natural : kNatural) {
    if (name != natural.name || *column.minimum < static_cast<double>(natural.low) ||
        *column.maximum > static_cast<double>(natural.high))
      continue;
    proposals.options["minimum"] = natural.low;
    proposals.options["maximum"] = natural.high;
    proposals.beliefs["range"] = {at_least(column.count, column.count), column.count};
    return true;
  }
  return false;
}

// Away from the data by as much as the last hundredth of it is wide: a later batch of the same tail, a hundred times
// larger, still lies inside; where many values stand at the end (a 31st, a zero) there is nothing to add.
void propose_range(const Property& property, const ColumnProfile& column, const Quantiles& at, const Ends& ends,
                   Proposals& proposals) {
  const bool whole = property.type == LogicalType::integer;
  const double smallest = ends.smallest, largest = ends.largest;
  if (!(smallest < largest)) return;
  double low = smallest - std::max(0.0, at.low - smallest), high = largest + std::max(0.0, largest - at.high);
  if (smallest >= 0 && low < 0) low = 0;
  if (largest <= 0 && high > 0) high = 0;
  if (!std::isfinite(low) || !std::isfinite(high)) return;
  const auto bound = [&](double value, bool up) -> Json {
    if (whole) {
      const double rounded = up ? std::ceil(value) : std::floor(value);
      return std::fabs(rounded) < 9e15 ? Json(static_cast<int64_t>(rounded)) : Json();
    }
    // Three digits of the width: a bound that people can read, and never inside the data.
    const double unit = std::pow(10, std::floor(std::log10(largest - smallest)) - 2);
    const double rounded = (up ? std::ceil(value / unit) : std::floor(value / unit)) * unit;
    const double clean = std::strtod(fmt::format("{:.10g}", rounded).c_str(), nullptr);
    return plain(up ? std::max(clean, largest) : std::min(clean, smallest));
  };
  const Json minimum = bound(low, false), maximum = bound(high, true);
  if (minimum.is_null() || maximum.is_null()) return;
  proposals.options["minimum"] = minimum;
  proposals.options["maximum"] = maximum;
  // The next value of an exchangeable series is a new extreme at either end with chance 2 / (n + 1).
  const double next = 1 - 2.0 / static_cast<double>(column.count + 1);
  proposals.beliefs["range"] = {
      ends.apart == 0 ? next : std::min(next, at_least(column.count - ends.apart, column.count)), column.count};
}

}  // namespace

Result<void> infer_values(const Batch& batch, std::map<std::string, Proposals>& columns) {
  MILLRACE_TRY(const auto quantiles, read_quantiles(batch));
  MILLRACE_TRY(const auto worst, read_null_rates(batch));
  MILLRACE_TRY(const auto moving, read_moving(batch));
  for (const auto& property : batch.object.properties) {
    const auto& column = batch.of(property);
    auto& proposals = columns[property.name];
    propose_nulls(property, column, worst.at(property.name), batch.profile.rows, proposals);
    const auto at = quantiles.find(property.name);
    if (at == quantiles.end() || has_natural_range(property, column, proposals)) continue;
    // A key that grows has no range that its next batch would keep to.
    const bool key = property.type == LogicalType::integer &&
                     (proposals.keys.value("unique", false) || proposals.keys.value("primaryKey", false));
    if (column.count < kFewValues || key || moving.contains(property.name)) continue;
    MILLRACE_TRY(const auto ends, read_ends(batch, property, at->second));
    propose_range(property, column, at->second, ends, proposals);
  }
  return {};
}

}  // namespace millrace::data::infer
