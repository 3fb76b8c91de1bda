// What is kept of the versions before: what distributions and anomalies are judged by.
#pragma once
#include <vector>

#include "core/clock.h"
#include "core/json.h"

namespace millrace::data {

struct PastProfile {
  Micros period_from = 0, period_to = 0;  // 0, 0 = none
  Micros recorded_at = 0;
  Json profile;  // Profile::to_json()
};
using History = std::vector<PastProfile>;  // oldest first

}  // namespace millrace::data
