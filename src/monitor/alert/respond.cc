// What follows an alert that fired: its trace, the actions of the policy, and the end of a retraining.
#include <algorithm>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/limits.h"
#include "monitor/alert/change.h"
#include "monitor/alert/names.h"
#include "monitor/alerts.h"
#include "pipeline/pipeline.h"

namespace millrace::monitor {
namespace {

constexpr Micros kDay = 86'400'000'000;
constexpr std::string_view kRetrainKey = "retrain:";  // + the alert's id: the key of the pipeline's job

constexpr std::string_view kVerdicts[] = {"cause", "natural_drift", "not_enough_evidence"};

Json no_evidence(const std::string& summary, Micros at) {
  return {{"verdict", "not_enough_evidence"},
          {"at", to_iso(at)},
          {"summary", summary},
          {"candidates", Json::array()},
          {"cause", nullptr}};
}

// Of the candidate that is the cause.
std::string cause_kind_of(const Json& trace) {
  const auto* cause = find(trace, "cause");
  const auto* candidates = find(trace, "candidates");
  if (cause == nullptr || candidates == nullptr || !candidates->is_array()) return "";
  const auto node = string_or(*cause, "node", "");
  for (const auto& candidate : *candidates)
    if (string_or(candidate, "node", "") == node) return string_or(candidate, "kind", "");
  return "";
}

// A cause where there was none, another one, or drift by itself after a cause. Too little evidence changes no story.
bool is_another_story(const StoredAlert& known, const Json& trace) {
  const auto verdict = string_or(trace, "verdict", "");
  const auto* cause = find(trace, "cause");
  if (verdict == "cause") return cause != nullptr && string_or(*cause, "node", "") != known.cause();
  return verdict == "natural_drift" && !known.cause().empty();
}

Result<void> check_trace(const Json& trace) {
  const auto verdict = string_or(trace, "verdict", "");
  if (std::find(std::begin(kVerdicts), std::end(kVerdicts), verdict) == std::end(kVerdicts))
    return Error{Code::invalid, fmt::format("'{}' is no verdict of a trace", verdict)}.at_field("verdict").hint(
        fmt::format("there are: {}", fmt::join(kVerdicts, ", ")));
  const auto* cause = find(trace, "cause");
  if (verdict == "cause" && (cause == nullptr || string_or(*cause, "node", "").empty()))
    return Error{Code::invalid, "a trace whose verdict is 'cause' names the cause's node"}.at_field("cause.node");
  return {};
}

Micros look_time(const StoredAlert& stored) {
  return std::max({stored.alert.fired_at, stored.alert.pending_at, stored.last.as_of});
}

bool can_change(const Error& error) {
  switch (error.code()) {
    case Code::invalid:
    case Code::rejected:
    case Code::unauthenticated:
    case Code::denied:
    case Code::too_large:
    case Code::unsupported: return false;
    default: return true;
  }
}

// What the job made: the record of its target, and the version of the model with the state that its gates gave it.
Json end_of(const jobs::Job& job, const std::string& target) {
  Json out{{"state", job.state}, {"stage", nullptr}, {"action", nullptr}};
  const auto* stages = find(job.result, "stages");
  if (job.state != "done") {
    out["error"] = job.error;
    return out;
  }
  if (stages == nullptr || !stages->is_array()) return out;
  for (const auto& stage : *stages)
    if (string_or(stage, "stage", "") == target) {
      out["stage"] = string_or(stage, "node", "");
      out["action"] = string_or(stage, "action", "");
    }
  for (const char* key : {"model", "model_state", "failed"})
    if (const auto* value = find(job.result, key)) out[key] = *value;
  return out;
}

}  // namespace

// One alert's answer, as the actions see it.
class Alerts::Responder final : public ActionWorld {
 public:
  Responder(Alerts& alerts, const Caller& caller, const StoredAlert& stored, Micros at, bool last_try)
      : alerts_(alerts), caller_(caller), stored_(stored), at_(at), last_try_(last_try) {}

  Result<std::string> open_review(const ReviewRequest& request) override {
    if (!alerts_.hooks.open_review)
      return Error{Code::unsupported, "reviews cannot be opened here"}.hint("set on.page and on.warn to none");
    MILLRACE_TRY(auto id, alerts_.hooks.open_review(caller_, request));
    FAULT_POINT("monitor.respond.review_opened");
    return id;
  }

