// How soon a bad canary is found, how often a good one is taken back, and what a look costs: the judge beside a
// threshold that is checked every minute and a z test that is repeated every minute. Fixed seeds; counters are the
// result.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <memory>
#include <vector>

#include "serve/judge/judge.h"
#include "stats/normal.h"
#include "stats/sequential/testing.h"

namespace millrace::serve {
namespace {

using registry::GuardrailKind;
using stats::testing::Dice;

constexpr double kShare = 0.2, kAlpha = 0.01;
constexpr int kMinute = 20 * 60, kMinutes = 30;  // 20 requests a second
constexpr size_t kDelay = 5 * kMinute;           // requests until a label comes: five minutes
constexpr double kMedianUs = 300, kSpread = 0.5, kZ99 = 2.3263478740408408;

struct Behaviour {
  double errors = 0.001, slower = 1, shift = 0;
  double blind = 0;  // share of answers whose score has nothing to do with the row
};

const registry::Outcomes kWorth{.true_positive = 60, .false_positive = -15, .false_negative = -40, .true_negative = 0};
constexpr double kMayLose = 2;  // a decision, in money

// A label on its way.
struct Label {
  bool canary = false, positive = false;
  float score = 0;
  uint64_t prediction = 0;
};

double normal(Dice& dice) { return std::sqrt(-2 * std::log(1 - dice.uniform())) * std::cos(2 * M_PI * dice.uniform()); }

Observation request(Dice& dice, bool canary, const Behaviour& arm) {
  Observation out{.canary = canary, .outcome = dice.coin(arm.errors) ? Outcome::failed : Outcome::answered};
  out.duration_us = static_cast<float>(kMedianUs * arm.slower * std::exp(kSpread * normal(dice)));
  if (out.outcome == Outcome::answered) {
    out.scores = 1;
    out.score[0] = static_cast<float>(std::min(1.0, dice.uniform() + arm.shift));
  }
  return out;
}

// What comes true of a row: as often as its score says, but for the blind.
bool comes_true(Dice& dice, const Observation& seen, const Behaviour& arm) {
  const double chance = dice.coin(arm.blind) ? dice.uniform() : std::max(0.0, seen.score[0] - arm.shift);
  return dice.coin(chance);
}

// True when this request ends the rollout.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual bool see(const Observation& seen) = 0;
  virtual bool learn(const Label& label) = 0;
};

class Ours final : public Watcher {
 public:
  Ours()
      : judge_({.deployment = "x", .workspace = "default", .stable = {.version = 1}, .canary = {.version = 2}},
               {.alpha = kAlpha,
                .guardrails = {{.kind = GuardrailKind::errors, .tolerance = 0.01},
                               {.kind = GuardrailKind::latency, .quantile = 0.99, .ratio = 1.5},
                               {.kind = GuardrailKind::prediction_shift, .tolerance = 0.1},
                               {.kind = GuardrailKind::value,
                                .tolerance = kMayLose / kWorth.span(),
                                .worth = kWorth,
                                .currency = "USD"}}},
               0) {
    judge_.at_release(1, kShare);
  }
  bool see(const Observation& seen) override { return judge_.see(seen, 0); }
  bool learn(const Label& label) override { return judge_.label(label.prediction, label.positive, 0); }

 private:
  Judge judge_;
};

// Sums of one arm.
struct Counts {
  double n = 0, failed = 0, slow = 0, scored = 0, sum = 0, squares = 0;
  std::vector<float> durations;
  double labelled = 0, worth = 0, worth_squares = 0;
  void add(const Label& label) {
    const double value = kWorth.of(label.score >= 0.5F, label.positive);
    ++labelled;
    worth += value;
    worth_squares += value * value;
  }
  double mean_worth() const { return worth / labelled; }
  double worth_variance() const { return worth_squares / labelled - mean_worth() * mean_worth(); }
  void add(const Observation& seen, double slow_from) {
    ++n;
    failed += seen.outcome == Outcome::failed ? 1 : 0;
    slow += seen.duration_us > slow_from ? 1 : 0;
    durations.push_back(seen.duration_us);
    if (seen.scores == 0) return;
    ++scored;
    sum += seen.score[0];
    squares += double{seen.score[0]} * seen.score[0];
  }
  double mean() const { return sum / scored; }
  double variance() const { return squares / scored - mean() * mean(); }
};

double true_p99() { return kMedianUs * std::exp(kSpread * kZ99); }

// What a decision of the stable arm is worth: 60 x 3/8 - 15 x 1/8 - 40 x 1/8.
constexpr double kTrueWorth = 15.625;

// Every minute's canary against fixed limits: 99 percent succeed, p99 at most 1.5 times the known one, mean score
// within 0.1 of the known one, worth at most kMayLose below the known one; ten failed minutes in a row.
class Thresholds final : public Watcher {
 public:
  bool see(const Observation& seen) override {
    if (seen.canary) canary_.add(seen, 0);
    if (++requests_ % kMinute != 0) return false;
    auto& durations = canary_.durations;
    std::sort(durations.begin(), durations.end());
    const bool fails = canary_.n > 0 && (canary_.failed > 0.01 * canary_.n ||
                                         durations[static_cast<size_t>(0.99 * canary_.n)] > 1.5 * true_p99() ||
                                         std::abs(canary_.mean() - 0.5) > 0.1 ||
                                         (canary_.labelled > 0 && canary_.mean_worth() < kTrueWorth - kMayLose));
    failed_ = fails ? failed_ + 1 : 0;
    canary_ = {};
    return failed_ == 10;
  }
  bool learn(const Label& label) override {
    if (label.canary) canary_.add(label);
    return false;
  }

