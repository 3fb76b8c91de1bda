// The counts of one rule in each slice: each combination of values of the columns that its `by` names. Memory is
// bounded: by limits on the number of slices and on the bytes of their values.
#pragma once
#include <array>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/judgement.h"
#include "data/rows/cell.h"

namespace millrace::data {

inline constexpr size_t row_counts_most = 2;  // of a rule
using RowCounts = std::array<int64_t, row_counts_most>;

inline void add_bits(unsigned bits, RowCounts& counts) {
  for (size_t i = 0; i < row_counts_most; ++i) counts[i] += bits >> i & 1U;
}

class RowSlices {
 public:
  RowSlices(const Object& object, const Rule& rule);
  // False when there are too many slices.
  bool add(Row typed, unsigned bits);
  void judge(const CheckKind& kind, size_t counts, BatchFacts facts, Finding& finding) const;

 private:
  struct Slice {
    std::vector<Cell> values;
    std::vector<std::string> texts;  // of them, where they are texts
    int64_t rows = 0;
    RowCounts counts{};
  };
  bool begin(Row typed);

  const Object& object_;
  std::vector<size_t> columns_;
  std::unordered_map<std::string, Slice> slices_;
  Slice* last_ = nullptr;
  std::string key_, last_key_;
  size_t bytes_ = 0;
};

}  // namespace millrace::data
