// The judge of one rollout: a canary beside its stable arm, under a policy, from the canary's first share to its end.
// It sees every request that was assigned to an arm by chance, in the moment of its answer. Once the evidence of harm
// reaches 1/alpha the canary is out at once: out() is true from then on, whatever becomes of the release's record.
//
// Harm is the mean of the guardrails' e-values: each expects at most 1 while its claim holds, so P(a rollback although
// all hold) <= alpha over the whole rollout, however often it looks, over all steps, and over stops and starts
// (what is saved goes on; requests between the last save and a crash are lost to both arms alike).
//
// A/A: where both arms are one version (policy.aa) nothing is ever taken out. One run after the other is judged as a
// rollout of its own, as long as a rollout lasts at least, and the false alarms are counted.
#pragma once
#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/clock.h"
#include "registry/release/snapshot.h"
#include "serve/judge/guard_evidence.h"
#include "serve/judge/recent_units.h"

namespace millrace::limits {

inline constexpr size_t judged_predictions = 200'000;  // of a rollout, that a label can still reach

}  // namespace millrace::limits

namespace millrace::serve {

// What is judged. Other bytes on either arm are another rollout.
struct RolloutSubject {
  std::string deployment, workspace;
  registry::ReleasedModel stable, canary;

  static RolloutSubject of(const registry::ReleaseSnapshot& snapshot);  // which has a canary
  Json to_json() const;
};

// How far a rollout has come, for who moves it on.
struct RolloutState {
  int64_t release = 0;       // that it is at
  double share = 0;          // of its canary
  int64_t step_answers = 0;  // of the canary since it has this share
  bool harm = false;         // the evidence of harm has reached its limit
  bool doubt = false;        // it has come half of the way there, in orders of magnitude
  bool safe = false;         // every guardrail was shown to be kept
};

// Thread-safe.
class Judge {
 public:
  Judge(RolloutSubject subject, registry::RolloutPolicy policy, Micros now);

  // True once: when this request's evidence took the canary out.
  bool see(const Observation& seen, Micros now);
  // A label of the first row of a prediction seen lately; others are not known here. As see().
  bool label(uint64_t prediction, bool positive, Micros now);

  // What other servers know of this rollout, each as its save(), counts from now on, in place of what was given before;
  // what is of another rollout or policy, or damaged, is left out. Not part of save(). As see().
  bool count_with(const std::vector<Json>& others, Micros now);

  bool out() const { return out_.load(std::memory_order_acquire); }
  // While held the canary stays in; what was shown meanwhile counts when it ends. True when that took the canary out.
  bool hold(bool held);

  // The release that serves this rollout now. A changed share begins a step.
  void at_release(int64_t release, double share);

  RolloutState state() const;
  const registry::RolloutPolicy& policy() const { return policy_; }
  const RolloutSubject& subject() const { return subject_; }
  uint64_t changes() const { return changes_.load(std::memory_order_relaxed); }  // grows with what save() would say

  // The whole proof: subject, policy, requests, steps, what each guardrail says (guard_evidence.h), the verdict and its
  // time. Of an A/A also {runs, false_alarms, rate, run_requests: of the canary} as `aa`.
  Json report() const;
  Json save() const;
  // `corrupt` when save() did not write it, `conflict` when it is of another rollout or policy.
  Result<void> restore(const Json& json);

 private:
  struct Step {
    int64_t release = 0;
    double share = 0;
    int64_t answers = 0;  // of the canary
  };
  struct Scored {
    bool canary = false;
    float score = 0;
  };
  // Runs of an A/A that have ended.
  struct Runs {
    int64_t ended = 0, false_alarms = 0;
    int64_t answers = 0;  // of the canary in the one under way
  };
  bool weigh(Micros now);
  void end_run(bool alarmed);
  int64_t run_requests() const { return policy_.min_rows * static_cast<int64_t>(policy_.steps.size()); }
  Json aa_report() const;
  double log_harm() const;
  bool safe() const;
  void remember(const Observation& seen);

  const RolloutSubject subject_;
  const registry::RolloutPolicy policy_;
  const double limit_;  // log(1/alpha)
  std::atomic<bool> out_{false};
  std::atomic<uint64_t> changes_{0};

  mutable std::mutex mutex_;  // guards the fields below; held for about a microsecond
  Micros began_at_;
  std::vector<GuardEvidence> guards_;
  bool takes_labels_ = false;
  Pairing requests_, labels_;
  int64_t seen_[2] = {0, 0};  // stable, canary
  struct {
    int64_t servers = 0, seen[2] = {0, 0};
    std::vector<Step> steps;  // the newest of each
  } elsewhere_;
  int64_t step_answers() const;
  std::vector<Step> steps_;
  bool harm_ = false, held_ = false;
  Runs runs_;
  RecentUnits units_;  // not saved: after a start each unit counts once more
  Micros harm_at_ = 0;
  std::unordered_map<uint64_t, Scored> scored_;  // where labels are judged: predictions seen lately
  std::vector<uint64_t> scored_order_;           // a ring of their ids
  size_t scored_next_ = 0;
};

}  // namespace millrace::serve
