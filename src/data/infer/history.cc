// What a series of batches tells: how many rows come, and how fresh they are.
#include <cmath>

#include <fmt/format.h>

#include "data/infer/parts.h"
#include "stats/robust.h"

namespace millrace::data::infer {
namespace {

constexpr size_t kFewFiles = 3;
constexpr double kHour = 3'600e6;

void propose_volume(const std::vector<double>& rows, Proposals& object) {
  const auto [least, most] = std::minmax_element(rows.begin(), rows.end());
  const double room = std::max({*most - *least, 3 * stats::scaled_mad(rows), 0.1 * stats::median(rows)});
  const auto low = static_cast<int64_t>(std::max(1.0, std::floor(*least - room)));
  const auto high = static_cast<int64_t>(std::ceil(*most + room));
  const auto n = static_cast<int64_t>(rows.size());
  object.quality.push_back(custom_rule("volume", {{"metric", "row_count"}, {"between", {low, high}}},
                                       {1 - 2.0 / static_cast<double>(n + 1), n}));
}

// The newest time of each batch must lie after that of the batch before; then the longest wait says how old the newest
// row may be when the next batch is due.
void propose_freshness(const std::string& column, const std::vector<double>& newest, Proposals& object) {
  double longest = 0;
  for (size_t i = 1; i < newest.size(); ++i) longest = std::max(longest, newest[i] - newest[i - 1]);
  const auto hours = static_cast<int64_t>(std::ceil(1.5 * longest / kHour));
  const auto n = static_cast<int64_t>(newest.size());
  object.quality.push_back(custom_rule(
      "freshness",
      {{"metric", "freshness"}, {"column", column}, {"unit", "h"}, {"between", {-24, std::max<int64_t>(hours, 1)}}},
      {1 - 2.0 / static_cast<double>(n + 1), n}));
}

}  // namespace

Result<void> infer_history(const Batch& batch, Proposals& object) {
  if (batch.files < kFewFiles) return {};
  std::vector<std::string> times;
  std::string list;
  for (const auto& property : batch.object.properties) {
    if (property.type != LogicalType::timestamp && property.type != LogicalType::date) continue;
    times.push_back(property.name);
    list += fmt::format(", epoch_us(CAST(max({}) AS TIMESTAMP))", batch.value(property));
  }
  MILLRACE_TRY(const auto found,
               batch.plan.query(fmt::format("SELECT count(*){} FROM millrace_batch GROUP BY millrace_file ORDER BY "
                                            "millrace_file",
                                            list)));
  std::vector<double> rows;
  for (size_t file = 0; file < found.rows(); ++file) rows.push_back(static_cast<double>(found.integer(file, 0)));
  // A file without rows is in no group; so few rows can come, then.
  while (rows.size() < batch.files) rows.push_back(0);
  propose_volume(rows, object);
  for (size_t i = 0; i < times.size() && found.rows() == batch.files; ++i) {
    std::vector<double> newest;
    for (size_t file = 0; file < found.rows(); ++file)
      if (!found.is_null(file, i + 1) &&
          (newest.empty() || newest.back() < static_cast<double>(found.integer(file, i + 1))))
        newest.push_back(static_cast<double>(found.integer(file, i + 1)));
    if (newest.size() != batch.files) continue;
    propose_freshness(times[i], newest, object);
    break;
  }
  return {};
}

}  // namespace millrace::data::infer