  Result<std::vector<StoredAlert>> traced_others() override {
    std::vector<StoredAlert> out;
    MILLRACE_DO(alerts_.database_.read([&](store::Session& session) -> Result<void> {
      MILLRACE_TRY(out, open_alerts(session, caller_.workspace, stored_.alert.deployment));
      return {};
    }));
    std::erase_if(out, [&](const auto& one) { return one.alert.id == stored_.alert.id || one.alert.fired_at == 0; });
    bool succeeded = false;
    for (auto& other : out) {
      const auto id = other.alert.id;
      MILLRACE_TRY(other, alerts_.traced_now(caller_, std::move(other), last_try_));
      succeeded = succeeded || other.alert.id != id;
    }
    if (succeeded) MILLRACE_DO(alerts_.submit_responses(caller_, stored_.alert.deployment));
    return out;
  }

  Result<Json> retrain(const std::string& target, int64_t cooldown_days, const std::string& reason) override {
    Json answer;
    if (alerts_.hooks.learnt_until) {
      MILLRACE_TRY(const auto known, alerts_.hooks.learnt_until(stored_.alert.deployment));
      if (known >= horizon())
        return declined(fmt::format("there is nothing newer to learn: the model knows the data up to {}",
                                    to_iso(known).substr(0, 10)));
    }
    MILLRACE_DO(alerts_.journal_.write(caller_, [&](store::Session& session) -> Result<lineage::Change> {
      return claim(session, target, cooldown_days, reason, answer);
    }));
    if (string_or(answer, "kind", "") != "retrain") return answer;
    FAULT_POINT("monitor.retrain.claimed");
    MILLRACE_TRY(answer["id"], submit(target));
    FAULT_POINT("monitor.retrain.submitted");
    return answer;
  }

 private:
  // A window that still fills is no whole period of data.
  Micros horizon() const { return at_ >= stored_.alert.to ? stored_.alert.to : stored_.alert.from; }

  Json declined(const std::string& reason) const {
    return {{"kind", "none"}, {"id", nullptr}, {"reason", reason}, {"at", to_iso(at_)}};
  }

  // One retraining of the deployment at a time: the event `retraining` of one alert holds the place.
  Result<lineage::Change> claim(store::Session& session, const std::string& target, int64_t cooldown_days,
                                const std::string& reason, Json& answer) {
    const auto& workspace = caller_.workspace;
    const auto& deployment = stored_.alert.deployment;
    MILLRACE_TRY(const auto events, events_of(session, workspace, stored_.alert.id));
    for (const auto& event : events)
      if (event.kind == "retraining") {
        answer = event.body;
        return lineage::Change{};
      }
    MILLRACE_TRY(const auto running, unfinished_retrainings(session, workspace, deployment));
    if (!running.empty()) {
      answer = declined(fmt::format("a retraining is running already, for {}", running.front().stored.alert.node()));
      return lineage::Change{};
    }
    MILLRACE_TRY(const auto last, last_retraining(session, workspace, deployment));
    if (last != 0 && at_ - last < cooldown_days * kDay) {
      answer = declined(fmt::format("there was a retraining at {}, within the cooldown of {} days",
                                    to_iso(last).substr(0, 10), cooldown_days));
      return lineage::Change{};
    }
    answer = {{"kind", "retrain"}, {"id", nullptr}, {"target", target}, {"reason", reason}, {"at", to_iso(at_)}};
    const AlertEvent event{.kind = "retraining",
                           .event_time = at_,
                           .recorded_at = alerts_.context_.now(),
                           .subject = caller_.subject,
                           .why = reason,
                           .body = answer};
    MILLRACE_DO(add_event(session, workspace, stored_.alert.id, event));
    return alert_change(stored_, event, "");
  }

  Result<std::string> submit(const std::string& target) {
    const auto key = std::string(kRetrainKey) + stored_.alert.id;
    const std::string kind(kRetrainJob);
    const auto& alert = stored_.alert;
    const Json payload{{"deployment", alert.deployment}, {"target", target}, {"horizon", to_iso(horizon())}};
    MILLRACE_TRY(const auto known, alerts_.jobs_.find(caller_.workspace, kind, key));
    if (known) return known->id;
    MILLRACE_TRY(const auto job,
                 alerts_.jobs_.submit(caller_, {.kind = kind, .key = key, .payload = payload, .max_attempts = 2}));
    return job.id;
  }

