// Counters of one model version on one arm, in the words of the protocol's reference server.
#pragma once
#include <atomic>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "core/clock.h"

namespace millrace::serve {

// Counts and microseconds since the start of the process. Thread-safe.
struct Statistics {
  std::atomic<uint64_t> success{0}, failure{0}, rows{0}, executions{0};
  std::atomic<uint64_t> request_us{0}, guard_us{0}, infer_us{0}, log_us{0};
  std::atomic<Micros> last_inference{0};

  // By field and rule of the contract: as many entries as the contract has rules.
  void refuse(const std::string& field, const std::string& rule);
  std::map<std::pair<std::string, std::string>, uint64_t> refusals() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, uint64_t> refusals_;
};

// A model version on an arm. In text order of its fields.
struct ArmLabel {
  std::string version, arm, model;
  auto operator<=>(const ArmLabel&) const = default;
};

// Thread-safe. What was once counted stays, so that counters never go back.
class StatisticsByArm {
 public:
  std::shared_ptr<Statistics> of(const ArmLabel& label);
  std::map<ArmLabel, std::shared_ptr<Statistics>> all() const;

 private:
  mutable std::mutex mutex_;
  std::map<ArmLabel, std::shared_ptr<Statistics>> arms_;
};

}  // namespace millrace::serve
