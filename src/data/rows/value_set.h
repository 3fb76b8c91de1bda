// The values that a rule lists, as values of its column. Immutable and thread-safe.
#pragma once
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "data/rows/row_tests.h"

namespace millrace::data {

class ValueSet {
 public:
  // `values` is a list; null is none. An Error at the rule for what is no value of its column.
  static Result<ValueSet> make(const Rule& rule, const RowColumns& columns, const Json& values);

  bool empty() const { return size_ == 0; }
  bool has(const Cell& typed) const;
  const std::string& shown() const { return shown_; }  // for people; long ones are cut

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  void add(const Cell& value);

  std::vector<std::string> few_;  // texts, while they are few: comparing is faster than hashing
  std::unordered_set<std::string, Hash, std::equal_to<>> texts_;
  std::unordered_set<int64_t> integers_;  // and times
  std::unordered_set<double> numbers_;
  size_t size_ = 0;
  bool nan_ = false, yes_ = false, no_ = false;
  std::string shown_;
};

}  // namespace millrace::data
