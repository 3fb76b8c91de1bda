#include <fmt/format.h>
#include <re2/re2.h>

#include "data/checks/check_kind.h"
#include "data/rows/row_tests.h"

namespace millrace::data {
namespace {

std::string violation(const Rule& rule, const ScanColumns& scan) {
  return fmt::format("(NOT {})",
                     scan.dialect().contains(scan.value(rule.columns[0]), string_or(rule.parameters, "pattern", "")));
}

class Found final : public ValueTest {
 public:
  explicit Found(const std::string& pattern) : pattern_(pattern, re2::RE2::Quiet) {}
  bool ok() const { return pattern_.ok(); }
  bool breaks(const Cell& typed) const override {
    return typed.kind == Cell::Kind::text &&
           !re2::RE2::PartialMatch(re2::StringPiece(typed.text.data(), typed.text.size()), pattern_);
  }
  std::string message(const Cell&) const override {
    return fmt::format("the text does not match {}", pattern_.pattern());
  }

 private:
  re2::RE2 pattern_;
};

Result<std::unique_ptr<const ValueTest>> value_test(const Rule& rule, const RowColumns& columns) {
  const auto& property = columns.property(rule.columns[0]);
  if (property.type != LogicalType::string && property.type != LogicalType::any)
    return Error{Code::invalid,
                 fmt::format("a pattern is for texts; '{}' is {}", property.name, name_of(property.type))}
        .at(rule.where);
  const auto text = string_or(rule.parameters, "pattern", "");
  auto test = std::make_unique<const Found>(text);
  if (!test->ok()) return Error{Code::invalid, fmt::format("the pattern '{}' cannot be read", text)}.at(rule.where);
  return std::unique_ptr<const ValueTest>(std::move(test));
}

}  // namespace

CheckKind pattern() {
  return {.name = "pattern",
          .summary = "the pattern (RE2) is found in every text; anchor it with ^ and $ to match all of it",
          .runs_on = {"duckdb", "spark", "row"},
          .aggregates = count_violations,
          .finish = finish_count,
          .violation = violation,
          .value_test = value_test};
}

}  // namespace millrace::data
