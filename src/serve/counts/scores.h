// What a model answered, in sums: how many scores, their mean and spread, and how many of them chose the positive
// class.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>

namespace millrace::serve {

struct ScoreSums {
  uint64_t n = 0, positive = 0;
  double sum = 0, squares = 0;
};

// Since the start of the process. Thread-safe, without locks: threads that add at the same time rarely meet, and a
// reader that comes between the parts of one addition is off by that one answer.
class Scores {
 public:
  void add(const ScoreSums& more) {
    if (more.n == 0) return;
    auto& cell = cells_[std::hash<std::thread::id>()(std::this_thread::get_id()) % kCells];
    cell.n.fetch_add(more.n, std::memory_order_relaxed);
    cell.positive.fetch_add(more.positive, std::memory_order_relaxed);
    add_to(cell.sum, more.sum);
    add_to(cell.squares, more.squares);
  }
  ScoreSums all() const {
    ScoreSums out;
    for (const auto& cell : cells_) {
      out.n += cell.n.load(std::memory_order_relaxed);
      out.positive += cell.positive.load(std::memory_order_relaxed);
      out.sum += cell.sum.load(std::memory_order_relaxed);
      out.squares += cell.squares.load(std::memory_order_relaxed);
    }
    return out;
  }

 private:
  static constexpr size_t kCells = 4;
  struct alignas(64) Cell {
    std::atomic<uint64_t> n{0}, positive{0};
    std::atomic<double> sum{0}, squares{0};
  };
  static void add_to(std::atomic<double>& sum, double by) {
    double before = sum.load(std::memory_order_relaxed);
    while (!sum.compare_exchange_weak(before, before + by, std::memory_order_relaxed)) {}
  }
  std::array<Cell, kCells> cells_;
};

}  // namespace millrace::serve
