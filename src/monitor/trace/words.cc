#include "monitor/trace/words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace millrace::monitor {

std::string change_words(const std::string& node, const std::vector<std::string>& columns, const std::string& change) {
  const auto what = columns.empty() ? node : fmt::format("{} of {}", fmt::join(columns, ", "), node);
  if (change == "unit") return what + " came in another unit";
  if (change == "recode") return what + " came with another code";
  if (change == "missing") return what + " is missing more often";
  if (change == "default") return what + " holds a default in place of values";
  if (change == "stale") return node + " holds the rows of an earlier batch once more";
  if (change == "rows") return what + ": rows are gone, or came twice";
  if (change == "swap") return what + " changed places";
  if (change == "order") return what + " holds values of other rows";
  if (change == "time") return what + " tells another time";
  if (change == "precision") return what + " has fewer digits";
  return what + " shifted where the batch begins";
}

}  // namespace millrace::monitor
