#include "data/profiles/profile.h"

#include <cmath>

#include <fmt/format.h>

#include "data/profiles/profile_columns.h"
#include "data/profiles/profile_queries.h"
#include "data/profiles/profile_scan.h"

namespace millrace::data {
namespace {

constexpr int kBins = 20;

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

}  // namespace

ProfileEdges frozen_edges(const Object& object, const Json& before) {
  ProfileEdges out;
  const Json* columns = find(before, "columns");
  for (const auto& property : object.properties) {
    if (!is_numeric(property.type)) continue;
    const Json* old = columns == nullptr ? nullptr : find(*columns, property.name);
    const Json* histogram = old == nullptr ? nullptr : find(*old, "histogram");
    if (property.minimum && property.maximum)
      out[property.name] =
          steps(property.minimum->number, property.maximum->number, property.type == LogicalType::integer);
    else if (histogram != nullptr && histogram->contains("edges"))
      for (const auto& edge : (*histogram)["edges"]) out[property.name].push_back(edge.get<double>());
  }
  return out;
}

Result<ProfileEdges> choose_edges(const Plan& plan, const Object& object, const Json& before) {
  ProfileEdges out = frozen_edges(object, before);
  std::vector<std::string> open;  // that nothing else tells
  for (const auto& property : object.properties)
    if (is_numeric(property.type) && !out.contains(property.name)) open.push_back(property.name);
  if (open.empty()) return out;
  std::string list;
  for (const auto& name : open) {
    const auto value = real_value(plan, name);
    list += fmt::format("{0}min({1}) FILTER (WHERE {2}), max({1}) FILTER (WHERE {2})", list.empty() ? "" : ", ", value,
                        plan.dialect().is_finite(value));
  }
  MILLRACE_TRY(const auto found, plan.query(fmt::format("SELECT {} FROM millrace_batch", list)));
  for (size_t i = 0; i < open.size(); ++i) {
    if (found.is_null(0, 2 * i)) continue;
    const bool whole = plan.property(open[i]).type == LogicalType::integer;
    out[open[i]] = steps(found.real(0, 2 * i), found.real(0, 2 * i + 1), whole);
  }
  return out;
}

std::unique_ptr<Profiler> make_profiler(const Plan& plan, const Object& object, ProfileEdges edges) {
  if (plan.scanner() != nullptr) return std::make_unique<ProfileScan>(plan, object, edges);
  return std::make_unique<ProfileQueries>(plan, object, std::move(edges));
}

Profile profile_from(const Json& json, const Object& object) {
  Profile out{.rows = integer_or(json, "rows", 0)};
  const Json none = Json::object();
  for (const auto& property : object.properties) {
    const Json* columns = find(json, "columns");
    const Json* one = columns == nullptr ? nullptr : find(*columns, property.name);
    if (one == nullptr || string_or(*one, "type", "") != name_of(property.type)) continue;
    const auto bound = [&](const char* key) -> std::optional<double> {
      const Json* value = find(*one, key);
      if (value == nullptr) return std::nullopt;
      if (value->is_number()) return value->get<double>();
      const auto time = parse_time(value->is_string() ? value->get<std::string>() : "");
      return time ? std::optional(static_cast<double>(*time)) : std::nullopt;
    };
    const auto part = [&](const char* key) -> const Json& {
      const Json* found = find(*one, key);
      return found == nullptr ? none : *found;
    };
    const bool text = property.type == LogicalType::string;
    ColumnProfile column{.type = property.type,
                         .masked = one->contains("masked"),
                         .count = integer_or(*one, "count", 0),
                         .nulls = integer_or(*one, "nulls", 0),
                         .wrong_type = integer_or(*one, "wrong_type", 0),
                         .nan = integer_or(*one, "nan", 0),
                         .infinite = integer_or(*one, "infinite", 0),
                         .minimum = bound(text ? "minimum_length" : "minimum"),
                         .maximum = bound(text ? "maximum_length" : "maximum"),
                         .sum = number_or(*one, "sum", 0),
                         .sum_of_squares = number_or(*one, "sum_of_squares", 0),
                         .truths = integer_or(*one, "true", 0),
                         .distinct = integer_or(part("distinct"), "value", 0),
                         .distinct_error = number_or(part("distinct"), "error", 0)};
    for (const auto& edge : part("histogram").value("edges", Json::array())) column.edges.push_back(edge.get<double>());
    for (const auto& count : part("histogram").value("counts", Json::array()))
      column.counts.push_back(count.get<int64_t>());
    for (const auto& value : part("quantiles").value("values", Json::array()))
      column.quantiles.push_back(value.get<double>());
    column.quantile_error = number_or(part("quantiles"), "error", 0);
    for (const auto& top : part("top"))
      column.top.emplace_back(string_or(top, "value", ""), integer_or(top, "count", 0));
    out.columns.emplace(property.name, std::move(column));
  }
  return out;
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
      one["distinct"] = {
          {"value", column.distinct}, {"estimate", column.distinct_error > 0}, {"error", column.distinct_error}};
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
      if (!column.quantiles.empty())
        one["quantiles"] = {{"shares", profile_shares}, {"values", column.quantiles}, {"error", column.quantile_error}};
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
