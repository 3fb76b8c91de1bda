// Alerts: what the windows of a deployment broke, from the first look that showed it until it is resolved, and what it
// led to. The states and what moves them (`for`, hysteresis, late labels, severity) are in monitor/alert/moves.h; which
// rules are broken, and how sure that is, in monitor/rules.h; what a firing alert leads to in monitor/actions.
//
// There is at most one open alert for a deployment, kind, subject, arm and version. Every move is one transaction: the
// alert's row, a line of its history, a line of the journal (alert.pending, alert.seen, alert.fired, alert.raised,
// alert.acknowledged, alert.resolved, alert.traced, alert.retraining, alert.retrained, alert.acted) and the graph:
// alert:ID with edges from the windows (and dataset versions) that showed it, and from its cause.
// pending_at, fired_at and resolved_at are the event time of the look; what people do is at the deployment's event
// clock, or wall time where it has none. The history has the wall time of everything beside it.
//
// After a look every alert that fired or was raised in it, or that fires on in a new window, gets a durable job
// `alert.respond` (key: the alert's id), which traces it and acts by the monitor's `on`. The jobs are submitted when
// all of the look's alerts stand, so that no answer is given in ignorance of another alert of the same look; a look
// that died before that is completed by the next one.
// - A page (or warn) with `review` opens a review. Alerts with one cause join one review.
// - Natural drift with `retrain` runs the target as a job, for drift of severity page and performance of any; not
// within
//   cooldown_days of event time, not while one is running. It is refused, and the refusal kept, while this or any other
//   unresolved alert of the deployment has broken input (a data or source) as its cause: that must not be learnt. It
//   learns up to the end of the alert's window, or to its beginning while the window fills; when the model knows that
//   already, nothing is retrained, and the next window asks again.
#pragma once
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "jobs/jobs.h"
#include "lineage/journal.h"
#include "monitor/actions/action_kind.h"
#include "monitor/alert/rows.h"

namespace millrace::monitor {

inline constexpr std::string_view kRespondJob = "alert.respond";
// The job that a retraining is; main/ adds it. Payload {deployment, target: a stage, horizon: time that training may
// know up to}: the end of the alert's window, or its beginning while it fills.
inline constexpr std::string_view kRetrainJob = "model.retrain";

// The windows of one period at one moment: the newest revision of every arm and version in it.
struct Look {
  std::string deployment;
  std::vector<Window> windows;
  Micros at = 0;  // event time; 0 = each window's as_of
};

struct AlertDetails {
  Alert alert;
  std::string short_id;  // the shortest unique prefix of its id
  std::vector<AlertEvent> events;
  Json to_json() const;
};
struct AlertPage {
  std::vector<AlertDetails> items;  // newest first, without their events
  std::string next;                 // "" = that was all
  int64_t total = 0;                // of the filter
};

// What is joined in main/. All may be missing: without a trace the verdict is not_enough_evidence, without a monitor
// nothing follows, without batches no quarantine rule is judged.
struct AlertHooks {
  // Why it fired; answers the trace document.
  std::function<Result<Json>(const Caller&, const Alert&)> trace;
  std::function<Result<std::optional<MonitorSpec>>(const std::string& deployment)> monitor;
  // Dataset versions that overlap the window's period and feed its deployment.
  std::function<Result<std::vector<data::DatasetVersion>>(const std::string& workspace, const Window&)> batches;
  std::function<Result<Micros>(const std::string& workspace, const std::string& deployment)> event_now;  // 0 = none
  std::function<Result<std::string>(const Caller&, const ReviewRequest&)> open_review;
  // Up to when the deployment's model has learnt already; 0 = not known. Without newer data nothing is retrained.
  std::function<Result<Micros>(const std::string& deployment)> learnt_until;
};

// Thread-safe. Set the hooks before use; add the job kind kRespondJob with respond() to the jobs.
class Alerts {
 public:
  Alerts(store::Database& database, lineage::Journal& journal, jobs::Jobs& jobs, Context& context)
      : database_(database), journal_(journal), jobs_(jobs), context_(context) {}
  AlertHooks hooks;

  // Judges one look. Call it again with the same look until it succeeds: it has its effect once.
  Result<void> look(const Caller& caller, const MonitorSpec& spec, const Look& look);

  // Ids may be given as `alert:ID`, as a unique prefix (with or without "alert-"), or as KIND:SUBJECT, which is the
  // open alert of that name, else the newest resolved one. not_found with a hint, `invalid` when several are meant.
  Result<AlertDetails> get(const std::string& workspace, const std::string& name) const;
  // `state` is pending, firing, acknowledged, resolved, open (all but resolved) or "".
  Result<AlertPage> list(const std::string& workspace, const AlertFilter& filter) const;

  // `conflict` says who did what before; `denied` without the role writer. A reason is required.
  Result<AlertDetails> acknowledge(const Caller& caller, const std::string& name, const std::string& why);
  Result<AlertDetails> resolve(const Caller& caller, const std::string& name, const std::string& why);

  // Keeps a trace document with the alert; the newest counts. `invalid` when it is none.
  Result<AlertDetails> keep_trace(const Caller& caller, const std::string& name, const Json& trace);

  // The job kRespondJob, payload {alert: ID}. An alert that was answered already is left alone.
  Result<Json> respond(jobs::Running& running);
  // Writes the end of a retraining back to the alert that began it. Call it for every job that ends; others are
  // ignored.
  Result<void> note_end(const std::string& workspace, const jobs::Job& job);
  // Nodes of the dataset versions that traces of the workspace's alerts named as a cause.
  Result<std::set<std::string>> broken_inputs(const std::string& workspace) const;
  // Completes what a dead process left: ends of retrainings that nobody noted, answers that were not asked for. Call it
  // once the jobs have started.
  Result<void> recover();

 private:
  class Responder;
  Result<void> advance(const Caller& caller, const MonitorSpec& spec, const Look& look, const AlertKey& key,
                       const Judgement* judgement, const Window& window);
  Result<void> submit_responses(const Caller& caller, const std::string& deployment);
  Result<AlertDetails> answer(const Caller& caller, const std::string& name, const std::string& why,
                              std::string_view state);
  Result<StoredAlert> named(const std::string& workspace, const std::string& name) const;
  Result<AlertDetails> store_trace(const Caller& caller, StoredAlert stored, const Json& trace, Micros responded_from);
  Result<Json> make_trace(const Caller& caller, const StoredAlert& stored, bool last_try);
  Result<StoredAlert> traced(const Caller& caller, StoredAlert stored, bool last_try);
  Result<StoredAlert> traced_now(const Caller& caller, StoredAlert stored, bool last_try);
  Result<StoredAlert> renewed(const Caller& caller, StoredAlert stored, bool last_try);
  Result<void> keep_answer(const Caller& caller, const StoredAlert& seen, Json answer, Micros at);
  Result<void> act_again(jobs::Running& running, StoredAlert stored, bool last_try);
  Result<StoredAlert> succeed(const Caller& caller, const StoredAlert& known, const Json& trace);
  Result<Micros> event_now(const std::string& workspace, const std::string& deployment) const;

  store::Database& database_;
  lineage::Journal& journal_;
  jobs::Jobs& jobs_;
  Context& context_;
};

}  // namespace millrace::monitor
