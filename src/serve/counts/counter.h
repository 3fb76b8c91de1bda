// Counters of the request path: threads that add at the same time rarely share a cache line, and reading adds up.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>

namespace millrace::serve {

// Thread-safe. Never goes back; a reader sees every addition that happened before, and perhaps some that happen now.
class Counter {
 public:
  void operator+=(uint64_t by) { cells_[mine()].value.fetch_add(by, std::memory_order_relaxed); }
  void operator++() { *this += 1; }
  uint64_t load() const {
    uint64_t sum = 0;
    for (const auto& cell : cells_) sum += cell.value.load(std::memory_order_relaxed);
    return sum;
  }
  operator uint64_t() const { return load(); }

 private:
  static constexpr size_t kCells = 4;
  static size_t mine() {
    static thread_local const size_t cell = std::hash<std::thread::id>()(std::this_thread::get_id()) % kCells;
    return cell;
  }
  struct alignas(64) Cell {
    std::atomic<uint64_t> value{0};
  };
  std::array<Cell, kCells> cells_;
};

}  // namespace millrace::serve