  Alerts& alerts_;
  const Caller& caller_;
  const StoredAlert& stored_;
  const Micros at_;
  const bool last_try_;
};

Result<AlertDetails> Alerts::keep_trace(const Caller& caller, const std::string& name, const Json& trace) {
  MILLRACE_TRY(const auto stored, named(caller.workspace, name));
  return store_trace(caller, stored, trace, stored.responded_from);
}

Result<AlertDetails> Alerts::store_trace(const Caller& caller, StoredAlert stored, const Json& trace,
                                         Micros responded_from) {
  MILLRACE_DO(check_trace(trace));
  MILLRACE_TRY(const auto at, event_now(caller.workspace, stored.alert.deployment));
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(stored, get_alert(session, caller.workspace, stored.alert.id));
    stored.responded_from = responded_from;
    stored.alert.trace = trace;
    stored.cause_kind = cause_kind_of(trace);
    const AlertEvent event{.kind = "traced",
                           .event_time = at,
                           .recorded_at = context_.now(),
                           .subject = caller.subject,
                           .why = string_or(trace, "summary", ""),
                           .body = {{"verdict", string_or(trace, "verdict", "")},
                                    {"cause", stored.cause().empty() ? Json(nullptr) : Json(stored.cause())}}};
    MILLRACE_DO(update_alert(session, caller.workspace, stored, event.recorded_at));
    MILLRACE_DO(add_event(session, caller.workspace, stored.alert.id, event));
    auto change = alert_change(stored, event, "");
    if (const auto cause = stored.cause(); !cause.empty())
      change.edges.push_back({.source = cause, .target = stored.alert.node(), .kind = "caused"});
    return change;
  }));
  return get(caller.workspace, stored.alert.id);
}

// A trace that fails for now is tried again with the job; one that cannot be made is a verdict with the reason.
Result<Json> Alerts::make_trace(const Caller& caller, const StoredAlert& stored, bool last_try) {
  const auto at = look_time(stored);
  if (!hooks.trace) return no_evidence("alerts are not traced here", at);
  auto found = hooks.trace(caller, stored.alert);
  if (found) return found;
  if (can_change(found.error()) && !last_try)
    return std::move(found).error().while_doing("tracing " + stored.alert.node());
  return no_evidence("it could not be traced: " + found.error().text(), at);
}

Result<StoredAlert> Alerts::traced(const Caller& caller, StoredAlert stored, bool last_try) {
  const bool worse = !stored.responded.empty() && stored.responded != stored.alert.severity;
  if (!stored.alert.trace.is_null() && !worse) return stored;
  MILLRACE_TRY(const auto document, make_trace(caller, stored, last_try));
  MILLRACE_DO(keep_trace(caller, stored.alert.id, document));
  FAULT_POINT("monitor.respond.traced");
  return named(caller.workspace, stored.alert.id);
}

// The old alert ends and the new one fires in one transaction; both tell of the other.
Result<StoredAlert> Alerts::succeed(const Caller& caller, const StoredAlert& known, const Json& trace) {
  StoredAlert next = known;
  const auto at = look_time(known);
  next.alert.id = "alert-" + context_.uuid();
  next.alert.state = "firing";
  next.alert.first_from = known.alert.from;
  next.alert.pending_at = next.alert.fired_at = at;
  next.alert.acknowledged_at = 0;
  next.alert.trace = trace;
  next.alert.action = nullptr;
  next.alert.owner = next.alert.note = "";
  next.responded = "";
  next.responded_from = 0;
  next.cause_kind = cause_kind_of(trace);
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    const auto& workspace = caller.workspace;
    MILLRACE_TRY(auto old, get_alert(session, workspace, known.alert.id));
    if (!old.is_due() || old.alert.from != known.alert.from)
      return Error{Code::conflict, fmt::format("{} changed while it was traced", old.alert.node())};
    const auto now = context_.now();
    const auto event = [&](const char* kind, std::string why, const Json& body) {
      return AlertEvent{.kind = kind,
                        .event_time = at,
                        .recorded_at = now,
                        .subject = caller.subject,
                        .why = std::move(why),
                        .body = body};
    };
    old.alert.state = "resolved";
    old.alert.resolved_at = at;
    old.alert.note = fmt::format("it goes on with another cause, as {}", next.alert.node());
    MILLRACE_DO(update_alert(session, workspace, old, now));
    MILLRACE_DO(add_event(session, workspace, old.alert.id,
                          event("resolved", old.alert.note, {{"successor", next.alert.node()}})));
    const auto fired = event("fired", fmt::format("{} goes on with another cause", old.alert.node()),
                             {{"predecessor", old.alert.node()}});
    MILLRACE_DO(insert_alert(session, workspace, next, now));
    MILLRACE_DO(add_event(session, workspace, next.alert.id, fired));
    MILLRACE_DO(add_event(session, workspace, next.alert.id, event("traced", string_or(trace, "summary", ""), {})));
    auto change = alert_change(next, fired, "");
    change.body["resolved"] = old.alert.node();
    change.edges.push_back({.source = old.alert.node(), .target = next.alert.node(), .kind = "succeeded_by"});
    if (const auto cause = next.cause(); !cause.empty())
      change.edges.push_back({.source = cause, .target = next.alert.node(), .kind = "caused"});
    return change;
  }));
  FAULT_POINT("monitor.respond.succeeded");
  return next;
}

