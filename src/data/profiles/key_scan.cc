#include "data/profiles/key_scan.h"

#include <fmt/format.h>

namespace millrace::data {

void KeyScan::add(const std::string& rule, const std::vector<std::string>& columns, BatchScan& scan) {
  auto& key = keys_[rule];
  for (const auto& column : columns) {
    const auto value = plan_.value(column);
    key.list += (key.list.empty() ? "" : ", ") + value;
    key.present += (key.present.empty() ? "" : " AND ") + value + " IS NOT NULL";
  }
  key.hash = plan_.scanner()->hash(key.list);
  scan.add(fmt::format("CASE WHEN {} THEN {} END", key.present, key.hash),
           [&counter = key.counter](const engine::ScanColumn& rows) {
             const auto hashes = rows.integers();
             for (size_t row = 0; row < hashes.size(); ++row)
               if (!rows.is_null(row)) counter.add(static_cast<uint64_t>(hashes[row]));
           });
}

Result<std::optional<int64_t>> KeyScan::repeated(const std::string& rule) {
  const auto found = keys_.find(rule);
  if (found == keys_.end()) return std::optional<int64_t>();
  auto& key = found->second;
  const auto hashes = key.counter.repeated();
  if (!hashes) return std::optional<int64_t>();
  if (hashes->empty()) return std::optional<int64_t>(0);
  MILLRACE_TRY(const auto rows,
               plan_.query(fmt::format("SELECT CAST(sum(millrace_rows - 1) AS BIGINT) FROM (SELECT count(*) AS "
                                       "millrace_rows FROM millrace_batch WHERE {} AND {} IN ({}) GROUP BY {})",
                                       key.present, key.hash, fmt::join(*hashes, ", "), key.list)));
  return std::optional<int64_t>(rows.is_null(0, 0) ? 0 : rows.integer(0, 0));
}

}  // namespace millrace::data
