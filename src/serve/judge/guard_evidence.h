// The evidence on one guardrail: that the canary does worse than is tolerated (harm), and that it does not (safe).
//
// Each guardrail is one or more claims "the mean of x on the canary is at most that on the stable arm plus the
// tolerance", x in [0, 1], judged by stats/sequential/two_arms.h:
//   errors, refusals   x = the request failed in the model, was refused by the contract
//   latency            x = an answer took longer than c (stable) or ratio c (canary), c about the stable arm's
//                      quantile so far; that its share on the canary is no larger says that there the canary's
//                      quantile is at most ratio times the stable arm's
//   prediction_shift   x = score > c and x = score <= c for some c: the largest distance of the two distributions
//                      of scores at those c; c are quantiles of the stable arm's first scores
//   loss               x = (score - label)^2, of labels as they come (Brier 1950)
//   value              x = what the decision fell short of the best outcome, in spans of the outcomes' worth: it is in
//                      [0, 1], and its mean is the mean worth turned round; of labels as they come
// Harm is the mean of the claims' e-values; safe is shown when the opposite of each claim is refuted.
#pragma once
#include <optional>
#include <span>
#include <vector>

#include "registry/release/rollout_policy.h"
#include "serve/judge/pairing.h"
#include "stats/sequential/quantile.h"
#include "stats/sequential/two_arms.h"

namespace millrace::serve {

// Not thread-safe.
class GuardEvidence {
 public:
  explicit GuardEvidence(const registry::Guardrail& guardrail);

  // Thresholds are learnt from a block after it was judged, never before.
  void add(const Block& block);

  // Other servers' evidence on this guardrail counts, too, in place of what was given before. One whose thresholds are
  // of another number (scores that are few) is left out: that costs power and no truth.
  void count_with(std::span<const GuardEvidence* const> others);

  double log_harm() const;        // log of the e-value; 0 before there is evidence
  double log_harm_bound() const;  // at least log_harm(), much cheaper
  double log_safe() const;        // of the weakest claim; reaches log(1/alpha) when it is shown
  const registry::Guardrail& guardrail() const { return guardrail_; }

  // {guardrail, its parameters, e_value, log_e_value, safe_log_e_value, compared: {canary, stable}, canary, stable,
  //  difference: intervals that hold with 1 - alpha at every look, null without values}; for latency microseconds and
  // no difference, for a shift the threshold where the arms differ most, for value amounts per 1,000 decisions.
  Json report(double alpha) const;

  Json save() const;
  Result<void> restore(const Json& json);  // `corrupt` when save() did not write it for this guardrail

 private:
  // One claim and its opposite, of x or of 1 - x.
  struct Side {
    bool turned = false;
    stats::TwoArmEvidence harm, safe;
  };
  struct Level {
    double threshold = 0;
    size_t first_side = 0, sides = 0;
  };
  void add_level(double threshold, double expected, bool both_sides);
  void learn(const Block& block);
  void learn_latency(const Block& block);
  void learn_scores(const Block& block);
  std::optional<double> value_of(const Observation& seen, double threshold) const;
  const Side& widest() const;

  registry::Guardrail guardrail_;
  std::vector<Level> levels_;  // none until thresholds are known
  std::vector<Side> sides_;
  stats::LogHistogram canary_us_, stable_us_;
  stats::LogHistogram canary_elsewhere_us_, stable_elsewhere_us_;
  int64_t threshold_at_ = 0;          // answers of the stable arm when c was last taken
  std::vector<double> first_scores_;  // until c are known
};

}  // namespace millrace::serve
