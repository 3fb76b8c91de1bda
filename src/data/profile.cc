#include "data/profile.h"

#include <cmath>

#include <fmt/format.h>

#include "data/profile_columns.h"
#include "data/profile_queries.h"
#include "data/profile_scan.h"

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
