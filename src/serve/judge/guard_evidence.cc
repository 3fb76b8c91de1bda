#include "serve/judge/guard_evidence.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stats/histogram.h"
#include "stats/sequential/mixture.h"

namespace millrace::serve {
namespace {

using registry::GuardrailKind;

constexpr int64_t kFirstAnswers = 50;  // of the stable arm, before a latency is compared
constexpr double kThresholdGrowth = 1.25;
constexpr size_t kFirstScores = 100;
constexpr double kScoreLevels[] = {0.1, 0.3, 0.5, 0.7, 0.9};
constexpr double kUsualRate = 0.01, kUsualLoss = 0.15, kUsualShortfall = 0.5;
constexpr double kThousand = 1'000;
constexpr double kLargestLog = 700;  // e-values beyond are shown as exp of this

// The values of one arm in a block.
struct Gathered {
  int zeros = 0, ones = 0;
  std::vector<double> between;

  void add(double x) {
    if (x <= 0)
      ++zeros;
    else if (x >= 1)
      ++ones;
    else
      between.push_back(x);
  }
  stats::BlockValues values() const { return {.zeros = zeros, .ones = ones, .between = between}; }
  Gathered turned() const {
    Gathered out{.zeros = ones, .ones = zeros, .between = between};
    for (auto& x : out.between) x = 1 - x;
    return out;
  }
};

Json shown(const stats::Interval& at) {
  if (std::isnan(at.value)) return nullptr;
  const auto number = [](double x) { return std::isfinite(x) ? Json(x) : Json(nullptr); };
  return {{"value", number(at.value)}, {"low", number(at.low)}, {"high", number(at.high)}};
}

// What the outcomes are worth, from what they fall short of the best: per 1,000 decisions.
stats::Interval worth_of(const stats::Interval& shortfall, const registry::Outcomes& worth) {
  const auto turned = [&](double x) { return kThousand * (worth.best() - x * worth.span()); };
  return {turned(shortfall.value), turned(shortfall.high), turned(shortfall.low)};
}
stats::Interval gain_of(const stats::Interval& difference, const registry::Outcomes& worth) {
  const double unit = -kThousand * worth.span();
  return {unit * difference.value, unit * difference.high, unit * difference.low};
}

Json bins_json(const stats::LogHistogram& histogram) {
  Json out = Json::array();
  for (const auto& [bin, count] : histogram.bins()) out.push_back({bin, count});
  return out;
}

bool read_bins(const Json* json, stats::LogHistogram& out) {
  if (json == nullptr || !json->is_array()) return false;
  for (const auto& each : *json) {
    if (!each.is_array() || each.size() != 2 || !each[0].is_number_integer() || !each[1].is_number_integer())
      return false;
    out.add_bin(each[0].get<int>(), each[1].get<int64_t>());
  }
  return true;
}

Error damaged() { return Error{Code::corrupt, "the evidence of a rollout is not as it was written"}; }

}  // namespace

GuardEvidence::GuardEvidence(const registry::Guardrail& guardrail) : guardrail_(guardrail) {
  switch (guardrail.kind) {
    case GuardrailKind::errors:
    case GuardrailKind::refusals: add_level(0, kUsualRate, false); break;
    case GuardrailKind::loss: add_level(0, kUsualLoss, false); break;
    case GuardrailKind::value: add_level(0, kUsualShortfall, false); break;
    case GuardrailKind::latency:
    case GuardrailKind::prediction_shift: break;
  }
}

void GuardEvidence::add_level(double threshold, double expected, bool both_sides) {
  const double delta = guardrail_.tolerance;
  const size_t first = sides_.size();
  const auto side = [&](bool turned, double mean) {
    sides_.push_back({.turned = turned, .harm = {delta, mean}, .safe = {-delta, 1 - mean}});
  };
  side(false, expected);
  if (both_sides) side(true, 1 - expected);
  levels_.push_back({.threshold = threshold, .first_side = first, .sides = sides_.size() - first});
}

std::optional<double> GuardEvidence::value_of(const Observation& seen, double threshold) const {
  switch (guardrail_.kind) {
    case GuardrailKind::errors: return seen.outcome == Outcome::failed ? 1 : 0;
    case GuardrailKind::refusals: return seen.outcome == Outcome::refused ? 1 : 0;
    case GuardrailKind::latency:
      if (seen.outcome != Outcome::answered) return std::nullopt;
      return seen.duration_us > threshold * (seen.canary ? guardrail_.ratio : 1) ? 1 : 0;
    case GuardrailKind::loss:
      if (seen.scores == 0) return std::nullopt;
      return seen.score[0];  // the judge hands in losses, and what was fallen short of
    case GuardrailKind::value:
      if (seen.scores < 2) return std::nullopt;
      return seen.score[1];
    case GuardrailKind::prediction_shift: break;
  }
  if (seen.scores == 0) return std::nullopt;
  int above = 0;
  for (size_t i = 0; i < seen.scores; ++i) above += seen.score[i] > threshold ? 1 : 0;
  return static_cast<double>(above) / seen.scores;
}

void GuardEvidence::add(const Block& block) {
  for (const auto& level : levels_) {
    Gathered canary, stable;
    for (const auto& seen : block.canary)
      if (const auto x = value_of(seen, level.threshold)) canary.add(*x);
    for (const auto& seen : block.stable)
      if (const auto x = value_of(seen, level.threshold)) stable.add(*x);
    const auto not_canary = canary.turned(), not_stable = stable.turned();
    for (size_t i = 0; i < level.sides; ++i) {
      auto& side = sides_[level.first_side + i];
      (side.turned ? side.safe : side.harm).add(canary.values(), stable.values());
      (side.turned ? side.harm : side.safe).add(not_canary.values(), not_stable.values());
    }
  }
  learn(block);
}

void GuardEvidence::learn(const Block& block) {
  if (guardrail_.kind == GuardrailKind::latency) learn_latency(block);
  if (guardrail_.kind == GuardrailKind::prediction_shift && levels_.empty()) learn_scores(block);
}

void GuardEvidence::learn_latency(const Block& block) {
  for (const auto& arm : {block.canary, block.stable})
    for (const auto& seen : arm)
      if (seen.outcome == Outcome::answered) (seen.canary ? canary_us_ : stable_us_).add(seen.duration_us);
  const int64_t answers = stable_us_.count();
  const auto next = static_cast<int64_t>(static_cast<double>(threshold_at_) * kThresholdGrowth);
  if (answers < std::max(kFirstAnswers, next)) return;
  threshold_at_ = answers;
  const double threshold = stable_us_.quantile(guardrail_.quantile);
  if (levels_.empty())
    add_level(threshold, 1 - guardrail_.quantile, false);
  else
    levels_[0].threshold = threshold;
}

void GuardEvidence::learn_scores(const Block& block) {
  for (const auto& seen : block.stable)
    first_scores_.insert(first_scores_.end(), seen.score.begin(), seen.score.begin() + seen.scores);
  if (first_scores_.size() < kFirstScores) return;
  std::sort(first_scores_.begin(), first_scores_.end());
  // Below the lowest, too: where one score is frequent, what lies under it is a shift.
  std::vector<double> thresholds;
  for (const double share : kScoreLevels)
    thresholds.push_back(static_cast<float>(stats::quantile_of_sorted(first_scores_, share)));
  thresholds.insert(thresholds.begin(),
                    std::nextafter(static_cast<float>(thresholds.front()), -std::numeric_limits<float>::infinity()));
  thresholds.erase(std::unique(thresholds.begin(), thresholds.end()), thresholds.end());
  const auto n = static_cast<double>(first_scores_.size());
  for (const double threshold : thresholds) {
    const auto above = first_scores_.end() - std::upper_bound(first_scores_.begin(), first_scores_.end(), threshold);
    add_level(threshold, static_cast<double>(above) / n, true);
  }
  first_scores_.clear();
}

void GuardEvidence::count_with(std::span<const GuardEvidence* const> others) {
  canary_elsewhere_us_ = {};
  stable_elsewhere_us_ = {};
  std::vector<const GuardEvidence*> alike;
  for (const auto* other : others) {
    if (other->sides_.size() != sides_.size()) continue;
    alike.push_back(other);
    canary_elsewhere_us_.merge(other->canary_us_);
    stable_elsewhere_us_.merge(other->stable_us_);
  }
  for (size_t i = 0; i < sides_.size(); ++i) {
    std::vector<const stats::TwoArmEvidence*> harm, safe;
    for (const auto* other : alike) {
      harm.push_back(&other->sides_[i].harm);
      safe.push_back(&other->sides_[i].safe);
    }
    sides_[i].harm.count_with(harm);
    sides_[i].safe.count_with(safe);
  }
}

double GuardEvidence::log_harm() const {
  if (sides_.empty()) return 0;
  std::vector<double> logs;
  for (const auto& side : sides_) logs.push_back(side.harm.log_evidence());
  return stats::log_mean_evidence(std::vector<double>(logs.size(), 1.0 / static_cast<double>(logs.size())), logs);
}

double GuardEvidence::log_harm_bound() const {
  double out = 0;
  for (const auto& side : sides_) out = std::max(out, side.harm.log_evidence_bound());
  return out;
}

double GuardEvidence::log_safe() const {
  if (sides_.empty()) return 0;
  double out = std::numeric_limits<double>::infinity();
  for (const auto& side : sides_) out = std::min(out, side.safe.log_evidence());
  return out;
}

// The claim with the most against it.
const GuardEvidence::Side& GuardEvidence::widest() const {
  return *std::max_element(sides_.begin(), sides_.end(),
                           [](const Side& a, const Side& b) { return a.harm.log_evidence() < b.harm.log_evidence(); });
}

Json GuardEvidence::report(double alpha) const {
  Json out = registry::to_json(guardrail_);
  const double harm = log_harm();
  out["log_e_value"] = harm;
  out["e_value"] = std::exp(std::min(harm, kLargestLog));
  out["safe_log_e_value"] = log_safe();
  out["compared"] = {{"canary", 0}, {"stable", 0}};
  for (const char* key : {"canary", "stable", "difference"}) out[key] = nullptr;
  if (guardrail_.kind == GuardrailKind::latency) {
    auto canary = canary_us_, stable = stable_us_;
    canary.merge(canary_elsewhere_us_);
    stable.merge(stable_elsewhere_us_);
    out["compared"] = {{"canary", canary.count()}, {"stable", stable.count()}};
    out["canary"] = shown(stats::quantile_sequence(canary, guardrail_.quantile, alpha / 2));
    out["stable"] = shown(stats::quantile_sequence(stable, guardrail_.quantile, alpha / 2));
    return out;
  }
  if (sides_.empty()) return out;
  const auto& side = widest();
  // In terms of x, also where the claim is of 1 - x.
  const auto& evidence = side.turned ? side.safe : side.harm;
  const auto canary = evidence.first(), stable = evidence.second();
  out["compared"] = {{"canary", std::llround(canary.n)}, {"stable", std::llround(stable.n)}};
  const bool money = guardrail_.kind == GuardrailKind::value;
  const auto mean_of = [&](const stats::ArmMean& arm) {
    const auto mean = stats::mean_sequence(arm.sum, arm.n, alpha / 2);
    return shown(money ? worth_of(mean, guardrail_.worth) : mean);
  };
  out["canary"] = mean_of(canary);
  out["stable"] = mean_of(stable);
  const auto difference = stats::difference_sequence(canary.sum, canary.n, stable.sum, stable.n, alpha);
  out["difference"] = shown(money ? gain_of(difference, guardrail_.worth) : difference);
  if (guardrail_.kind == GuardrailKind::prediction_shift)
    for (const auto& level : levels_)
      if (&side >= &sides_[level.first_side] && &side < &sides_[level.first_side] + level.sides)
        out["threshold"] = level.threshold;
  return out;
}

Json GuardEvidence::save() const {
  Json levels = Json::array(), sides = Json::array();
  for (const auto& level : levels_) levels.push_back({level.threshold, level.sides});
  for (const auto& side : sides_) sides.push_back({{"harm", side.harm.to_json()}, {"safe", side.safe.to_json()}});
  Json out = registry::to_json(guardrail_);
  out["levels"] = std::move(levels);
  out["sides"] = std::move(sides);
  out["canary_us"] = bins_json(canary_us_);
  out["stable_us"] = bins_json(stable_us_);
  out["threshold_at"] = threshold_at_;
  out["first_scores"] = first_scores_;
  return out;
}

Result<void> GuardEvidence::restore(const Json& json) {
  GuardEvidence out(guardrail_);
  const Json claim = registry::to_json(guardrail_);
  for (const auto& [key, value] : claim.items())
    if (const auto* stored = millrace::find(json, key); stored == nullptr || *stored != value) return damaged();
  const auto *levels = millrace::find(json, "levels"), *sides = millrace::find(json, "sides");
  if (levels == nullptr || !levels->is_array() || sides == nullptr || !sides->is_array()) return damaged();
  out.levels_.clear();
  out.sides_.clear();
  for (const auto& level : *levels) {
    if (!level.is_array() || level.size() != 2 || !level[0].is_number() || !level[1].is_number_integer())
      return damaged();
    const auto count = level[1].get<int64_t>();
    if (count != 1 && count != 2) return damaged();
    out.add_level(level[0].get<double>(), 0.5, count == 2);
  }
  if (out.sides_.size() != sides->size()) return damaged();
  for (size_t i = 0; i < sides->size(); ++i) {
    const auto *harm = millrace::find((*sides)[i], "harm"), *safe = millrace::find((*sides)[i], "safe");
    if (harm == nullptr || safe == nullptr) return damaged();
    MILLRACE_DO(out.sides_[i].harm.restore(*harm));
    MILLRACE_DO(out.sides_[i].safe.restore(*safe));
  }
  if (!read_bins(millrace::find(json, "canary_us"), out.canary_us_) ||
      !read_bins(millrace::find(json, "stable_us"), out.stable_us_))
    return damaged();
  out.threshold_at_ = integer_or(json, "threshold_at", 0);
  const auto* scores = millrace::find(json, "first_scores");
  if (scores == nullptr || !scores->is_array()) return damaged();
  for (const auto& score : *scores) {
    if (!score.is_number()) return damaged();
    out.first_scores_.push_back(score.get<double>());
  }
  *this = std::move(out);
  return {};
}

}  // namespace millrace::serve
