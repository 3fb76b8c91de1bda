// Counters of one model version on one arm, in the words of the protocol's reference server.
#pragma once
#include <array>
#include <atomic>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.h"
#include "serve/counts/counter.h"
#include "serve/counts/latency.h"
#include "serve/counts/scores.h"

namespace millrace::serve {

// What one answered request cost, in microseconds.
struct RunTimes {
  uint64_t guard_us = 0, infer_us = 0, log_us = 0;
};

// Answered requests by their number of rows, for the first kSizes numbers that came. Thread-safe, without locks.
class BatchSizes {
 public:
  static constexpr size_t kSizes = 64;
  struct Batch {
    uint64_t size = 0, count = 0;
    RunTimes us;
  };
  void add(uint64_t size, const RunTimes& us);  // size > 0
  std::vector<Batch> all() const;               // by size

 private:
  struct Slot {
    std::atomic<uint64_t> size{0}, count{0}, guard_us{0}, infer_us{0}, log_us{0};
  };
  std::array<Slot, kSizes> slots_;
};

// Why a request failed, in the words of the protocol's reference server: turned away before it began, given up by its
// client, failed in the model, and all else (the contract, what JSON cannot carry, a log that cannot be written).
enum class Failure : uint8_t { rejected, canceled, backend, other };
inline constexpr std::array<std::string_view, 4> kFailures{"REJECTED", "CANCELED", "BACKEND", "OTHER"};

// By field and rule of the contract: as many entries as the contract has rules.
using RuleCounts = std::map<std::pair<std::string, std::string>, uint64_t>;

// Counts and microseconds since the start of the process. Thread-safe.
struct Statistics {
  Counter success, failure, rows, executions;
  Counter request_us, queue_us, guard_us, infer_us, log_us;
  Counter failed_us;                // of request_us, what failures took
  std::array<Counter, 4> failures;  // of failure, by Failure
  std::atomic<Micros> last_inference{0};
  BatchSizes batches;
  RecentLatency latency;  // of request_us
  Scores scores;          // of answered rows, where a model has one

  void fail(Failure why, uint64_t us = 0);
  void refuse(const std::string& field, const std::string& rule);
  void flag(const std::string& field, const std::string& rule);
  RuleCounts refusals() const;
  RuleCounts flags() const;  // values that were flagged or clamped

 private:
  mutable std::mutex mutex_;
  RuleCounts refusals_, flags_;
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
