// Names and versions as lists in statements: many at once, in pieces of a bounded size.
#pragma once
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "store/database.h"

namespace millrace::registry {

using VersionKey = std::pair<std::string, int64_t>;  // model, number

inline constexpr size_t kKeysAtOnce = 256;

// Calls `work` with at most kKeysAtOnce of the keys at a time.
template <class Key, class Work>
Result<void> in_pieces(const std::vector<Key>& keys, Work work) {
  for (size_t from = 0; from < keys.size(); from += kKeysAtOnce) {
    const auto begin = keys.begin() + static_cast<std::ptrdiff_t>(from);
    const auto end = keys.begin() + static_cast<std::ptrdiff_t>(std::min(keys.size(), from + kKeysAtOnce));
    MILLRACE_DO(work(std::vector<Key>(begin, end)));
  }
  return {};
}

// "VALUES (?, ?), ...": what stands in (model, version) IN (...). Not for none; padded with the last, so that few
// different statements arise.
inline std::string key_list(const std::vector<VersionKey>& keys, store::Values& values) {
  size_t count = 1;
  while (count < keys.size()) count *= 4;
  std::string out = "VALUES ";
  for (size_t i = 0; i < count; ++i) {
    const auto& key = keys[std::min(i, keys.size() - 1)];
    out += i == 0 ? "(?, ?)" : ", (?, ?)";
    values.emplace_back(key.first);
    values.emplace_back(key.second);
  }
  return out;
}

}  // namespace millrace::registry
