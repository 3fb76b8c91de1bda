// The options of serving commands that bound what models and crashes may do.
#pragma once
#include "cli/host.h"

namespace millrace::cli {

Option trial_seconds();
Option answer_seconds();
Option supervise();

// From 1 to 3600.
Result<ModelTimes> read_model_times(const Args& args);

}  // namespace millrace::cli
