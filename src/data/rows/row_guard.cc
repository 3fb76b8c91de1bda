#include "data/rows/row_guard.h"

#include <fmt/format.h>

#include "data/checks/check_kind.h"
#include "data/rows/column_value.h"
#include "data/rows/row_tests.h"

namespace millrace::data {
namespace {

constexpr size_t kShown = 200;

std::string to_text_of(const Cell& cell) {
  switch (cell.kind) {
    case Cell::Kind::null: return "null";
    case Cell::Kind::number: return fmt::format("{}", cell.number);
    case Cell::Kind::boolean: return cell.boolean ? "true" : "false";
    case Cell::Kind::text:
      return cell.text.size() > kShown ? std::string(cell.text.substr(0, kShown)) + "..." : std::string(cell.text);
    default: return cell.holds_integer() ? fmt::format("{}", cell.integer) : "";
  }
}

// A rate is about many rows.
bool guards(const Rule& rule, const CheckKind& kind) {
  return rule.skipped.empty() && rule.on_fail != OnFail::warn && kind.value_test != nullptr && !kind.custom;
}

}  // namespace

struct RowGuard::Rules {
  struct Test {
    std::string id;
    std::unique_ptr<const ValueTest> test;
  };
  bool masked = false;
  ColumnValue reader;
  std::vector<Test> tests;
};

RowGuard::RowGuard() = default;
RowGuard::RowGuard(RowGuard&&) noexcept = default;
RowGuard& RowGuard::operator=(RowGuard&&) noexcept = default;
RowGuard::~RowGuard() = default;

Result<RowGuard> RowGuard::make(const Contract& contract, std::string_view object_name) {
  MILLRACE_TRY(const auto* object, contract.object(object_name));
  MILLRACE_TRY(const auto rules, rules_of(contract, *object));
  const RowColumns columns(*object);
  RowGuard guard;
  for (const auto& property : object->properties) {
    if (property.type >= LogicalType::date)
      return Error{Code::unsupported,
                   fmt::format("'{}' is {}, which a request cannot carry", property.name, name_of(property.type))}
          .at(property.where)
          .hint("use string, integer, number or boolean");
    guard.fields_.push_back(
        {property.name, property.type, property.physical_type, property.required || property.primary_key});
    auto field = std::make_unique<RowGuard::Rules>();
    field->masked = property.is_masked();
    MILLRACE_TRY(field->reader, ColumnValue::make(property, TextMeans::text));
    guard.rules_.push_back(std::move(field));
  }
  for (const auto& rule : rules) {
    const auto* kind = find_check_kind(rule.kind);
    if (kind == nullptr || !guards(rule, *kind)) continue;
    MILLRACE_TRY(auto test, kind->value_test(rule, columns));
    guard.rules_[columns.index(rule.columns[0])]->tests.push_back({rule.id, std::move(test)});
  }
  return guard;
}

std::optional<size_t> RowGuard::find(std::string_view name) const {
  for (size_t i = 0; i < fields_.size(); ++i)
    if (fields_[i].name == name) return i;
  return std::nullopt;
}

std::optional<Violation> RowGuard::check(size_t field, const Cell& given) const {
  const RowGuard::Rules& rules = *rules_[field];
  const Cell typed = rules.reader.read(given);
  for (const auto& [id, test] : rules.tests)
    if (test->breaks(typed))
      return Violation{.field = fields_[field].name,
                       .rule = id,
                       .message = test->message(typed),
                       .value = rules.masked ? "(masked)" : to_text_of(given)};
  return std::nullopt;
}

}  // namespace millrace::data
