#include <cmath>

#include <fmt/format.h>

#include "data/infer/parts.h"
#include "stats/interval.h"

namespace millrace::data::infer {

double at_most(int64_t hits, int64_t n) {
  const auto interval = stats::wilson(hits, n);
  return interval ? interval->high : 1;
}

double at_least(int64_t hits, int64_t n) {
  const auto interval = stats::wilson(hits, n);
  return interval ? interval->low : 0;
}

double round_up(double share) {
  if (!(share > 0)) return 0;
  const double unit = std::pow(10, std::floor(std::log10(share)) - 1);
  // The division first: 0.07 has no exact double, 7 of 100 has the nearest.
  return std::ceil(share / unit - 1e-9) / std::round(1 / unit);
}

Json plain(double value) {
  const bool whole = std::floor(value) == value && std::fabs(value) < 9e15;
  return whole ? Json(static_cast<int64_t>(value)) : Json(value);
}

std::string_view severity_of(double confidence, bool of_batch) {
  if (confidence >= 0.999 && !of_batch) return "error";
  return confidence >= 0.95 ? "warning" : "info";
}

namespace {

Json shown(double confidence) { return plain(std::floor(std::clamp(confidence, 0.0, 1.0) * 1e4) / 1e4); }

}  // namespace

Json with_belief(Json rule, const Belief& belief, bool of_batch) {
  rule["severity"] = severity_of(belief.confidence, of_batch);
  rule["customProperties"] = {{{"property", "confidence"}, {"value", shown(belief.confidence)}},
                              {{"property", "support"}, {"value", belief.support}}};
  return rule;
}

Json custom_rule(std::string name, Json implementation, const Belief& belief, bool of_batch) {
  return with_belief({{"name", std::move(name)},
                      {"type", "custom"},
                      {"engine", "millrace"},
                      {"implementation", std::move(implementation)}},
                     belief, of_batch);
}

Json belief_properties(const std::map<std::string, Belief>& beliefs) {
  Json confidence = Json::object(), support = Json::object();
  for (const auto& [rule, belief] : beliefs) {
    confidence[rule] = shown(belief.confidence);
    support[rule] = belief.support;
  }
  return {{{"property", "confidence"}, {"value", confidence}}, {{"property", "support"}, {"value", support}}};
}

std::string Batch::sampled() const {
  if (profile.rows <= sample_rows) return "TRUE";
  return fmt::format("millrace_row % {} = 0", (profile.rows + sample_rows - 1) / sample_rows);
}

}  // namespace millrace::data::infer
