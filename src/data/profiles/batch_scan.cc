#include "data/profiles/batch_scan.h"

#include <fmt/format.h>

namespace millrace::data {

std::string BatchScan::select() const {
  std::string list;
  for (const auto& [sql, take] : columns_) list += fmt::format("{}{}", list.empty() ? "" : ", ", sql);
  return fmt::format("SELECT {} FROM millrace_batch", list);
}

void BatchScan::take(std::span<const engine::ScanColumn> rows) const {
  for (size_t i = 0; i < columns_.size(); ++i) columns_[i].second(rows[i]);
}

}  // namespace millrace::data