// What fires on in a later window is traced again there. Answers the alert that is to be responded to: this one (whose
// severity may have risen), its successor, or, when nothing is new, this one as it is marked then.
Result<StoredAlert> Alerts::renewed(const Caller& caller, StoredAlert stored, bool last_try) {
  MILLRACE_TRY(const auto document, make_trace(caller, stored, last_try));
  if (is_another_story(stored, document)) return succeed(caller, stored, document);
  MILLRACE_DO(store_trace(caller, stored, document, stored.alert.from));
  FAULT_POINT("monitor.respond.traced");
  return named(caller.workspace, stored.alert.id);
}

Result<StoredAlert> Alerts::traced_now(const Caller& caller, StoredAlert stored, bool last_try) {
  if (!stored.responded.empty() && stored.responded_from != stored.alert.from)
    return renewed(caller, std::move(stored), last_try);
  return traced(caller, std::move(stored), last_try);
}

// `seen` is the alert as it was answered: at its severity, in its window.
Result<void> Alerts::keep_answer(const Caller& caller, const StoredAlert& seen, Json answer, Micros at) {
  const auto same = [](const Json& one, const Json& other) {
    return string_or(one, "kind", "") == string_or(other, "kind", "") &&
           string_or(one, "reason", "") == string_or(other, "reason", "");
  };
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(auto stored, get_alert(session, caller.workspace, seen.alert.id));
    const bool answered = stored.responded == seen.alert.severity && stored.responded_from == seen.alert.from;
    if (answered && same(stored.alert.action, answer)) return lineage::Change{};
    if (const auto* result = find(stored.alert.action, "result"); result != nullptr) answer["result"] = *result;
    stored.alert.action = answer;
    stored.responded = seen.alert.severity;
    stored.responded_from = seen.alert.from;
    const AlertEvent event{.kind = "acted",
                           .event_time = at,
                           .recorded_at = context_.now(),
                           .subject = caller.subject,
                           .why = string_or(answer, "reason", ""),
                           .body = answer};
    MILLRACE_DO(update_alert(session, caller.workspace, stored, event.recorded_at));
    MILLRACE_DO(add_event(session, caller.workspace, stored.alert.id, event));
    return alert_change(stored, event, "");
  }));
  return {};
}

// The story is the same, and what could not be done before may be possible now.
Result<void> Alerts::act_again(jobs::Running& running, StoredAlert stored, bool last_try) {
  const auto& caller = running.caller();
  if (!hooks.monitor || string_or(stored.alert.action, "kind", "") == "retrain") return {};
  MILLRACE_TRY(const auto spec, hooks.monitor(stored.alert.deployment));
  const auto at = look_time(stored);
  Responder world(*this, caller, stored, at, last_try);
  for (const auto& action : alert_actions()) {
    if (!spec || !action.again) continue;
    MILLRACE_TRY(auto answer, action.act({.stored = stored, .spec = *spec, .at = at}, world));
    if (string_or(answer, "kind", "") != "retrain") continue;
    running.log(fmt::format("retrain: {}", string_or(answer, "reason", "")));
    MILLRACE_DO(keep_answer(caller, stored, answer, at));
  }
  return {};
}

