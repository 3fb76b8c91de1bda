#include <fmt/format.h>

#include "monitor/actions/action_kind.h"

namespace millrace::monitor::actions {
namespace {

Json answer(std::string_view kind, const std::string& reason, Micros at) {
  return {{"kind", kind}, {"id", nullptr}, {"reason", reason}, {"at", to_iso(at)}};
}

Json refused(const std::string& reason, const std::string& node, const StoredAlert& because, Micros at) {
  auto out = answer("refused", reason, at);
  out["refused"] = "retrain";
  out["node"] = node;
  out["alert"] = because.alert.node();
  return out;
}

// A shift of the inputs has to be a page before it is worth a new model; a model that got worse always is.
bool is_about_the_model(const Alert& alert) {
  return alert.kind == "performance" || (alert.kind == "drift" && alert.severity == "page");
}

Result<Json> act(const ActionInput& input, ActionWorld& world) {
  const auto& on = input.spec.on;
  const auto& alert = input.stored.alert;
  if (on.retrain_target.empty() || !is_about_the_model(alert)) return Json();
  if (const auto node = broken_input(input.stored); !node.empty())
    return refused(fmt::format("the cause is broken input ({}), which must not be learnt", node), node, input.stored,
                   input.at);
  const auto verdict = verdict_of(input.stored);
  if (verdict != "natural_drift")
    return answer("none",
                  verdict == "cause"
                      ? fmt::format("retraining does not mend the cause, {}", input.stored.cause())
                      : "it is not known that this is natural drift: " + string_or(alert.trace, "summary", ""),
                  input.at);
  MILLRACE_TRY(const auto others, world.traced_others());
  for (const auto& other : others)
    if (const auto node = broken_input(other); !node.empty())
      return refused(fmt::format("the input is broken by {} ({} of '{}'), which must not be learnt", node,
                                 other.alert.kind, other.alert.subject),
                     node, other, input.at);
  return world.retrain(on.retrain_target, on.cooldown_days, string_or(alert.trace, "summary", "natural drift"));
}

}  // namespace

AlertAction retrain() {
  return {.name = "retrain",
          .summary = "run a stage of the pipeline anew after natural drift, never on broken input",
          .act = act,
          .again = true};
}

}  // namespace millrace::monitor::actions
