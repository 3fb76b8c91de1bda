// The `value` section of the project file: what each outcome of a prediction is worth, and what making it costs.
#pragma once
#include <string>
#include <vector>

#include "core/project.h"
#include "registry/release/outcomes.h"

namespace millrace::impact {

using registry::Outcomes;

struct Prices {
  double cpu_hour = 0;  // of one processor for one hour
  double label = 0;     // of learning what really happened, once
};

// value.NAME; NAME is a deployment.
struct ValueSpec {
  std::string deployment, currency;
  Outcomes outcomes;
  Prices prices;
  Where where;
};

// All four outcomes are required: one that is left out would count as nothing without anybody having said so. Unknown
// keys, deployments that the project does not have, numbers that are not finite and negative prices are `invalid`, with
// their place. Empty without the section.
Result<std::vector<ValueSpec>> read_values(const Project& project);

}  // namespace millrace::impact
