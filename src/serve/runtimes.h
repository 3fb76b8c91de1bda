// Which runtime a model file gets. The format is told by the bytes: ONNX, XGBoost's JSON and UBJSON, LightGBM's text.
// Each format has a reference runtime, the library that people know its answers from (ONNX Runtime, XGBoost, LightGBM),
// and tree ensembles have our own evaluator (trees/). Ours answers only where it is the same bit by bit on a trial
// batch that goes through the model's branches, and, when the choice is ours, is faster at one row.
#pragma once
#include <memory>
#include <string>

#include "core/clock.h"
#include "core/log.h"
#include "serve/runtime.h"

namespace millrace::serve {

struct RuntimeOptions {
  std::string folder;              // of lib_lightgbm.so and libxgboost.so
  std::string onnxruntime;         // path of libonnxruntime.so
  std::string choice = "auto";     // or native, onnxruntime, lightgbm, xgboost
  std::string batching = "exact";  // which models' requests may share calls: off, exact or close (together.h)
};

// `invalid` when there is no such choice.
Result<void> check_choice(const std::string& choice);

// Libraries are opened when the first model needs them. A library that is missing is no error where our evaluator runs
// the model: the log and describe() of the model then say that nothing was compared. load() fails besides with
// `rejected` when our evaluator is asked for by name and answers differently, and `invalid` when the runtime asked for
// does not run the format. Every model says who runs it and why: {runtime, why, reference, compared_rows, one_row_us:
// {native, reference}, batching: {shared, why}}, as far as it was found out.
std::unique_ptr<Runtime> make_runtimes(RuntimeOptions options, const Clock& clock, Log& log);

}  // namespace millrace::serve
