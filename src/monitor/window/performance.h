// How right the answers were, as far as labels have come. All sums are made in the engine; the area under the ROC curve
// is that of all scores, ties counted half, and not of a histogram.
#pragma once
#include <string>

#include "core/json.h"
#include "monitor/window/log_view.h"

namespace millrace::monitor {

struct Performance {
  int64_t labels = 0;     // rows with a label, answered or not
  int64_t revisions = 0;  // sum of the labels' revisions: with `labels` it says which ones were counted
  Json summary;           // records.h, performance; null without a label of an answered row
};

// Of the rows of `labelled` for which `condition` holds. `threshold`: what to say it was; null when it was several.
// Calibration error, log loss, Brier and mean score need probabilities: with any score outside [0, 1] they are null.
Result<Performance> measure_performance(engine::Engine& engine, const std::string& condition, const Json& threshold);

}  // namespace millrace::monitor
