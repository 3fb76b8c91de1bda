// Evidence that gathers, request by request, against "the mean of one arm is at most that of the other plus delta", for
// values in [0, 1]: coins (a request failed, a latency was above a threshold) or anything bounded. An e-process: while
// the claim holds its expectation is at most 1 at any time of stopping, so P(it ever reaches 1/alpha) <= alpha
// (Ville 1939), however often one looks.
//
// Arms are compared in blocks of a few requests that came at about the same time, some of each arm. What moves both
// arms alike (load, a broken upstream, the hour of the day, another share of the canary) moves both sides of a block,
// and is no evidence. Against an alternative (a, b) with a > b + delta, a block of c values x and s values y gives
//   prod f(x) prod g(y),   f(x) = x a/p + (1-x) (1-a)/(1-p),   g(y) = y b/r + (1-y) (1-b)/(1-r),
// where (p, r) minimises c KL(a, p) + s KL(b, r) over all pairs that the claim allows: the growth-rate optimal e-value
// of Turner, Ly and Grunwald (2024, "Generic e-variables for exact sequential k-sample tests") and Turner and Grunwald
// (2023, "Exact anytime-valid confidence intervals for contingency tables and beyond"). For means (t, u) of the two
// arms its expectation is F(t)^c G(u)^s with F and G affine and 1 at (p, r); its logarithm is concave in (t, u), its
// gradient at (p, r) is that of the divergence with its sign turned, and (p, r) is the minimum: so it is at most 1 on
// the whole of the claim, which is convex. It is so for each block given those before, whatever they were.
//
// Which alternative is true is not known: a small fixed set of distances and one that follows what was seen before the
// block bet with equal shares of the stake (a mixture; betting as in Waudby-Smith and Ramdas 2024, "Estimating means of
// bounded random variables by betting").
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <utility>

#include "core/json.h"
#include "core/result.h"

namespace millrace::stats {

// Values of one arm in a block: how many are 0, how many are 1, and the others.
struct BlockValues {
  int zeros = 0, ones = 0;
  std::span<const double> between;  // strictly between 0 and 1

  int count() const { return zeros + ones + static_cast<int>(between.size()); }
  double sum() const;
};

// Running count and sum of one arm.
struct ArmMean {
  double n = 0, sum = 0;
  void add(const BlockValues& values);
};

// Not thread-safe. Evidence of several servers is one evidence: merge().
class TwoArmEvidence {
 public:
  // The claim: mean of `first` <= mean of `second` + delta, -1 < delta < 1. `expected` in [0, 1] is about where the
  // second arm's mean lies: it only saves the first few blocks some guessing.
  TwoArmEvidence(double delta, double expected);

  // One block; without a value of each arm it only counts. Blocks may be of any size; those of (1, k) and (k, 1) with
  // k up to kLargest are fast. To which arm a request goes must not depend on what comes of it.
  void add(const BlockValues& first, const BlockValues& second);
  void merge(const TwoArmEvidence& other);  // of the same claim; exact and in any order

  // From now on evidence on the same claim from elsewhere counts, too, in place of what was given before: where others
  // have blocks of their own, the product of the wealths is an e-process. It is no part of to_json().
  void count_with(std::span<const TwoArmEvidence* const> others);

  double log_evidence() const;        // log of the e-value; 0 at the start
  double log_evidence_bound() const;  // at least log_evidence(), much cheaper
  ArmMean first() const { return {first_.n + elsewhere_.first.n, first_.sum + elsewhere_.first.sum}; }
  ArmMean second() const { return {second_.n + elsewhere_.second.n, second_.sum + elsewhere_.second.sum}; }
  double delta() const { return delta_; }

  Json to_json() const;
  Result<void> restore(const Json& json);  // `corrupt` when to_json() did not write it for this claim

  static constexpr int kLargest = 64;

 private:
  static constexpr size_t kAlternatives = 9;
  // Logarithms of f(0), f(1), g(0), g(1), and the ratios themselves.
  struct Bet {
    double f0 = 0, f1 = 0, g0 = 0, g1 = 0;
  };
  using Bets = std::array<Bet, kAlternatives>;

  void estimate();
  const Bets& bets_of(int first, int second);
  Bet bet_on(double first_mean, int first, int second) const;

  double delta_, expected_;
  ArmMean first_, second_;
  std::array<double, kAlternatives> log_wealth_{};
  struct {
    std::array<double, kAlternatives> log_wealth{};
    ArmMean first, second;
  } elsewhere_;
  std::array<double, kAlternatives> all_wealth() const;
  // What bets are made with: as estimated at some time before.
  double estimated_at_ = -1, first_mean_ = 0, second_mean_ = 0;
  std::map<std::pair<int, int>, Bets> bets_;
};

// log of sum w_i exp(l_i) for weights that sum to 1: several claims judged as one. The e-values of true claims average
// to one of their conjunction.
double log_mean_evidence(std::span<const double> weights, std::span<const double> logs);

}  // namespace millrace::stats
