// Labels from the store to files that the SQL engine joins with, a page at a time.
#pragma once
#include <string>
#include <vector>

#include "core/clock.h"
#include "store/database.h"

namespace millrace::monitor {

// Which labels, as seen from one moment: those up to a call and an event time.
struct LabelView {
  std::string workspace, deployment;
  int64_t batch = 0;
  Micros until = 0;
};

// The newest label of each row of the predictions first_id..last_id: prediction_id, row_number, label, revision.
// Answers the files, in `folder`; none when there are no labels.
Result<std::vector<std::string>> write_labels(const store::Database& database, const LabelView& view,
                                              const std::string& first_id, const std::string& last_id,
                                              const std::string& folder);

// Labels that `now` sees and `before` did not: prediction_id, batch, event_time.
struct NewLabels {
  std::vector<std::string> files;
  std::string first_id, last_id;
};
Result<NewLabels> write_new_labels(const store::Database& database, const LabelView& before, const LabelView& now,
                                   const std::string& folder);

// The newest batch that there is, 0 for none.
Result<int64_t> last_batch(const store::Database& database, const std::string& workspace,
                           const std::string& deployment);

}  // namespace millrace::monitor
