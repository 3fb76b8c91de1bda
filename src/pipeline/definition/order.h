// The order in which stages run.
#pragma once
#include <vector>

#include "pipeline/pipeline.h"

namespace millrace::pipeline {

// Every stage after those that it needs; ties as given. A cycle is named with all its stages, at one of their places.
// Every stage that is named as a dep must be there.
Result<std::vector<Stage>> in_order(std::vector<Stage> stages);

}  // namespace millrace::pipeline
