#include "serve/judge/judge.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "stats/interval.h"

namespace millrace::serve {
namespace {

constexpr size_t kMostSteps = 200;  // kept of a rollout; the last one is always
constexpr double kLargestLog = 700;

Json arm_json(const registry::ReleasedModel& arm) {
  return {{"model", arm.model}, {"version", arm.version}, {"digest", arm.digest}, {"contract", arm.contract}};
}

std::string node_of(const registry::ReleasedModel& arm) {
  return "model:" + arm.model + "@" + std::to_string(arm.version);
}

bool is_of_labels(const GuardEvidence& guard) {
  const auto kind = guard.guardrail().kind;
  return kind == registry::GuardrailKind::loss || kind == registry::GuardrailKind::value;
}

// How far from the best outcome, in spans of the outcomes' worth.
float shortfall(const registry::RolloutPolicy& policy, bool chosen, bool positive) {
  for (const auto& guardrail : policy.guardrails)
    if (guardrail.kind == registry::GuardrailKind::value)
      return static_cast<float>((guardrail.worth.best() - guardrail.worth.of(chosen, positive)) /
                                guardrail.worth.span());
  return 0;
}

Error damaged() {
  return Error{Code::corrupt, "the evidence of a rollout is not as it was written"}.hint(
      "stop the rollout and begin it again");
}

}  // namespace

RolloutSubject RolloutSubject::of(const registry::ReleaseSnapshot& snapshot) {
  return {.deployment = snapshot.deployment,
          .workspace = snapshot.workspace,
          .stable = snapshot.stable,
          .canary = *snapshot.canary};
}

Json RolloutSubject::to_json() const {
  return {
      {"deployment", deployment}, {"workspace", workspace}, {"stable", arm_json(stable)}, {"canary", arm_json(canary)}};
}

Judge::Judge(RolloutSubject subject, registry::RolloutPolicy policy, Micros now)
    : subject_(std::move(subject)), policy_(std::move(policy)), limit_(-std::log(policy_.alpha)), began_at_(now) {
  for (const auto& guardrail : policy_.guardrails) {
    guards_.emplace_back(guardrail);
    takes_labels_ |= is_of_labels(guards_.back());
  }
}

bool Judge::see(const Observation& seen, Micros now) {
  if (out()) return false;
  const std::lock_guard lock(mutex_);
  if (policy_.units && !units_.add(seen.unit)) return false;
  ++seen_[seen.canary ? 1 : 0];
  if (seen.canary && !steps_.empty()) ++steps_.back().answers;
  if (takes_labels_ && seen.scores > 0) remember(seen);
  changes_.fetch_add(1, std::memory_order_relaxed);
  bool ended = false;
  if (requests_.add(seen)) {
    for (auto& guard : guards_)
      if (!is_of_labels(guard)) guard.add(requests_.block());
    ended = weigh(now);
  }
  if (policy_.aa && seen.canary && ++runs_.answers >= run_requests()) end_run(false);
  return ended;
}

// The next run of an A/A begins as a rollout does.
void Judge::end_run(bool alarmed) {
  ++runs_.ended;
  runs_.false_alarms += alarmed ? 1 : 0;
  runs_.answers = 0;
  for (auto& guard : guards_) guard = GuardEvidence(registry::Guardrail(guard.guardrail()));
}

bool Judge::label(uint64_t prediction, bool positive, Micros now) {
  if (!takes_labels_ || out()) return false;
  const std::lock_guard lock(mutex_);
  const auto found = scored_.find(prediction);
  if (found == scored_.end()) return false;
  const auto scored = found->second;
  scored_.erase(found);
  Observation outcome{.canary = scored.canary, .scores = 2};
  const float miss = std::clamp(scored.score, 0.0F, 1.0F) - (positive ? 1.0F : 0.0F);
  outcome.score[0] = miss * miss;
  const bool chosen = scored.score >= (scored.canary ? subject_.canary : subject_.stable).threshold.value_or(0.5);
  outcome.score[1] = shortfall(policy_, chosen, positive);
  changes_.fetch_add(1, std::memory_order_relaxed);
  if (!labels_.add(outcome)) return false;
  for (auto& guard : guards_)
    if (is_of_labels(guard)) guard.add(labels_.block());
  return weigh(now);
}

void Judge::remember(const Observation& seen) {
  if (scored_order_.size() < limits::judged_predictions) {
    scored_order_.push_back(seen.prediction);
  } else {
    scored_.erase(scored_order_[scored_next_]);
    scored_order_[scored_next_] = seen.prediction;
    scored_next_ = (scored_next_ + 1) % scored_order_.size();
  }
  scored_[seen.prediction] = {seen.canary, seen.score[0]};
}

double Judge::log_harm() const {
  std::vector<double> logs, weights(guards_.size(), 1.0 / static_cast<double>(guards_.size()));
  for (const auto& guard : guards_) logs.push_back(guard.log_harm());
  return stats::log_mean_evidence(weights, logs);
}

bool Judge::weigh(Micros now) {
  if (harm_) return false;
  double bound = 0;
  for (const auto& guard : guards_) bound = std::max(bound, guard.log_harm_bound());
  if (bound < limit_ || log_harm() < limit_) return false;
  if (policy_.aa) {
    end_run(true);
    return false;
  }
  harm_ = true;
  harm_at_ = now;
  if (!held_) out_.store(true, std::memory_order_release);
  return !held_;
}

bool Judge::hold(bool held) {
  const std::lock_guard lock(mutex_);
  if (held_ != held) changes_.fetch_add(1, std::memory_order_relaxed);
  held_ = held;
  if (held || !harm_ || out()) return false;
  out_.store(true, std::memory_order_release);
  return true;
}

void Judge::at_release(int64_t release, double share) {
  const std::lock_guard lock(mutex_);
  changes_.fetch_add(1, std::memory_order_relaxed);
  if (!steps_.empty() && steps_.back().share == share) {
    steps_.back().release = release;
    return;
  }
  if (steps_.size() == kMostSteps) steps_.erase(steps_.begin());
  steps_.push_back({.release = release, .share = share});
}

bool Judge::count_with(const std::vector<Json>& others, Micros now) {
  if (out()) return false;
  std::vector<std::unique_ptr<Judge>> known;
  for (const auto& saved : others) {
    auto other = std::make_unique<Judge>(subject_, policy_, now);
    if (other->restore(saved)) known.push_back(std::move(other));
  }
  const std::lock_guard lock(mutex_);
  elsewhere_ = {};
  elsewhere_.servers = static_cast<int64_t>(known.size());
  for (const auto& other : known) {
    for (int arm = 0; arm < 2; ++arm) elsewhere_.seen[arm] += other->seen_[arm];
    if (!other->steps_.empty()) elsewhere_.steps.push_back(other->steps_.back());
  }
  for (size_t i = 0; i < guards_.size(); ++i) {
    std::vector<const GuardEvidence*> same;
    for (const auto& other : known) same.push_back(&other->guards_[i]);
    guards_[i].count_with(same);
  }
  return weigh(now);
}

// Of all servers, at the share that is now.
int64_t Judge::step_answers() const {
  if (steps_.empty()) return 0;
  int64_t out = steps_.back().answers;
  for (const auto& step : elsewhere_.steps)
    if (step.share == steps_.back().share) out += step.answers;
  return out;
}

bool Judge::safe() const {
  return std::all_of(guards_.begin(), guards_.end(),
                     [&](const GuardEvidence& guard) { return guard.log_safe() >= limit_; });
}

RolloutState Judge::state() const {
  const std::lock_guard lock(mutex_);
  RolloutState out{.harm = harm_, .doubt = log_harm() >= limit_ / 2, .safe = safe()};
  if (!steps_.empty()) {
    out.release = steps_.back().release;
    out.share = steps_.back().share;
    out.step_answers = step_answers();
  }
  return out;
}

Json Judge::report() const {
  const std::lock_guard lock(mutex_);
  Json guards = Json::array(), steps = Json::array();
  double most = 0;
  std::string blamed;
  for (const auto& guard : guards_) {
    auto one = guard.report(policy_.alpha);
    one["alpha"] = policy_.alpha / static_cast<double>(guards_.size());
    one["safe"] = guard.log_safe() >= limit_;
    if (const double harm = guard.log_harm(); harm > most) {
      most = harm;
      blamed = registry::name_of(guard.guardrail().kind);
    }
    guards.push_back(std::move(one));
  }
  for (const auto& step : steps_)
    steps.push_back({{"release", step.release}, {"share", step.share}, {"canary_requests", step.answers}});
  const double harm = log_harm();
  Json out{{"canary", node_of(subject_.canary)},
           {"stable", node_of(subject_.stable)},
           {"subject", subject_.to_json()},
           {"policy", registry::to_json(policy_)},
           {"began_at", to_iso(began_at_)},
           {"requests", {{"canary", seen_[1] + elsewhere_.seen[1]}, {"stable", seen_[0] + elsewhere_.seen[0]}}},
           {"steps", std::move(steps)},
           {"guardrails", std::move(guards)},
           {"e_value", std::exp(std::min(harm, kLargestLog))},
           {"log_e_value", harm},
           {"limit", 1 / policy_.alpha},
           {"verdict", harm_    ? "harm"
                       : safe() ? "safe"
                                : "not enough evidence"},
           {"blamed", harm_ ? Json(blamed) : Json(nullptr)},
           {"harm_at", harm_ ? Json(to_iso(harm_at_)) : Json(nullptr)}};
  if (policy_.aa) out["aa"] = aa_report();
  if (elsewhere_.servers > 0) out["servers"] = elsewhere_.servers + 1;
  return out;
}

Json Judge::aa_report() const {
  const auto rate = stats::wilson(runs_.false_alarms, runs_.ended);
  return {{"runs", runs_.ended},
          {"false_alarms", runs_.false_alarms},
          {"rate", rate ? Json{{"value", rate->value}, {"low", rate->low}, {"high", rate->high}} : Json(nullptr)},
          {"run_requests", run_requests()}};
}

Json Judge::save() const {
  const std::lock_guard lock(mutex_);
  Json guards = Json::array(), steps = Json::array();
  for (const auto& guard : guards_) guards.push_back(guard.save());
  for (const auto& step : steps_) steps.push_back({step.release, step.share, step.answers});
  Json out{{"subject", subject_.to_json()},
           {"policy", registry::to_json(policy_)},
           {"began_at", began_at_},
           {"guards", std::move(guards)},
           {"seen", {seen_[0], seen_[1]}},
           {"steps", std::move(steps)},
           {"harm", harm_},
           {"held", held_},
           {"harm_at", harm_at_}};
  if (policy_.aa) out["runs"] = {runs_.ended, runs_.false_alarms, runs_.answers};
  return out;
}

Result<void> Judge::restore(const Json& json) {
  const auto *subject = find(json, "subject"), *policy = find(json, "policy"), *guards = find(json, "guards"),
             *steps = find(json, "steps"), *seen = find(json, "seen"), *harm = find(json, "harm"),
             *held = find(json, "held");
  if (subject == nullptr || policy == nullptr || guards == nullptr || !guards->is_array() || steps == nullptr ||
      !steps->is_array() || seen == nullptr || !seen->is_array() || seen->size() != 2 || harm == nullptr ||
      !harm->is_boolean() || held == nullptr || !held->is_boolean())
    return damaged();
  if (*subject != subject_.to_json() || *policy != registry::to_json(policy_))
    return Error{Code::conflict, "the evidence is of another rollout"};
  std::vector<GuardEvidence> fresh;
  for (size_t i = 0; i < guards->size() && i < policy_.guardrails.size(); ++i) {
    fresh.emplace_back(policy_.guardrails[i]);
    MILLRACE_DO(fresh.back().restore((*guards)[i]));
  }
  if (fresh.size() != policy_.guardrails.size() || guards->size() != fresh.size()) return damaged();
  std::vector<Step> past;
  for (const auto& step : *steps) {
    if (!step.is_array() || step.size() != 3 || !step[0].is_number_integer() || !step[1].is_number() ||
        !step[2].is_number_integer())
      return damaged();
    past.push_back({step[0].get<int64_t>(), step[1].get<double>(), step[2].get<int64_t>()});
  }
  for (const auto& count : *seen)
    if (!count.is_number_integer()) return damaged();
  Runs runs;
  if (policy_.aa) {
    const auto* counts = find(json, "runs");
    if (counts == nullptr || !counts->is_array() || counts->size() != 3) return damaged();
    for (const auto& count : *counts)
      if (!count.is_number_integer()) return damaged();
    runs = {(*counts)[0].get<int64_t>(), (*counts)[1].get<int64_t>(), (*counts)[2].get<int64_t>()};
  }
  const std::lock_guard lock(mutex_);
  guards_ = std::move(fresh);
  steps_ = std::move(past);
  runs_ = runs;
  seen_[0] = (*seen)[0].get<int64_t>();
  seen_[1] = (*seen)[1].get<int64_t>();
  began_at_ = integer_or(json, "began_at", began_at_);
  harm_ = harm->get<bool>();
  held_ = held->get<bool>();
  harm_at_ = integer_or(json, "harm_at", 0);
  out_.store(harm_ && !held_, std::memory_order_release);
  return {};
}

}  // namespace millrace::serve
