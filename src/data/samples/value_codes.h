// Columns in memory as codes of their distinct values, and what else samples of rows need in several places.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace millrace::data {

// Every k-th, so that at most about `most` are left and sorting is cheap.
template <typename T>
std::vector<T> thinned(std::vector<T> values, size_t most) {
  const size_t step = values.size() / most + 1;
  size_t kept = 0;
  for (size_t i = 0; i < values.size(); i += step) values[kept++] = values[i];
  values.resize(kept);
  return values;
}

// Puts codes in the order of the values, so that nothing depends on the order of rows: of `numbers` by row, or of the
// texts when there are none. `codes` are places in `texts`, -1 is null.
void sort_codes(std::vector<std::string>& texts, std::vector<int32_t>& codes, const std::vector<double>& numbers);

uint64_t mixed(uint64_t hash, uint64_t value);  // the hash of a row, one value after the other

}  // namespace millrace::data
