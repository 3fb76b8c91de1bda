// Predictions at rest: open segments (checksummed journal) and sealed ones (Parquet, read through the SQL engine).
#pragma once
#include <string>
#include <vector>

#include "core/json.h"
#include "core/result.h"
#include "engine/engine.h"

namespace millrace::serve {

// `folder` is one deployment's. The record of the arm that answered, with `shadows`: [{model, version, digest, status,
// outputs, ...}] of the same prediction. not_found when it holds no such prediction.
Result<Json> find_stored(engine::Engines& engines, const std::string& folder, const std::string& id);
// {count, first}: predictions of one input ("" = all), copies for shadows left out, and the id of the earliest.
Result<Json> count_stored(engine::Engines& engines, const std::string& folder, const std::string& input);

// {items: [{request_id, prediction_id}], next}: what the sealed predictions of one input answered to, a page in order
// of prediction id, those after `after` ("" = from the first). Shadows' copies are left out. next: the id to go on
// after, or null.
inline constexpr int64_t kIdsPage = 10'000;
Result<Json> ids_stored(engine::Engines& engines, const std::string& folder, const std::string& input,
                        const std::string& after);

struct SealReport {
  size_t segments = 0;  // sealed now
  int64_t rows = 0;     // in them
  size_t left = 0;      // damaged ones, which stay as they are
};
// Every one of these closed segments becomes <number>.parquet, checked by its row count, and is then removed.
// Dying in the middle leaves the segment, the sealed file or both, and the next call goes on from there.
Result<SealReport> seal_segments(const std::vector<std::string>& closed);

}  // namespace millrace::serve
