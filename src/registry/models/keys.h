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

// "WITH wanted (model, version) AS (VALUES (?, ?), ...) ": a table of its own, which a join then begins with (SQLite
// takes no index for pairs in an IN). Padded with what no version is, so that few different statements arise.
inline std::string wanted_keys(const std::vector<VersionKey>& keys, store::Values& values) {
  size_t count = 1;
  while (count < keys.size()) count *= 4;
  std::string out = "WITH wanted (model, version) AS (VALUES ";
  for (size_t i = 0; i < count; ++i) {
    out += i == 0 ? "(?, ?)" : ", (?, ?)";
    values.emplace_back(i < keys.size() ? keys[i].first : std::string());
    values.emplace_back(i < keys.size() ? keys[i].second : int64_t{0});
  }
  return out + ") ";
}

// The rows of table `t` of these versions; takes the workspace after the keys.
inline std::string of_wanted(std::string_view table) {
  return "wanted w CROSS JOIN " + std::string(table) +
         " t WHERE t.workspace = ? AND t.model = w.model AND t.version = w.version";
}

}  // namespace millrace::registry
