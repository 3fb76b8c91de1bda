#include "monitor/alerts.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/limits.h"
#include "monitor/alert/change.h"
#include "monitor/alert/names.h"

namespace millrace::monitor {
namespace {

constexpr std::string_view kStates[] = {"pending", "firing", "acknowledged", "resolved", "open"};

// A new period or a later moment of it is one look more; a new revision of the same moment corrects it.
bool is_further(const Moment& look, const Moment& last) { return look.from != last.from || look.as_of != last.as_of; }

void take(StoredAlert& stored, const Judgement& judgement, const LookFacts& look) {
  auto& alert = stored.alert;
  if (judgement.severity == "page") alert.severity = "page";
  alert.from = look.at.from;
  alert.to = look.to;
  alert.value = judgement.value;
  alert.limit = judgement.limit;
  alert.evidence = judgement.evidence;
  if (is_further(look.at, stored.last)) ++stored.in_row;
  stored.last = look.at;
}

StoredAlert opened(const std::string& id, const std::string& deployment, const Judgement& judgement,
                   const LookFacts& look, Micros at) {
  StoredAlert out;
  out.alert = {.id = id,
               .deployment = deployment,
               .kind = judgement.key.kind,
               .subject = judgement.key.subject,
               .arm = judgement.key.arm,
               .version = judgement.key.version,
               .severity = judgement.severity,
               .state = "pending",
               .first_from = look.at.from,
               .pending_at = at};
  take(out, judgement, look);
  return out;
}

// Changes `stored` as the move says; answers the name of its event.
std::string apply(StoredAlert& stored, const Move& move, const Judgement* judgement, const LookFacts& look, Micros at) {
  auto& alert = stored.alert;
  switch (move.step) {
    case Step::none: return "";
    case Step::open: return "pending";
    case Step::count: take(stored, *judgement, look); return "seen";
    case Step::raise: take(stored, *judgement, look); return "raised";
    case Step::fire:
      alert.state = "firing";
      alert.fired_at = at;
      return "fired";
    case Step::resolve:
      alert.state = "resolved";
      alert.resolved_at = at;
      alert.note = move.why;
      stored.last = std::max(stored.last, look.at);
      return "resolved";
  }
  return "";
}

}  // namespace

Json AlertDetails::to_json() const {
  Json out = alert.to_json();
  out["short"] = short_id;
  if (events.empty()) return out;
  Json lines = Json::array();
  for (const auto& event : events) lines.push_back(event.to_json());
  out["events"] = std::move(lines);
  return out;
}

Result<void> Alerts::look(const Caller& caller, const MonitorSpec& spec, const Look& look) {
  if (look.windows.empty()) return {};
  std::vector<StoredAlert> open;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(open, open_alerts(session, caller.workspace, look.deployment));
    return {};
  }));
  std::vector<AlertKey> keys;
  for (const auto& stored : open) keys.push_back(stored.key());
  std::vector<data::DatasetVersion> batches;
  const auto all = std::find_if(look.windows.begin(), look.windows.end(),
                                [](const Window& window) { return window.arm == kAllArms; });
  const bool judged =
      std::any_of(spec.rules.begin(), spec.rules.end(), [](const RuleSpec& rule) { return rule.kind == "quarantine"; });
  if (judged && hooks.batches && all != look.windows.end()) {
    MILLRACE_TRY(batches, hooks.batches(caller.workspace, *all));
  }
  const auto judgements = judge({spec, batches, keys}, look.windows);
  for (const auto& judgement : judgements) {
    const auto window = std::find_if(look.windows.begin(), look.windows.end(), [&](const Window& one) {
      return one.arm == judgement.key.arm && one.version == judgement.key.version;
    });
    const bool known = std::find(keys.begin(), keys.end(), judgement.key) != keys.end();
    if (known || judgement.verdict == Verdict::breaks)
      MILLRACE_DO(advance(caller, spec, look, judgement.key, &judgement, *window));
  }
  for (const auto& key : keys)
    if (std::none_of(judgements.begin(), judgements.end(), [&](const auto& j) { return j.key == key; }) &&
        is_unwatched(key, spec, look.windows))
      MILLRACE_DO(advance(caller, spec, look, key, nullptr, look.windows.front()));
  FAULT_POINT("monitor.look.before_responses");
  return submit_responses(caller, look.deployment);
}

