// One pass over the rows of a batch for all who count in C++: each says which column it wants, in SQL over
// millrace_batch, and gets it some thousands of rows at a time.
#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/scan.h"

namespace millrace::data {

class BatchScan {
 public:
  using Take = std::function<void(const engine::ScanColumn&)>;
  void add(std::string sql, Take take) { columns_.emplace_back(std::move(sql), std::move(take)); }
  bool empty() const { return columns_.empty(); }
  std::string select() const;
  void take(std::span<const engine::ScanColumn> rows) const;

 private:
  std::vector<std::pair<std::string, Take>> columns_;
};

}  // namespace millrace::data
