#include <limits>

#include <fmt/format.h>

#include "core/codes/utf8.h"
#include "data/checks/check_kind.h"
#include "data/rows/row_tests.h"

namespace millrace::data {
namespace {

std::string violation(const Rule& rule, const ScanColumns& scan) {
  const auto& property = scan.property(rule.columns[0]);
  const auto length = scan.dialect().characters(scan.value(rule.columns[0]));
  std::vector<std::string> outside;
  if (property.min_length) outside.push_back(fmt::format("{} < {}", length, *property.min_length));
  if (property.max_length) outside.push_back(fmt::format("{} > {}", length, *property.max_length));
  return fmt::format("({})", fmt::join(outside, " OR "));
}

class Length final : public ValueTest {
 public:
  Length(std::optional<int64_t> least, std::optional<int64_t> most)
      : least_(least.value_or(0)), most_(most.value_or(std::numeric_limits<int64_t>::max())) {}
  bool breaks(const Cell& typed) const override {
    if (typed.kind != Cell::Kind::text) return false;
    // No text has more characters than bytes, and no fewer than a quarter of them.
    const auto bytes = static_cast<int64_t>(typed.text.size());
    if (bytes <= most_ && bytes / 4 >= least_) return false;
    const auto length = static_cast<int64_t>(count_characters(typed.text));
    return length < least_ || length > most_;
  }
  std::string message(const Cell& typed) const override {
    return fmt::format("the text has {} characters; allowed are {} to {}", count_characters(typed.text), least_,
                       most_ == std::numeric_limits<int64_t>::max() ? "any number" : fmt::format("{}", most_));
  }

 private:
  int64_t least_, most_;
};

Result<std::unique_ptr<const ValueTest>> value_test(const Rule& rule, const RowColumns& columns) {
  const auto& property = columns.property(rule.columns[0]);
  return std::unique_ptr<const ValueTest>(std::make_unique<const Length>(property.min_length, property.max_length));
}

}  // namespace

CheckKind length() {
  return {.name = "length",
          .summary = "every text has minLength to maxLength characters (Unicode code points)",
          .runs_on = {"duckdb", "spark", "row"},
          .aggregates = count_violations,
          .finish = finish_count,
          .violation = violation,
          .value_test = value_test};
}

}  // namespace millrace::data
