// How many rows repeat a key, counted from hashes as the rows pass: a tenth of the memory of grouping them. Only rows
// whose hash stands again are compared, by a query.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/plan.h"
#include "data/profiles/batch_scan.h"
#include "data/profiles/key_counter.h"

namespace millrace::data {

class KeyScan {
 public:
  explicit KeyScan(const Plan& plan) : plan_(plan) {}
  // Rows in which a part of the key is missing do not count.
  void add(const std::string& rule, const std::vector<std::string>& columns, BatchScan& scan);
  // Rows after the first of their key. Nothing for a rule that was not added, and when there were too many keys or too
  // many of them stand again: the engine must group them. Once a rule.
  Result<std::optional<int64_t>> repeated(const std::string& rule);

 private:
  struct Key {
    std::string list, present, hash;  // SQL
    KeyCounter counter;
  };
  const Plan& plan_;
  std::map<std::string, Key> keys_;
};

}  // namespace millrace::data
