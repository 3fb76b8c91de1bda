// The options that serving commands share: how models are called, and what bounds them and their crashes.
#pragma once
#include "cli/host.h"

namespace millrace::cli {

Option batching();
Option trial_seconds();
Option answer_seconds();
Option supervise();

// From 1 to 3600.
Result<ModelTimes> read_model_times(const Args& args);

}  // namespace millrace::cli
