// What people say to an alert.
#include <fmt/format.h>

#include "monitor/alert/change.h"
#include "monitor/alert/names.h"
#include "monitor/alerts.h"
#include "registry/rules.h"

namespace millrace::monitor {
namespace {

Result<void> may_answer(const Caller& caller) {
  if (caller.has_role("writer") || caller.is_local()) return {};
  return Error{Code::denied, fmt::format("{} may not answer alerts: that takes the role 'writer'", caller.subject)}
      .hint("ask for a token with that role: millrace token create --subject NAME --role writer");
}

// "acknowledged by ada at 2013-06-01T...: the reason", of how the alert came into its state.
Result<std::string> how_it_came(store::Session& session, const std::string& workspace, const Alert& alert) {
  MILLRACE_TRY(const auto events, events_of(session, workspace, alert.id));
  for (auto event = events.rbegin(); event != events.rend(); ++event)
    if (event->kind == alert.state)
      return fmt::format("{} by {} at {}: {}", alert.state, event->subject, to_iso(event->event_time), event->why);
  return alert.state;
}

Result<void> can_become(store::Session& session, const std::string& workspace, const Alert& alert,
                        std::string_view state) {
  if (alert.state == "pending" && state == "acknowledged")
    return Error{Code::conflict, fmt::format("{} is pending: it has not fired", alert.node())}.hint(
        "there is nothing to acknowledge yet; it can be resolved");
  if (alert.state != "resolved" && alert.state != state) return {};
  MILLRACE_TRY(const auto how, how_it_came(session, workspace, alert));
  return Error{Code::conflict, fmt::format("{} was {}", alert.node(), how)}.hint(
      alert.state == "resolved" ? "when its rule breaks again, that is a new alert" : "it can be resolved");
}

void become(Alert& alert, std::string_view state, const std::string& subject, const std::string& why, Micros at) {
  alert.state = state;
  alert.note = why;
  if (state == "resolved") {
    alert.resolved_at = at;
    return;
  }
  alert.acknowledged_at = at;
  alert.owner = subject;
}

}  // namespace

Result<AlertDetails> Alerts::answer(const Caller& caller, const std::string& name, const std::string& why,
                                    std::string_view state) {
  MILLRACE_DO(may_answer(caller));
  MILLRACE_TRY(auto stored, named(caller.workspace, name));
  MILLRACE_TRY(const auto at, event_now(caller.workspace, stored.alert.deployment));
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(stored, get_alert(session, caller.workspace, stored.alert.id));
    MILLRACE_DO(can_become(session, caller.workspace, stored.alert, state));
    become(stored.alert, state, caller.subject, why, at);
    const AlertEvent event{.kind = std::string(state),
                           .event_time = at,
                           .recorded_at = context_.now(),
                           .subject = caller.subject,
                           .why = why,
                           .body = state_of(stored, "", 0)};
    MILLRACE_DO(update_alert(session, caller.workspace, stored, event.recorded_at));
    MILLRACE_DO(add_event(session, caller.workspace, stored.alert.id, event));
    return alert_change(stored, event, "");
  }));
  return get(caller.workspace, stored.alert.id);
}

Result<AlertDetails> Alerts::acknowledge(const Caller& caller, const std::string& name, const std::string& why) {
  MILLRACE_DO(registry::check_why(why, "an acknowledgement"));
  return answer(caller, name, why, "acknowledged");
}

Result<AlertDetails> Alerts::resolve(const Caller& caller, const std::string& name, const std::string& why) {
  MILLRACE_DO(registry::check_why(why, "the end of an alert"));
  return answer(caller, name, why, "resolved");
}

}  // namespace millrace::monitor