 private:
  Counts canary_;
  int requests_ = 0, failed_ = 0;
};

// Every minute a z test of all so far on each metric at 1 percent: errors and slow answers (one-sided), scores.
class RepeatedTest final : public Watcher {
 public:
  bool see(const Observation& seen) override {
    arms_[seen.canary ? 1 : 0].add(seen, true_p99());
    arms_[seen.canary ? 1 : 0].durations.clear();
    if (++requests_ % kMinute != 0) return false;
    const auto &stable = arms_[0], &canary = arms_[1];
    const auto z = [&](double x, double y) {
      const double p = (x + y) / (canary.n + stable.n);
      const double spread = std::sqrt(p * (1 - p) * (1 / canary.n + 1 / stable.n));
      return spread > 0 ? (x / canary.n - y / stable.n) / spread : 0;
    };
    const double one_sided = stats::normal_quantile(1 - kAlpha), two_sided = stats::two_sided_z(1 - kAlpha);
    const double shift = (canary.mean() - stable.mean()) /
                         std::sqrt(canary.variance() / canary.scored + stable.variance() / stable.scored);
    return z(canary.failed, stable.failed) > one_sided || z(canary.slow, stable.slow) > one_sided ||
           std::abs(shift) > two_sided || worth_less() > one_sided;
  }
  bool learn(const Label& label) override {
    arms_[label.canary ? 1 : 0].add(label);
    return false;
  }

 private:
  double worth_less() const {
    const auto &stable = arms_[0], &canary = arms_[1];
    if (canary.labelled < 2 || stable.labelled < 2) return 0;
    return (stable.mean_worth() - canary.mean_worth()) /
           std::sqrt(canary.worth_variance() / canary.labelled + stable.worth_variance() / stable.labelled);
  }
  Counts arms_[2];
  int requests_ = 0;
};

// Canary requests until the end, 0 = it lived through all minutes.
int rollout(Watcher& watcher, uint64_t seed, const Behaviour& canary) {
  Dice dice(seed), truth(seed + (uint64_t{1} << 40));
  std::deque<Label> later;
  int seen = 0;
  for (int i = 0; i < kMinutes * kMinute; ++i) {
    const bool to_canary = dice.coin(kShare);
    seen += to_canary ? 1 : 0;
    const auto& arm = to_canary ? canary : Behaviour{};
    auto one = request(dice, to_canary, arm);
    one.prediction = static_cast<uint64_t>(i) + 1;
    if (watcher.see(one)) return seen;
    later.push_back({.canary = to_canary,
                     .positive = one.scores > 0 && comes_true(truth, one, arm),
                     .score = one.score[0],
                     .prediction = one.scores > 0 ? one.prediction : 0});
    if (later.size() <= kDelay) continue;
    const auto label = later.front();
    later.pop_front();
    if (label.prediction != 0 && watcher.learn(label)) return seen;
  }
  return 0;
}

template <class T>
void simulate(benchmark::State& state, const Behaviour& canary) {
  const auto runs = static_cast<size_t>(state.range(0));
  std::vector<int> delays;
  for (auto _ : state) {
    delays.clear();
    for (size_t run = 0; run < runs; ++run) {
      T watcher;
      if (const int delay = rollout(watcher, run, canary); delay > 0) delays.push_back(delay);
    }
  }
  std::sort(delays.begin(), delays.end());
  state.counters["ended"] = static_cast<double>(delays.size()) / static_cast<double>(runs);
  if (delays.empty()) return;
  state.counters["median"] = delays[delays.size() / 2];
  state.counters["p90"] = delays[delays.size() * 9 / 10];
}

constexpr Behaviour kAlike{}, kErrors{.errors = 0.05}, kSlow{.slower = 2}, kShifted{.shift = 0.25},
    kBlind{.blind = 0.5};
#define MILLRACE_WATCHER(who)                                                                              \
  void simulate_##who(benchmark::State& state, const Behaviour& canary) { simulate<who>(state, canary); }  \
  BENCHMARK_CAPTURE(simulate_##who, alike, kAlike)->Arg(1'000)->Iterations(1)->Unit(benchmark::kSecond);   \
  BENCHMARK_CAPTURE(simulate_##who, errors, kErrors)->Arg(200)->Iterations(1)->Unit(benchmark::kSecond);   \
  BENCHMARK_CAPTURE(simulate_##who, slow, kSlow)->Arg(200)->Iterations(1)->Unit(benchmark::kSecond);       \
  BENCHMARK_CAPTURE(simulate_##who, shifted, kShifted)->Arg(200)->Iterations(1)->Unit(benchmark::kSecond); \
  BENCHMARK_CAPTURE(simulate_##who, blind, kBlind)->Arg(200)->Iterations(1)->Unit(benchmark::kSecond)
MILLRACE_WATCHER(Ours);
MILLRACE_WATCHER(Thresholds);
MILLRACE_WATCHER(RepeatedTest);

// CPU of one request at the judge, all guardrails on; the argument is the canary's share in percent.
void one_look(benchmark::State& state) {
  Dice dice(1);
  const double share = static_cast<double>(state.range(0)) / 100;
  std::vector<Observation> traffic;
  for (int i = 0; i < 100'000; ++i) traffic.push_back(request(dice, dice.coin(share), {}));
  Ours ours;
  for (const auto& each : traffic) ours.see(each);
  size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(ours.see(traffic[at]));
    at = (at + 1) % traffic.size();
  }
}
BENCHMARK(one_look)->Arg(5)->Arg(20)->Arg(50);

}  // namespace
}  // namespace millrace::serve
