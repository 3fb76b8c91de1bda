#include "stats/sequential/two_arms.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace millrace::stats {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
// Distances of alternatives beyond delta. The first one stands for "both arms are alike" where delta is below 0.
constexpr double kDistances[] = {0.002, 0.006, 0.02, 0.05, 0.12, 0.3, 0.6};
constexpr double kEdge = 1e-5;           // means of alternatives stay this far from 0 and 1
constexpr double kPriorWeight = 20;      // what `expected` counts against what was seen
constexpr double kLeastDistance = 1e-3;  // of the alternative that follows
constexpr double kGrowth = 1.5;          // estimates are made anew when the count has grown so much
constexpr int kSteps = 100;
constexpr double kClose = 1e-14;
constexpr size_t kShapes = 256;  // of blocks, whose bets are kept

double log_sum(std::span<const double> logs) {
  const double most = *std::max_element(logs.begin(), logs.end());
  if (std::isinf(most)) return most;
  double sum = 0;
  for (const double each : logs) sum += std::exp(each - most);
  return most + std::log(sum);
}

// x = 0 and x = 1 are counted, others go through the affine function itself.
double log_product(const BlockValues& values, double at_zero, double at_one) {
  double out = values.zeros * at_zero + values.ones * at_one;
  for (const double x : values.between) out += std::log(x * std::exp(at_one) + (1 - x) * std::exp(at_zero));
  return out;
}

// Derivative of c KL(a, r + delta) + s KL(b, r) by r: it grows with r.
double slope(double a, double b, double r, double delta, double c, double s) {
  const double p = r + delta;
  return c * (-a / p + (1 - a) / (1 - p)) + s * (-b / r + (1 - b) / (1 - r));
}

// The r of the claim's edge p = r + delta that is nearest to (a, b), a > b + delta: Newton's steps on the slope, halved
// where they leave the bracket.
double nearest(double a, double b, double delta, double c, double s) {
  double low = std::max({b, -delta, 0.0}), high = std::min(a - delta, 1.0);
  double r = std::clamp((c * (a - delta) + s * b) / (c + s), low, high);
  if (!(r > low && r < high)) r = (low + high) / 2;
  for (int i = 0; i < kSteps; ++i) {
    const double at = slope(a, b, r, delta, c, s), p = r + delta;
    (at < 0 ? low : high) = r;
    const double bend =
        c * (a / (p * p) + (1 - a) / ((1 - p) * (1 - p))) + s * (b / (r * r) + (1 - b) / ((1 - r) * (1 - r)));
    double next = r - at / bend;
    if (!(next > low && next < high)) next = (low + high) / 2;
    if (std::abs(next - r) <= kClose * r) return next;
    r = next;
  }
  return r;
}

Json numbers(const ArmMean& mean) { return {mean.n, mean.sum}; }

bool read_pair(const Json* json, ArmMean& out) {
  if (json == nullptr || !json->is_array() || json->size() != 2 || !(*json)[0].is_number() || !(*json)[1].is_number())
    return false;
  out = {(*json)[0].get<double>(), (*json)[1].get<double>()};
  return out.n >= 0 && out.sum >= 0 && out.sum <= out.n * (1 + 1e-9);
}

}  // namespace

double BlockValues::sum() const {
  double out = ones;
  for (const double x : between) out += x;
  return out;
}

void ArmMean::add(const BlockValues& values) {
  n += values.count();
  sum += values.sum();
}

TwoArmEvidence::TwoArmEvidence(double delta, double expected)
    : delta_(delta), expected_(std::clamp(expected, 0.0, 1.0)) {
  static_assert(std::size(kDistances) + 2 == kAlternatives);
}

// Only what came before the block is known to it.
void TwoArmEvidence::estimate() {
  const double seen = first_.n + second_.n;
  if (estimated_at_ >= 0 && seen < std::max(16.0, estimated_at_ * kGrowth)) return;
  estimated_at_ = seen;
  const auto shrunk = [](const ArmMean& arm, double towards) {
    return (arm.sum + kPriorWeight * towards) / (arm.n + kPriorWeight);
  };
  second_mean_ = std::clamp(shrunk(second_, expected_), kEdge, 1 - kEdge);
  first_mean_ = std::clamp(shrunk(first_, second_mean_), kEdge, 1 - kEdge);
  bets_.clear();
}

TwoArmEvidence::Bet TwoArmEvidence::bet_on(double a, int first, int second) const {
  const double b = second_mean_;
  a = std::min(a, 1 - kEdge);
  if (!(a > b + delta_) || a <= kEdge) return {};
  const double r = nearest(a, b, delta_, first, second), p = r + delta_;
  if (!(p > 0 && p < 1 && r > 0 && r < 1)) return {};
  return {.f0 = std::log((1 - a) / (1 - p)),
          .f1 = std::log(a / p),
          .g0 = std::log((1 - b) / (1 - r)),
          .g1 = std::log(b / r)};
}

