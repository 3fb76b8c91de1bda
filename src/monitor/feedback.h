// Labels that come back: what really happened, for predictions that were made. Kept for ever: the same label again
// changes nothing, another one is a correction, a revision beside the older; the newest counts.
//
// A label is joined with its prediction when a window is looked at, by the prediction's id. One whose prediction is in
// no log (another deployment's, an id of nobody) is accepted all the same, since the log is no index; it stays
// unmatched and counts in no window.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "lineage/journal.h"
#include "store/database.h"

namespace millrace::limits {

inline constexpr size_t feedback_items = 10'000;       // of one call
inline constexpr int64_t prediction_rows = 1'000'000;  // a label's row is below it

}  // namespace millrace::limits

namespace millrace::monitor {

struct Label {
  std::string prediction_id;
  int64_t row = 0;        // of the request's rows
  int64_t label = 0;      // 0 or 1
  Micros event_time = 0;  // when it became known; 0 = the deployment's event clock, or now
};

struct FeedbackResult {
  int64_t accepted = 0;   // of predictions that had none
  int64_t unchanged = 0;  // given before
  int64_t corrected = 0;  // given before with another value
  Json to_json() const;   // {accepted, unchanged, corrected}
};

// Thread-safe.
class Feedback {
 public:
  Feedback(lineage::Journal& journal, Context& context);

  // All of them or none, in one transaction with one line `feedback.recorded` (no line when nothing was new).
  // `invalid` with the item's field for a wrong id, row or label, and for two labels of one row in a call; `too_large`
  // over limits::feedback_items.
  Result<FeedbackResult> record(const Caller& caller, const std::string& deployment, std::vector<Label> labels);

  // The same within a transaction of somebody else, whose line tells of it; on_labels is told by told().
  Result<FeedbackResult> record_within(store::Session& session, const Caller& caller, const std::string& deployment,
                                       std::vector<Label> labels);
  void told(const std::string& deployment, const std::vector<Label>& labels) const {
    if (on_labels) on_labels(deployment, labels);
  }

  // Told of labels that were recorded, also those that say nothing new. Set before use; must be quick.
  std::function<void(const std::string& deployment, const std::vector<Label>&)> on_labels;

 private:
  struct Recorded {
    FeedbackResult result;
    lineage::Change change;
  };
  Result<Recorded> record_checked(store::Session& session, const Caller& caller, const std::string& deployment,
                                  std::vector<Label> labels);

  lineage::Journal& journal_;
  Context& context_;
};

// Reads {prediction_id, row?, label, event_time?}, the item number `index` of a call.
Result<Label> read_label(const Json& item, size_t index);

}  // namespace millrace::monitor
