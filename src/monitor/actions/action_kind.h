// What a firing alert leads to. A kind is one file here and one line in list.inc. Every kind is asked about every alert
// once it has been traced, and answers nothing when the policy (`on` of the monitor) does not ask it for this one.
//
// Answers are JSON: {kind, id, reason, at, ...}. The alert keeps the most telling one as its action (retrain, refused,
// review, none, in this order), with the rest under `also`.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/caller.h"
#include "monitor/alert/moves.h"
#include "monitor/spec.h"

namespace millrace::monitor {

// What a person is asked about an alert.
struct ReviewRequest {
  std::string kind = "alert";
  std::string key;      // what is asked about: requests with one key are one question
  std::string cause;    // node, "" when it is not known
  std::string subject;  // node of the alert
  std::string summary;
  Json evidence = Json::object();
  Micros event_time = 0;
};

// What actions may do. Every call is repeatable: the same alert again has no second effect.
class ActionWorld {
 public:
  virtual ~ActionWorld() = default;
  virtual Result<std::string> open_review(const ReviewRequest& request) = 0;  // the review's id
  // Unresolved alerts of the deployment that have fired, without this one; each is traced before it is answered.
  virtual Result<std::vector<StoredAlert>> traced_others() = 0;
  // Starts the pipeline's `target` as a job of its own unless one of the deployment is running or began within the
  // cooldown (event time); answers the action, of kind retrain or none.
  virtual Result<Json> retrain(const std::string& target, int64_t cooldown_days, const std::string& reason) = 0;
};

struct ActionInput {
  const StoredAlert& stored;  // traced
  const MonitorSpec& spec;
  Micros at = 0;  // event time of the alert's newest look that counted
};

struct AlertAction {
  std::string_view name, summary;
  Result<Json> (*act)(const ActionInput& input, ActionWorld& world);  // null: not asked for
  bool again = false;  // asked again in each later window in which the alert fires on
};

const std::vector<AlertAction>& alert_actions();  // in order of list.inc

// The alert's action out of the answers of all kinds.
Json chosen_action(std::vector<Json> answers, Micros at);

// The cause of a traced alert is broken input, which must not be learnt: its node, else "".
std::string broken_input(const StoredAlert& stored);
std::string verdict_of(const StoredAlert& stored);  // cause, natural_drift, not_enough_evidence

}  // namespace millrace::monitor
