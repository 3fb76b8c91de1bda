// Objects of a bucket as inputs: found by a pattern, then brought to this machine, each whole and in one state.
#pragma once
#include "data/inputs/inputs.h"

namespace millrace::data {

// s3://BUCKET/KEY, where KEY may hold * ? [a-z] ** (but no ?, which begins the options), or end with / for all data
// below it. `library_folder`: where Arrow's S3 library is. `not_found` when nothing matches, `conflict` for an object
// that was replaced while it was read, `unavailable` or `denied` as the bucket answers.
Result<std::vector<InputPlace>> copy_objects(const std::string& uri, const std::string& library_folder, Inputs& inputs);

}  // namespace millrace::data
