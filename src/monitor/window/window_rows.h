// Windows as rows: what there is, and a new revision where the evidence is new.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "lineage/journal.h"
#include "monitor/measure.h"
#include "monitor/records.h"
#include "monitor/window/label_rows.h"

namespace millrace::monitor {

// One look at one window.
struct LookAt {
  std::string workspace, deployment;
  Micros from = 0, to = 0;  // the window
  Micros as_of = 0;         // requests before it are counted
  LabelView labels;         // labels that are counted
  std::optional<double> missing;
  Micros recorded_at = 0;
};

struct Recorded {
  std::vector<Window> windows;  // as they now stand, in the order of `measured`
  int64_t changed = 0;          // of them, those with a new revision
};

// Writes the revisions that are new and answers the journal's line for them, which has no kind when there are none.
Result<lineage::Change> record_windows(store::Session& session, const LookAt& look,
                                       const std::vector<Measured>& measured, Recorded& out);

struct WindowFilter {
  std::string deployment;
  std::string arm;          // "" = every arm
  Micros from = 0, to = 0;  // windows that begin at or after `from` and end at or before `to`; 0 = no bound
};
// What a page begins after.
struct WindowCursor {
  Micros from = 0, to = 0;
  std::string arm, model;
  int64_t version = 0;
};
// The newest revision of each, by time, arm, model and version.
Result<std::vector<Window>> read_windows(store::Session& session, const std::string& workspace,
                                         const WindowFilter& filter, const std::optional<WindowCursor>& after,
                                         int64_t limit);

// Up to where labels are counted in the newest revisions of the window that begins at `from`; nothing without a window.
Result<std::optional<LabelView>> counted_labels(store::Session& session, const std::string& workspace,
                                                const std::string& deployment, Micros from, Micros to);

}  // namespace millrace::monitor
