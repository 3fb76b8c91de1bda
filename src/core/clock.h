// Time and chance, injected. Nothing else in src/ asks the machine for either.
#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace millrace {

using Micros = int64_t;  // microseconds since 1970-01-01 UTC

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Micros now() const = 0;     // wall time
  virtual Micros steady() const = 0;  // monotonic, for durations only
};

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(void* bytes, size_t size) = 0;  // thread-safe; cryptographic in production
  uint64_t next();
};

Clock& system_clock();    // for main/ and tests of main/ only
Random& system_random();  // for main/ only

// A clock that a test moves by hand.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Micros now = 1'370'000'000'000'000) : now_(now) {}
  Micros now() const override { return now_; }
  Micros steady() const override { return now_; }
  void advance(Micros by) { now_ += by; }

 private:
  std::atomic<Micros> now_;
};

// Same seed, same bytes, in whichever thread. Not for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  void fill(void* bytes, size_t size) override;

 private:
  std::atomic<uint64_t> state_;
};

std::string to_iso(Micros time);  // 2013-07-01T05:00:00.000000Z
Result<Micros> parse_time(
    std::string_view text);  // date, or date-time with optional fraction and Z or +hh:mm; no zone = UTC

}  // namespace millrace
