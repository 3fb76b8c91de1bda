// Keys in memory: those of a reference, for foreign keys on a stream (filled once, then thread-safe), and those that a
// stream had before.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "core/result.h"
#include "data/rows/cell.h"

namespace millrace::limits {

inline constexpr size_t row_key_bytes = 256 << 20;  // of one reference, or of one unique key, on the row engine

}  // namespace millrace::limits

namespace millrace::data {

// Appends a part of a key: the same bytes for equal values only, whatever follows.
void append_key(const Cell& part, std::string& out);

class KeySet {
 public:
  // False, and the key is not kept, when they would become more than limits::row_key_bytes.
  bool add(std::string_view encoded);
  bool has(std::string_view encoded) const { return keys_.find(encoded) != keys_.end(); }
  size_t size() const { return keys_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_set<std::string, Hash, std::equal_to<>> keys_;
  size_t bytes_ = 0;
};

}  // namespace millrace::data
