// What texts keep to: one of few values, a pattern, a length.
#include <fmt/format.h>

#include "data/infer/parts.h"

namespace millrace::data::infer {
namespace {

constexpr int64_t kSetValues = 50;
constexpr int64_t kRowsAValue = 20;  // on the average, before a list of values is taken for all of them
constexpr int64_t kShapes = 2'000;
constexpr int64_t kFewRows = 100;

struct Values {
  Json list = Json::array();
  int64_t once = 0;  // values that were seen one time
};

Result<Values> read_values(const Batch& batch, const Property& property) {
  MILLRACE_TRY(const auto found,
               batch.plan.query(fmt::format("SELECT {0}, count(*) FROM millrace_batch WHERE {0} IS NOT NULL GROUP BY 1 "
                                            "ORDER BY 1 LIMIT {1}",
                                            batch.value(property), kSetValues + 1)));
  Values values;
  for (size_t row = 0; row < found.rows(); ++row) {
    values.list.push_back(found.text(row, 0));
    if (found.integer(row, 1) == 1) ++values.once;
  }
  return values;
}

// Values seen once tell how much is unseen (Good and Turing): their share of the rows estimates the chance that the
// next row brings a new one.
Result<bool> propose_set(const Batch& batch, const Property& property, Proposals& proposals) {
  const auto& column = batch.of(property);
  if (column.distinct > kSetValues * 11 / 10 || column.count < kFewRows || column.distinct * kRowsAValue > column.count)
    return false;
  MILLRACE_TRY(const auto values, read_values(batch, property));
  const auto distinct = static_cast<int64_t>(values.list.size());
  if (distinct > kSetValues || distinct * kRowsAValue > column.count) return false;
  const double unseen = at_most(values.once, column.count);
  Json rule{{"name", property.name + "_set"},
            {"type", "library"},
            {"metric", "invalidValues"},
            {"arguments", {{"validValues", values.list}}},
            {"dimension", "conformity"}};
  if (values.once == 0) {
    rule["mustBe"] = 0;
  } else {
    rule["unit"] = "percent";
    rule["mustBeLessOrEqualTo"] = plain(round_up(100 * unseen));
  }
  proposals.quality.push_back(with_belief(rule, {values.once == 0 ? 1 - unseen : 0.95, column.count}, values.once > 0));
  return true;
}

Result<bool> propose_pattern(const Batch& batch, const Property& property, Proposals& proposals) {
  const auto& column = batch.of(property);
  if (column.count < kFewRows || column.maximum.value_or(0) > 200) return false;
  const std::string upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", lower = "abcdefghijklmnopqrstuvwxyz", digits = "0123456789";
  const auto from = upper + lower + digits;
  const auto to = std::string(upper.size(), 'A') + std::string(lower.size(), 'a') + std::string(digits.size(), '9');
  MILLRACE_TRY(const auto found,
               batch.plan.query(fmt::format("SELECT translate({0}, '{1}', '{2}'), count(*), min({0}), max({0}) FROM "
                                            "millrace_batch WHERE {0} IS NOT NULL AND {3} GROUP BY 1 ORDER BY 2 DESC, "
                                            "1 LIMIT {4}",
                                            batch.value(property), from, to, batch.sampled(), kShapes)));
  if (static_cast<int64_t>(found.rows()) == kShapes || found.rows() == 0) return false;
  std::vector<std::pair<std::string, int64_t>> shapes;
  std::string first = found.text(0, 2), last = found.text(0, 3);
  for (size_t row = 0; row < found.rows(); ++row) {
    shapes.emplace_back(found.text(row, 0), found.integer(row, 1));
    first = std::min(first, found.text(row, 2));
    last = std::max(last, found.text(row, 3));
  }
  const auto differ = std::mismatch(first.begin(), first.end(), last.begin(), last.end()).first;
  const auto pattern = pattern_of(shapes, std::string(first.begin(), differ));
  if (pattern.empty()) return false;
  MILLRACE_TRY(const auto broken,
               batch.plan.query(fmt::format("SELECT count_if(NOT regexp_matches({}, {})) FROM millrace_batch",
                                            batch.value(property), engine::quote_text(pattern))));
  const int64_t outside = broken.integer(0, 0);
  const double share = at_most(outside, column.count);
  if (outside > 0 && share > damaged_share) return false;
  Json rule{{"name", property.name + "_pattern"},
            {"type", "library"},
            {"metric", "invalidValues"},
            {"arguments", {{"pattern", pattern}}},
            {"dimension", "conformity"}};
  if (outside == 0) {
    rule["mustBe"] = 0;
  } else {
    rule["unit"] = "percent";
    rule["mustBeLessOrEqualTo"] = plain(round_up(100 * share));
  }
  proposals.quality.push_back(with_belief(rule, {1 - share, column.count}, outside > 0));
  return true;
}

void propose_length(const Batch& batch, const Property& property, Proposals& proposals) {
  const auto& column = batch.of(property);
  if (column.count < kFewRows || !column.minimum || !column.maximum) return;
  const auto least = static_cast<int64_t>(*column.minimum), most = static_cast<int64_t>(*column.maximum);
  proposals.options["minLength"] = least == most ? least : std::min<int64_t>(least, 1);
  proposals.options["maxLength"] = least == most ? most : most + std::max<int64_t>(most / 2, 1);
  proposals.beliefs["length"] = {1 - 2.0 / static_cast<double>(column.count + 1), column.count};
}

}  // namespace

Result<void> infer_texts(const Batch& batch, std::map<std::string, Proposals>& columns) {
  for (const auto& property : batch.object.properties) {
    if (property.type != LogicalType::string) continue;
    auto& proposals = columns[property.name];
    MILLRACE_TRY(const bool set, propose_set(batch, property, proposals));
    if (set) continue;
    MILLRACE_TRY(const bool pattern, propose_pattern(batch, property, proposals));
    if (!pattern) propose_length(batch, property, proposals);
  }
  return {};
}

}  // namespace millrace::data::infer
