// What is kept of the versions before: what distributions and anomalies are judged by.
#pragma once
#include <memory>
#include <vector>

#include "core/clock.h"
#include "core/json.h"

namespace millrace::data {

struct PastProfile {
  Micros period_from = 0, period_to = 0;  // 0, 0 = none
  Micros recorded_at = 0;
  std::shared_ptr<const Json> profile;  // Profile::to_json(); histories of neighbouring versions share it
};
using History = std::vector<PastProfile>;       // oldest first
inline constexpr size_t history_versions = 90;  // how far a check looks back

}  // namespace millrace::data
