// A dataset version as every native answer tells it.
#pragma once
#include "data/datasets/datasets.h"

namespace millrace::api::native {

Json version_json(const data::DatasetVersion& version);

}  // namespace millrace::api::native
