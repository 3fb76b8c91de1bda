#include "monitor/alert/change.h"

namespace millrace::monitor {

Json state_of(const StoredAlert& stored, const std::string& window, int64_t revision) {
  const auto& alert = stored.alert;
  return {{"deployment", alert.deployment},
          {"kind", alert.kind},
          {"subject", alert.subject},
          {"arm", alert.arm},
          {"version", alert.version},
          {"severity", alert.severity},
          {"state", alert.state},
          {"value", alert.value},
          {"limit", alert.limit},
          {"window", window.empty() ? Json(nullptr) : Json(window)},
          {"revision", revision == 0 ? Json(nullptr) : Json(revision)}};
}

lineage::Change alert_change(const StoredAlert& stored, const AlertEvent& event, const std::string& window) {
  const auto& alert = stored.alert;
  lineage::Change change{.kind = "alert." + event.kind,
                         .node = alert.node(),
                         .before = "",
                         .after = "",
                         .why = event.why,
                         .body = event.body,
                         .event_time = event.event_time};
  change.nodes.push_back({.id = alert.node(),
                          .digest = "",
                          .attributes = {{"deployment", alert.deployment},
                                         {"kind", alert.kind},
                                         {"subject", alert.subject},
                                         {"arm", alert.arm},
                                         {"version", alert.version}}});
  if (window.empty()) return change;
  change.edges.push_back({.source = window, .target = alert.node(), .kind = "observed_in"});
  if (const auto batch = string_or(alert.evidence, "node", ""); !batch.empty())
    change.edges.push_back({.source = batch, .target = alert.node(), .kind = "observed_in"});
  return change;
}

}  // namespace millrace::monitor
