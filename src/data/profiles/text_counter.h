// The texts of one column: lengths in characters, how many different ones there are, and the counts of each while they
// are few. Memory is bounded.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "stats/distinct.h"

namespace millrace::data {

class TextCounter {
 public:
  void add(std::string_view text);

  int64_t distinct() const;
  double distinct_error() const;                  // one standard error as a share; 0 = exact
  int64_t shortest() const { return shortest_; }  // -1 without texts
  int64_t longest() const { return longest_; }
  // The most frequent ones, equal ones in the order of their bytes; empty when there are too many to be counted.
  std::vector<std::pair<std::string, int64_t>> top(size_t most) const;

 private:
  static constexpr size_t kTexts = stats::DistinctCounter::kExactly;
  static constexpr size_t kBytes = 4 << 20;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  void measure(std::string_view text);
  void give_up();

  bool counting_ = true;
  std::unordered_map<std::string, int64_t, Hash, std::equal_to<>> counts_;
  std::pair<const std::string, int64_t>* last_ = nullptr;  // neighbours are often equal
  size_t bytes_ = 0;
  int64_t shortest_ = -1, longest_ = -1;
  stats::DistinctCounter distinct_;
};

}  // namespace millrace::data