Result<Json> Alerts::respond(jobs::Running& running) {
  const auto& caller = running.caller();
  const auto id = string_or(running.job().payload, "alert", "");
  MILLRACE_TRY(auto stored, named(caller.workspace, id));
  if (!stored.is_due())
    return Json{{"alert", stored.alert.node()}, {"state", stored.alert.state}, {"action", stored.alert.action}};
  const bool last_try = running.job().attempts >= static_cast<int>(limits::job_attempts);
  const bool is_known = !stored.responded.empty() && stored.responded_from != stored.alert.from;
  MILLRACE_TRY(stored, traced_now(caller, std::move(stored), last_try));
  if (!stored.is_due()) {
    if (is_known) MILLRACE_DO(act_again(running, stored, last_try));
    return Json{{"alert", stored.alert.node()}, {"state", stored.alert.state}, {"action", stored.alert.action}};
  }
  running.log(fmt::format("{}: {}", verdict_of(stored), string_or(stored.alert.trace, "summary", "")));
  std::optional<MonitorSpec> spec;
  if (hooks.monitor) {
    MILLRACE_TRY(spec, hooks.monitor(stored.alert.deployment));
  }
  const auto at = look_time(stored);
  Responder world(*this, caller, stored, at, last_try);
  std::vector<Json> answers;
  if (spec)
    for (const auto& action : alert_actions()) {
      MILLRACE_TRY(auto answer, action.act({.stored = stored, .spec = *spec, .at = at}, world));
      answers.push_back(std::move(answer));
    }
  auto chosen = chosen_action(std::move(answers), at);
  running.log(fmt::format("{}: {}", string_or(chosen, "kind", ""), string_or(chosen, "reason", "")));
  MILLRACE_DO(keep_answer(caller, stored, chosen, at));
  MILLRACE_TRY(stored, named(caller.workspace, stored.alert.id));
  return Json{{"alert", stored.alert.node()}, {"state", stored.alert.state}, {"action", stored.alert.action}};
}

Result<void> Alerts::note_end(const std::string& workspace, const jobs::Job& job) {
  if (job.kind != kRetrainJob || !job.key.starts_with(kRetrainKey)) return {};
  const Caller self{.workspace = workspace, .subject = job.subject, .via = "job", .request_id = job.id};
  const auto id = job.key.substr(kRetrainKey.size());
  MILLRACE_DO(journal_.write(self, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(auto stored, get_alert(session, workspace, id));
    MILLRACE_TRY(const auto events, events_of(session, workspace, id));
    Micros began = 0;
    std::string target;
    for (const auto& event : events) {
      if (event.kind == "retrained") return lineage::Change{};
      if (event.kind == "retraining") began = event.event_time, target = string_or(event.body, "target", "");
    }
    const auto result = end_of(job, target);
    if (!stored.alert.action.is_object()) stored.alert.action = Json::object();
    stored.alert.action["result"] = result;
    const AlertEvent event{.kind = "retrained",
                           .event_time = began,
                           .recorded_at = context_.now(),
                           .subject = job.subject,
                           .why = fmt::format("the retraining is {}", job.state),
                           .body = {{"job", job.id}, {"result", result}}};
    MILLRACE_DO(update_alert(session, workspace, stored, event.recorded_at));
    MILLRACE_DO(add_event(session, workspace, id, event));
    return alert_change(stored, event, "");
  }));
  return {};
}

Result<void> Alerts::recover() {
  std::vector<Retraining> unfinished;
  std::vector<std::pair<std::string, std::string>> due;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(unfinished, unfinished_retrainings(session, "", ""));
    MILLRACE_TRY(due, deployments_due(session));
    return {};
  }));
  for (const auto& [workspace, stored] : unfinished) {
    MILLRACE_TRY(const auto job,
                 jobs_.find(workspace, std::string(kRetrainJob), std::string(kRetrainKey) + stored.alert.id));
    if (job && job->state != "waiting" && job->state != "running") MILLRACE_DO(note_end(workspace, *job));
  }
  for (const auto& [workspace, deployment] : due)
    MILLRACE_DO(submit_responses({.workspace = workspace,
                                  .subject = "millrace",
                                  .roles = {"admin"},
                                  .via = "job",
                                  .request_id = context_.uuid()},
                                 deployment));
  return {};
}

}  // namespace millrace::monitor
