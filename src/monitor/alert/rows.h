// The rows of alerts and of what happened to them. Free functions over a session: what they do together is one
// transaction.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "monitor/alert/moves.h"
#include "store/database.h"

namespace millrace::monitor {

// One line of an alert's history.
struct AlertEvent {
  int64_t number = 0;  // from 1
  std::string kind;    // pending, seen, fired, raised, acknowledged, resolved, traced, acted, retraining, retrained
  Micros event_time = 0, recorded_at = 0;
  std::string subject, why;
  Json body = Json::object();
  Json to_json() const;
};

struct AlertFilter {
  std::string deployment;                      // "" = any
  std::string state;                           // "" = any; "open" = not resolved
  std::string before;                          // an id: only older ones
  std::string severity, subject, kind, cause;  // "" = any; cause: a node
  int64_t limit = 0;                           // 0 = limits::page_size
};

Result<std::optional<StoredAlert>> find_alert(store::Session&, const std::string& workspace, const std::string& id);
Result<StoredAlert> get_alert(store::Session&, const std::string& workspace, const std::string& id);
// The alert that is not resolved.
Result<std::optional<StoredAlert>> find_open(store::Session&, const std::string& workspace,
                                             const std::string& deployment, const AlertKey& key);
// A resolved alert of the key that began no later than this look and has counted it, or a later one.
Result<bool> is_covered(store::Session&, const std::string& workspace, const std::string& deployment,
                        const AlertKey& key, const Moment& look);
Result<std::vector<StoredAlert>> open_alerts(store::Session&, const std::string& workspace,
                                             const std::string& deployment);  // oldest first
// Newest first, a page.
Result<std::vector<StoredAlert>> list_alerts(store::Session&, const std::string& workspace, const AlertFilter&);
// How many there are, whatever the page.
Result<int64_t> count_alerts(store::Session&, const std::string& workspace, const AlertFilter&);
Result<std::vector<std::string>> alert_ids(store::Session&, const std::string& workspace);  // sorted
// Alerts that began a retraining whose end is not known yet; "" = of every workspace or deployment.
struct Retraining {
  std::string workspace;
  StoredAlert stored;
};
Result<std::vector<Retraining>> unfinished_retrainings(store::Session&, const std::string& workspace,
                                                       const std::string& deployment);
// Workspaces and deployments with alerts that fired and were not responded to.
Result<std::vector<std::pair<std::string, std::string>>> deployments_due(store::Session&);
// Event time of the deployment's newest retraining; 0 = none.
Result<Micros> last_retraining(store::Session&, const std::string& workspace, const std::string& deployment);

Result<void> insert_alert(store::Session&, const std::string& workspace, const StoredAlert&, Micros now);
Result<void> update_alert(store::Session&, const std::string& workspace, const StoredAlert&, Micros now);
Result<void> add_event(store::Session&, const std::string& workspace, const std::string& alert, AlertEvent event);
Result<std::vector<AlertEvent>> events_of(store::Session&, const std::string& workspace, const std::string& alert);

}  // namespace millrace::monitor
