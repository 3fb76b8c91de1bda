#include "data/profiles/profile_page.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "stats/distance.h"

namespace millrace::data {
namespace {

constexpr double kCertain = 0.999;

const Json& part(const Json& of, std::string_view key) {
  static const Json none;
  const auto* found = find(of, key);
  return found == nullptr ? none : *found;
}

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json share(int64_t count, int64_t of) {
  return of == 0 ? Json(nullptr) : Json(static_cast<double>(count) / static_cast<double>(of));
}

// Finite numbers, which the sums are of.
int64_t numbers_in(const Json& column, int64_t rows) {
  return rows - integer_or(column, "nulls", 0) - integer_or(column, "wrong_type", 0) - integer_or(column, "nan", 0) -
         integer_or(column, "infinite", 0);
}

double mean_of(const Json& column, int64_t rows) {
  const auto n = numbers_in(column, rows);
  return n > 0 && column.contains("sum") ? number_or(column, "sum", 0) / static_cast<double>(n) : std::nan("");
}

double deviation_of(const Json& column, int64_t rows) {
  const auto n = static_cast<double>(numbers_in(column, rows));
  const double mean = mean_of(column, rows);
  if (n < 2 || !std::isfinite(mean)) return std::nan("");
  return std::sqrt(std::max(0.0, (number_or(column, "sum_of_squares", 0) - n * mean * mean) / (n - 1)));
}

Json distinct_json(const Json& column) {
  const auto& distinct = part(column, "distinct");
  if (!distinct.is_object()) return nullptr;
  return {{"value", integer_or(distinct, "value", 0)},
          {"exact", number_or(distinct, "error", 0) == 0},
          {"error", number_or(distinct, "error", 0)}};
}

Json quantiles_json(const Json& column) {
  const auto& quantiles = part(column, "quantiles");
  if (!quantiles.is_object()) return nullptr;
  auto out = quantiles;
  out["exact"] = number_or(quantiles, "error", 0) == 0;
  return out;
}

Json column_json(const std::string& name, const Json& column, int64_t rows, const Property* property) {
  const auto first = [&](const char* one, const char* other) {
    return column.contains(one) ? column[one] : part(column, other);
  };
  const auto nulls = integer_or(column, "nulls", 0);
  return {{"column", name},
          {"type", string_or(column, "type", "")},
          {"classification",
           property == nullptr || property->classification.empty() ? Json(nullptr) : Json(property->classification)},
          {"description",
           property == nullptr || property->description.empty() ? Json(nullptr) : Json(property->description)},
          {"masked", column.contains("masked")},
          {"required", property != nullptr && property->required},
          {"rows", rows},
          {"nulls", nulls},
          {"null_rate", share(nulls, rows)},
          {"wrong_type", integer_or(column, "wrong_type", 0)},
          {"distinct", distinct_json(column)},
          {"min", first("minimum", "minimum_length")},
          {"max", first("maximum", "maximum_length")},
          {"mean", number_or_null(mean_of(column, rows))},
          {"deviation", number_or_null(deviation_of(column, rows))},
          {"quantiles", quantiles_json(column)},
          {"histogram", part(column, "histogram")},
          {"top", part(column, "top")},
          {"true", part(column, "true")}};
}

// Two counts over the same bins, and what the bins are.
struct Pair {
  std::vector<int64_t> from, to;
  Json histogram, top;
  bool any() const { return !from.empty(); }
};

std::vector<int64_t> counts_in(const Json& list) {
  std::vector<int64_t> out;
  if (list.is_array())
    for (const auto& each : list) out.push_back(each.is_number() ? each.get<int64_t>() : 0);
  return out;
}

Pair pair_histograms(const Json& from, const Json& to) {
  const auto &a = part(from, "histogram"), &b = part(to, "histogram");
  if (!a.is_object() || !b.is_object() || part(a, "edges") != part(b, "edges")) return {};
  Pair out{counts_in(part(a, "counts")), counts_in(part(b, "counts")), Json(), Json()};
  if (out.from.size() != out.to.size()) return {};
  out.histogram = {{"edges", part(a, "edges")}, {"from", out.from}, {"to", out.to}};
  return out;
}

std::map<std::string, int64_t> top_of(const Json& column) {
  std::map<std::string, int64_t> out;
  const auto& top = part(column, "top");
  if (top.is_array())
    for (const auto& each : top) out[string_or(each, "value", "")] = integer_or(each, "count", 0);
  return out;
}

// The most frequent texts of both, and all others together.
Pair pair_tops(const Json& from, const Json& to, int64_t rows_from, int64_t rows_to) {
  const auto a = top_of(from), b = top_of(to);
  if (a.empty() || b.empty()) return {};
  std::set<std::string> values;
  for (const auto* side : {&a, &b})
    for (const auto& [value, count] : *side) values.insert(value);
  Pair out;
  int64_t left_from = rows_from - integer_or(from, "nulls", 0), left_to = rows_to - integer_or(to, "nulls", 0);
  out.top = Json::array();
  for (const auto& value : values) {
    const auto one = a.find(value), other = b.find(value);
    out.from.push_back(one == a.end() ? 0 : one->second);
    out.to.push_back(other == b.end() ? 0 : other->second);
    left_from -= out.from.back();
    left_to -= out.to.back();
    out.top.push_back({{"value", value}, {"from", out.from.back()}, {"to", out.to.back()}});
  }
  std::sort(out.top.begin(), out.top.end(), [](const Json& x, const Json& y) {
    return integer_or(x, "from", 0) + integer_or(x, "to", 0) > integer_or(y, "from", 0) + integer_or(y, "to", 0);
  });
  out.from.push_back(std::max<int64_t>(0, left_from));
  out.to.push_back(std::max<int64_t>(0, left_to));
  return out;
}

Pair pair_truths(const Json& from, const Json& to, int64_t rows_from, int64_t rows_to) {
  if (!from.contains("true") || !to.contains("true")) return {};
  const auto yes_from = integer_or(from, "true", 0), yes_to = integer_or(to, "true", 0);
  Pair out{{yes_from, std::max<int64_t>(0, rows_from - integer_or(from, "nulls", 0) - yes_from)},
           {yes_to, std::max<int64_t>(0, rows_to - integer_or(to, "nulls", 0) - yes_to)},
           Json(),
           Json()};
  out.top = {{{"value", "true"}, {"from", out.from[0]}, {"to", out.to[0]}},
             {{"value", "false"}, {"from", out.from[1]}, {"to", out.to[1]}}};
  return out;
}

int64_t total(const std::vector<int64_t>& counts) {
  int64_t out = 0;
  for (const auto count : counts) out += count;
  return out;
}

// Beyond what sampling gives.
bool is_shift(double psi, const Pair& pair) {
  if (!(psi >= kShift)) return false;
  int64_t bins = 0;
  for (size_t i = 0; i < pair.from.size(); ++i) bins += pair.from[i] + pair.to[i] > 0 ? 1 : 0;
  const auto noise = stats::psi_noise(std::max<int64_t>(2, bins), total(pair.from), total(pair.to), kCertain);
  return !noise || psi > noise->limit;
}

struct Ranked {
  int rank = 0;  // 0 came, went or another type; 1 the rest
  double distance = 0;
  Json json;
};

Ranked alone(const std::string& name, const Json& column, const char* change, int64_t rows) {
  const bool added = std::string_view(change) == "added";
  const auto side = [&](const Json& value) {
    return Json{{"from", added ? Json(nullptr) : value}, {"to", added ? value : Json(nullptr)}};
  };
  return {0,
          0,
          {{"column", name},
           {"change", change},
           {"type", string_or(column, "type", "")},
           {"psi", nullptr},
           {"js", nullptr},
           {"nulls", side(share(integer_or(column, "nulls", 0), rows))},
           {"mean", side(number_or_null(mean_of(column, rows)))},
           {"distinct", side(distinct_json(column))},
           {"histogram", nullptr},
           {"top", nullptr}}};
}

Ranked compared(const std::string& name, const Json& from, const Json& to, int64_t rows_from, int64_t rows_to) {
  const auto type_from = string_or(from, "type", ""), type_to = string_or(to, "type", "");
  Pair pair = pair_histograms(from, to);
  if (!pair.any()) pair = pair_truths(from, to, rows_from, rows_to);
  if (!pair.any()) pair = pair_tops(from, to, rows_from, rows_to);
  double psi = std::nan(""), js = std::nan("");
  if (pair.any() && total(pair.from) > 0 && total(pair.to) > 0) {
    if (const auto found = stats::psi(pair.from, pair.to)) psi = *found;
    if (const auto found = stats::jensen_shannon(pair.from, pair.to)) js = *found;
  }
  const bool other_type = type_from != type_to;
  const auto nulls_from = share(integer_or(from, "nulls", 0), rows_from),
             nulls_to = share(integer_or(to, "nulls", 0), rows_to);
  const double nulls =
      nulls_from.is_number() && nulls_to.is_number() ? std::abs(nulls_from.get<double>() - nulls_to.get<double>()) : 0;
  const bool shift = is_shift(psi, pair) || nulls >= kShift;
  return {other_type ? 0 : 1,
          std::max(std::isfinite(psi) ? psi : 0, nulls),
          {{"column", name},
           {"change", other_type ? "type"
                      : shift    ? "shift"
                                 : "none"},
           {"type", other_type ? type_from + " to " + type_to : type_to},
           {"psi", number_or_null(psi)},
           {"js", number_or_null(js)},
           {"nulls", {{"from", nulls_from}, {"to", nulls_to}}},
           {"mean", {{"from", number_or_null(mean_of(from, rows_from))}, {"to", number_or_null(mean_of(to, rows_to))}}},
           {"distinct", {{"from", distinct_json(from)}, {"to", distinct_json(to)}}},
           {"histogram", std::move(pair.histogram)},
           {"top", std::move(pair.top)}}};
}

}  // namespace

std::vector<Json> profile_columns(const Json& profile, const Object* object) {
  const auto rows = integer_or(profile, "rows", 0);
  const auto& columns = part(profile, "columns");
  std::vector<Json> out;
  if (!columns.is_object()) return out;
  std::set<std::string> done;
  if (object != nullptr)
    for (const auto& property : object->properties) {
      const auto* column = find(columns, property.name);
      if (column == nullptr || !done.insert(property.name).second) continue;
      out.push_back(column_json(property.name, *column, rows, &property));
    }
  for (const auto& [name, column] : columns.items())
    if (!done.contains(name)) out.push_back(column_json(name, column, rows, nullptr));
  return out;
}

ProfileDiff diff_profiles(const Json& from, const Json& to) {
  ProfileDiff out{.rows_from = integer_or(from, "rows", 0), .rows_to = integer_or(to, "rows", 0)};
  const auto &before = part(from, "columns"), &after = part(to, "columns");
  std::set<std::string> names;
  for (const auto* side : {&before, &after})
    if (side->is_object())
      for (const auto& [name, column] : side->items()) names.insert(name);
  std::vector<Ranked> ranked;
  for (const auto& name : names) {
    const auto *one = find(before, name), *other = find(after, name);
    if (one == nullptr)
      ranked.push_back(alone(name, *other, "added", out.rows_to));
    else if (other == nullptr)
      ranked.push_back(alone(name, *one, "removed", out.rows_from));
    else
      ranked.push_back(compared(name, *one, *other, out.rows_from, out.rows_to));
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) {
    return a.rank != b.rank ? a.rank < b.rank : a.distance > b.distance;
  });
  for (auto& each : ranked) out.columns.push_back(std::move(each.json));
  return out;
}

}  // namespace millrace::data
