// A model that lives in a process of its own, which is started again when it ends.
#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "core/context.h"
#include "serve/process/trial/trial.h"
#include "serve/runtime.h"

namespace millrace::serve::process {

// Of all models in processes, since the start.
struct ProcessCounts {
  std::atomic<uint64_t> restarts{0}, failed_starts{0};
  std::atomic<int64_t> running{0};
};

// While there is no process, run() is `unavailable` at once, with the reason. The pause before a start is doubled with
// each end in a row, limits::model_backoff_*. A process whose model has become another (its inputs and outputs differ)
// is not used. `counts` and `context` outlive the model.
Result<std::shared_ptr<const Model>> keep_model(const ProcessOptions& options, SharedFile file,
                                                std::shared_ptr<ProcessCounts> counts, Context& context);

}  // namespace millrace::serve::process