// One transaction a move, until nothing moves.
Result<void> Alerts::advance(const Caller& caller, const MonitorSpec& spec, const Look& look, const AlertKey& key,
                             const Judgement* judgement, const Window& window) {
  const LookFacts facts{
      .at = {window.from, window.as_of, window.revision}, .to = window.to, .looks_needed = spec.for_looks};
  const Micros at = look.at != 0 ? look.at : window.as_of;
  for (int64_t line = 1; line != 0;) {
    const auto move_on = [&](store::Session& session) -> Result<lineage::Change> {
      const auto& workspace = caller.workspace;
      MILLRACE_TRY(auto stored, find_open(session, workspace, look.deployment, key));
      MILLRACE_TRY(const bool covered, is_covered(session, workspace, look.deployment, key, facts.at));
      const auto move = next_move(stored ? &*stored : nullptr, covered, judgement, facts);
      if (move.step == Step::none) return lineage::Change{};
      if (move.step == Step::open) stored = opened("alert-" + context_.uuid(), look.deployment, *judgement, facts, at);
      const auto kind = apply(*stored, move, judgement, facts, at);
      const auto now = context_.now();
      if (move.step == Step::open)
        MILLRACE_DO(insert_alert(session, workspace, *stored, now));
      else
        MILLRACE_DO(update_alert(session, workspace, *stored, now));
      const AlertEvent event{.kind = kind,
                             .event_time = at,
                             .recorded_at = now,
                             .subject = caller.subject,
                             .why = move.why,
                             .body = state_of(*stored, window.node(), facts.at.revision)};
      MILLRACE_DO(add_event(session, workspace, stored->alert.id, event));
      return alert_change(*stored, event, window.node());
    };
    MILLRACE_TRY(line, journal_.write(caller, move_on));
    FAULT_POINT("monitor.alert.moved");
  }
  return {};
}

Result<void> Alerts::submit_responses(const Caller& caller, const std::string& deployment) {
  std::vector<StoredAlert> open;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(open, open_alerts(session, caller.workspace, deployment));
    return {};
  }));
  for (const auto& stored : open) {
    if (!stored.is_due()) continue;
    MILLRACE_DO(jobs_.submit(caller, {.kind = std::string(kRespondJob),
                                      .key = stored.alert.id,
                                      .payload = {{"alert", stored.alert.id}},
                                      .max_attempts = static_cast<int>(limits::job_attempts)}));
    FAULT_POINT("monitor.look.response_submitted");
  }
  return {};
}

Result<StoredAlert> Alerts::named(const std::string& workspace, const std::string& name) const {
  std::optional<StoredAlert> out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(out, find_named(session, workspace, name));
    return {};
  }));
  return std::move(*out);
}

Result<AlertDetails> Alerts::get(const std::string& workspace, const std::string& name) const {
  AlertDetails out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(auto stored, find_named(session, workspace, name));
    out.alert = std::move(stored.alert);
    MILLRACE_TRY(out.events, events_of(session, workspace, out.alert.id));
    MILLRACE_TRY(const auto ids, alert_ids(session, workspace));
    out.short_id = monitor::short_id(out.alert.id, ids);
    return {};
  }));
  return out;
}

Result<AlertPage> Alerts::list(const std::string& workspace, const AlertFilter& filter) const {
  if (!filter.state.empty() && std::find(std::begin(kStates), std::end(kStates), filter.state) == std::end(kStates)) {
    const auto near = did_you_mean(filter.state, {std::begin(kStates), std::end(kStates)});
    return Error{Code::invalid, fmt::format("'{}' is no state of an alert", filter.state.substr(0, 100))}
        .at_field("state")
        .hint(near ? fmt::format("did you mean '{}'?", *near) : fmt::format("there are: {}", fmt::join(kStates, ", ")));
  }
  AlertPage out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(auto found, list_alerts(session, workspace, filter));
    MILLRACE_TRY(out.total, count_alerts(session, workspace, filter));
    MILLRACE_TRY(const auto ids, alert_ids(session, workspace));
    for (auto& stored : found) {
      const auto id = monitor::short_id(stored.alert.id, ids);
      out.items.push_back({std::move(stored.alert), id, {}});
    }
    return {};
  }));
  const auto limit = filter.limit > 0 ? static_cast<size_t>(filter.limit) : limits::page_size;
  if (out.items.size() == limit) out.next = out.items.back().alert.id;
  return out;
}

Result<std::set<std::string>> Alerts::broken_inputs(const std::string& workspace) const {
  std::set<std::string> out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto rows,
                 session.query("SELECT DISTINCT cause FROM alerts WHERE workspace = ? AND cause_kind = "
                               "'data' AND cause <> ''",
                               {workspace}));
    for (const auto& row : rows) out.insert(row.text(0));
    return {};
  }));
  return out;
}

Result<Micros> Alerts::event_now(const std::string& workspace, const std::string& deployment) const {
  Micros at = 0;
  if (hooks.event_now) {
    MILLRACE_TRY(at, hooks.event_now(workspace, deployment));
  }
  return at != 0 ? at : context_.now();
}

}  // namespace millrace::monitor
