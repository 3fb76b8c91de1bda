#include "data/column_order.h"

#include <algorithm>
#include <cstdint>
#include <set>

namespace millrace::data {
namespace {

// The longest rising part of different numbers, by patience sorting.
std::vector<size_t> longest_rise(const std::vector<size_t>& numbers) {
  std::vector<size_t> tops;                              // of the piles: indices
  std::vector<size_t> before(numbers.size(), SIZE_MAX);  // in the rise that ends there
  for (size_t i = 0; i < numbers.size(); ++i) {
    const auto pile =
        std::lower_bound(tops.begin(), tops.end(), i, [&](size_t a, size_t b) { return numbers[a] < numbers[b]; });
    if (pile != tops.begin()) before[i] = *(pile - 1);
    if (pile == tops.end())
      tops.push_back(i);
    else
      *pile = i;
  }
  std::vector<size_t> out;
  for (size_t i = tops.empty() ? SIZE_MAX : tops.back(); i != SIZE_MAX; i = before[i]) out.push_back(numbers[i]);
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace

std::vector<std::string> moved_columns(const Object& object, std::span<const InputFile> files) {
  std::set<std::string> moved;
  for (const auto& file : files) {
    if (file.format == "jsonl") continue;
    std::vector<size_t> places;
    for (const auto& property : object.properties)
      if (file.find(property.source_name) != nullptr) places.push_back(file.index(property.source_name));
    const auto kept = longest_rise(places);
    for (const size_t place : places)
      if (!std::binary_search(kept.begin(), kept.end(), place)) moved.insert(file.columns[place].name);
  }
  return {moved.begin(), moved.end()};
}

}  // namespace millrace::data
