// The body of log-batch, read in one go when it is as clients write it: hot, and up to a thousand metrics long.
#pragma once
#include <optional>
#include <string>

#include "api/http.h"
#include "track/tracking.h"

namespace millrace::api::mlflow {

struct RunBatch {
  std::string run_id;
  track::Batch batch;
};

// Nothing when the body is in any way unusual or wrong (numbers as texts, camelCase, unknown or repeated fields, bad
// JSON): then Body reads it, and says what is wrong. What is read here Body would read the same.
std::optional<RunBatch> read_plain_batch(const Request& request);

}  // namespace millrace::api::mlflow
