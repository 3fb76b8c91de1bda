#include "data/samples/value_codes.h"

#include <algorithm>
#include <numeric>

namespace millrace::data {

void sort_codes(std::vector<std::string>& texts, std::vector<int32_t>& codes, const std::vector<double>& numbers) {
  std::vector<int32_t> order(texts.size()), place(order.size());
  std::iota(order.begin(), order.end(), 0);
  std::vector<double> values(numbers.empty() ? 0 : order.size());
  for (size_t r = 0; r < numbers.size(); ++r)
    if (codes[r] >= 0) values[static_cast<size_t>(codes[r])] = numbers[r];
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return values.empty() ? texts[static_cast<size_t>(a)] < texts[static_cast<size_t>(b)]
                          : values[static_cast<size_t>(a)] < values[static_cast<size_t>(b)];
  });
  std::vector<std::string> sorted(texts.size());
  for (size_t i = 0; i < order.size(); ++i) {
    place[static_cast<size_t>(order[i])] = static_cast<int32_t>(i);
    sorted[i] = std::move(texts[static_cast<size_t>(order[i])]);
  }
  texts = std::move(sorted);
  for (auto& code : codes)
    if (code >= 0) code = place[static_cast<size_t>(code)];
}

uint64_t mixed(uint64_t hash, uint64_t value) {
  hash ^= value + 0x9E3779B97F4A7C15ULL + (hash << 6) + (hash >> 2);
  hash *= 0xFF51AFD7ED558CCDULL;
  return hash ^ (hash >> 33);
}

}  // namespace millrace::data
