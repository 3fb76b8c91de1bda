// Bytes of a recorded out against those of a repetition.
#pragma once
#include "pipeline/local/scratch.h"
#include "pipeline/pipeline.h"
#include "store/blobs.h"

namespace millrace::pipeline {

// `corrupt` when the recorded file is not what it was: that is no difference of the repetition.
Result<OutComparison> compare_out(const store::Blobs& blobs, const Out& recorded, const MadeFile& made);

}  // namespace millrace::pipeline
