#include <fmt/format.h>

#include "monitor/actions/action_kind.h"

namespace millrace::monitor::actions {
namespace {

// Alerts with one cause are one question. Without a known cause those of one deployment, one period and one verdict
// are: what drifts by itself in one month is looked at together.
std::string key_of(const StoredAlert& stored) {
  if (const auto cause = stored.cause(); !cause.empty()) return "cause:" + cause;
  return fmt::format("{}:{}@{}", verdict_of(stored), stored.alert.deployment, to_iso(stored.alert.from).substr(0, 10));
}

std::string summary_of(const StoredAlert& stored) {
  const auto& alert = stored.alert;
  const auto cause = stored.cause();
  const auto lead = cause.empty() ? fmt::format("{}: no broken cause is known", alert.deployment)
                                  : fmt::format("{}: {}", alert.deployment, cause);
  return fmt::format("{}. {}", lead, string_or(alert.trace, "summary", string_or(alert.evidence, "text", "")));
}

Result<Json> act(const ActionInput& input, ActionWorld& world) {
  const auto& alert = input.stored.alert;
  const auto& wanted = alert.severity == "page" ? input.spec.on.page : input.spec.on.warn;
  if (wanted != "review") return Json();
  MILLRACE_TRY(const auto id, world.open_review({.key = key_of(input.stored),
                                                 .cause = input.stored.cause(),
                                                 .subject = alert.node(),
                                                 .summary = summary_of(input.stored),
                                                 .evidence = {{"what", string_or(alert.evidence, "text", "")},
                                                              {"severity", alert.severity},
                                                              {"kind", alert.kind},
                                                              {"subject", alert.subject},
                                                              {"verdict", verdict_of(input.stored)},
                                                              {"cause", alert.trace.value("cause", Json())}},
                                                 .event_time = input.at}));
  return Json{{"kind", "review"},
              {"id", id},
              {"reason", fmt::format("a {} is reviewed by a person", alert.severity)},
              {"at", to_iso(input.at)}};
}

}  // namespace

AlertAction review() {
  return {.name = "review", .summary = "ask a person, once for all alerts with one cause", .act = act};
}

}  // namespace millrace::monitor::actions