const TwoArmEvidence::Bets& TwoArmEvidence::bets_of(int first, int second) {
  if (bets_.size() >= kShapes) bets_.clear();
  const auto [at, fresh] = bets_.try_emplace({first, second});
  if (!fresh) return at->second;
  auto& bets = at->second;
  const double edge = second_mean_ + delta_;
  size_t i = 0;
  for (const double distance : kDistances) bets[i++] = bet_on(std::max(edge, 0.0) + distance, first, second);
  bets[i++] = bet_on(std::max(first_mean_, edge + kLeastDistance), first, second);
  bets[i] = bet_on(delta_ < 0 ? second_mean_ : edge + 4 * second_mean_, first, second);
  return bets;
}

void TwoArmEvidence::add(const BlockValues& first, const BlockValues& second) {
  const int c = first.count(), s = second.count();
  if (c > 0 && s > 0) {
    estimate();
    const auto& bets = bets_of(c, s);
    for (size_t i = 0; i < kAlternatives; ++i)
      log_wealth_[i] += log_product(first, bets[i].f0, bets[i].f1) + log_product(second, bets[i].g0, bets[i].g1);
  }
  first_.add(first);
  second_.add(second);
}

void TwoArmEvidence::merge(const TwoArmEvidence& other) {
  for (size_t i = 0; i < kAlternatives; ++i) log_wealth_[i] += other.log_wealth_[i];
  first_.n += other.first_.n;
  first_.sum += other.first_.sum;
  second_.n += other.second_.n;
  second_.sum += other.second_.sum;
}

void TwoArmEvidence::count_with(std::span<const TwoArmEvidence* const> others) {
  elsewhere_ = {};
  for (const auto* other : others) {
    for (size_t i = 0; i < kAlternatives; ++i) elsewhere_.log_wealth[i] += other->log_wealth_[i];
    elsewhere_.first.n += other->first_.n;
    elsewhere_.first.sum += other->first_.sum;
    elsewhere_.second.n += other->second_.n;
    elsewhere_.second.sum += other->second_.sum;
  }
}

std::array<double, TwoArmEvidence::kAlternatives> TwoArmEvidence::all_wealth() const {
  auto out = log_wealth_;
  for (size_t i = 0; i < kAlternatives; ++i) out[i] += elsewhere_.log_wealth[i];
  return out;
}

double TwoArmEvidence::log_evidence() const { return log_sum(all_wealth()) - std::log(double{kAlternatives}); }

double TwoArmEvidence::log_evidence_bound() const {
  const auto wealth = all_wealth();
  return *std::max_element(wealth.begin(), wealth.end());
}

Json TwoArmEvidence::to_json() const {
  return {{"delta", delta_},           {"expected", expected_},
          {"first", numbers(first_)},  {"second", numbers(second_)},
          {"log_wealth", log_wealth_}, {"estimate", {estimated_at_, first_mean_, second_mean_}}};
}

Result<void> TwoArmEvidence::restore(const Json& json) {
  const Error damaged{Code::corrupt, "the evidence of a rollout is not as it was written"};
  TwoArmEvidence out(delta_, expected_);
  const auto* wealth = millrace::find(json, "log_wealth");
  const auto* estimate = millrace::find(json, "estimate");
  if (number_or(json, "delta", kInfinite) != delta_ || !read_pair(millrace::find(json, "first"), out.first_) ||
      !read_pair(millrace::find(json, "second"), out.second_) || wealth == nullptr || !wealth->is_array() ||
      wealth->size() != kAlternatives || estimate == nullptr || !estimate->is_array() || estimate->size() != 3)
    return damaged;
  for (size_t i = 0; i < kAlternatives; ++i) {
    if (!(*wealth)[i].is_number()) return damaged;
    out.log_wealth_[i] = (*wealth)[i].get<double>();
  }
  for (const auto& each : *estimate)
    if (!each.is_number()) return damaged;
  out.expected_ = number_or(json, "expected", expected_);
  out.estimated_at_ = (*estimate)[0].get<double>();
  out.first_mean_ = (*estimate)[1].get<double>();
  out.second_mean_ = (*estimate)[2].get<double>();
  *this = std::move(out);
  return {};
}

double log_mean_evidence(std::span<const double> weights, std::span<const double> logs) {
  double most = -kInfinite;
  for (size_t i = 0; i < logs.size(); ++i)
    if (weights[i] > 0) most = std::max(most, logs[i]);
  if (std::isinf(most)) return most;
  double sum = 0;
  for (size_t i = 0; i < logs.size(); ++i) sum += weights[i] * std::exp(logs[i] - most);
  return most + std::log(sum);
}

}  // namespace millrace::stats
