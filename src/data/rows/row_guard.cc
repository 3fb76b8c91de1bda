#include "data/rows/row_guard.h"

#include <fmt/format.h>

#include "data/checks/check_kind.h"
#include "data/expression.h"
#include "data/rows/column_value.h"
#include "data/rows/row_tests.h"
#include "engine/engine.h"

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

// A condition that every row must hold.
bool is_condition(const Rule& rule) {
  return rule.kind == "expression" && rule.skipped.empty() && rule.on_fail != OnFail::warn &&
         !rule.parameters.contains("by") && rule.limit.high == 0.0 && !rule.limit.outside;
}

// Reads conditions with a session of DuckDB that is opened for the first one.
class ConditionReader {
 public:
  ConditionReader(engine::Engines* engines, const Object& object, RowColumns& columns)
      : engines_(engines), object_(object), columns_(columns) {}

  struct Read {
    std::string fields;  // that it is about
    std::unique_ptr<const RowTest> test;
  };
  Result<Read> read(const Rule& rule, const CheckKind& kind) {
    if (engines_ == nullptr) return Error{Code::unavailable, "there is no engine that reads conditions"};
    if (!session_) {
      MILLRACE_TRY(session_, engines_->open({.threads = 1, .memory_bytes = int64_t{64} << 20}));
    }
    const std::string text = string_or(rule.parameters, "expression", "");
    MILLRACE_TRY(const auto expression, check_expression(*session_, text, object_, rule.where));
    MILLRACE_TRY(auto term, read_term(expression.tree, object_, rule.where));
    columns_.conditions.emplace(text, std::move(term));
    MILLRACE_TRY(auto test, kind.row_test(rule, columns_));
    return Read{fmt::format("{}", fmt::join(rule.columns.empty() ? expression.columns : rule.columns, ", ")),
                std::move(test)};
  }

 private:
  engine::Engines* engines_;
  const Object& object_;
  RowColumns& columns_;
  std::unique_ptr<engine::Engine> session_;
};

}  // namespace

struct RowGuard::Condition {
  std::string id, field, text;
  std::unique_ptr<const RowTest> test;
};

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

Result<RowGuard> RowGuard::make(const Contract& contract, std::string_view object_name, engine::Engines* engines) {
  MILLRACE_TRY(const auto* object, contract.object(object_name));
  MILLRACE_TRY(const auto rules, rules_of(contract, *object));
  RowColumns columns(*object);
  ConditionReader reader(engines, *object, columns);
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
    if (kind != nullptr && is_condition(rule)) {
      auto test = reader.read(rule, *kind);
      if (!test) {
        guard.left_out_.push_back(fmt::format("{}: {}", rule.id, test.error().message()));
        continue;
      }
      guard.conditions_.push_back(std::make_unique<Condition>(Condition{
          rule.id, std::move(test->fields), string_or(rule.parameters, "expression", ""), std::move(test->test)}));
      continue;
    }
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

std::optional<Cell> RowGuard::nearest(size_t field, const Cell& given) const {
  const RowGuard::Rules& rules = *rules_[field];
  const Cell typed = rules.reader.read(given);
  for (const auto& [id, test] : rules.tests)
    if (test->breaks(typed)) return test->nearest(typed);
  return std::nullopt;
}

std::optional<Violation> RowGuard::check_row(Row raw, std::vector<Cell>& typed) const {
  typed.resize(raw.size());
  for (size_t i = 0; i < raw.size(); ++i) typed[i] = rules_[i]->reader.read(raw[i]);
  for (const auto& condition : conditions_) {
    const unsigned answer = condition->test->ask(typed);
    if (answer == 0) continue;
    return Violation{
        .field = condition->field,
        .rule = condition->id,
        .message = (answer & RowTest::kFailed) != 0
                       ? "the condition cannot be computed, an integer is beyond 64 bits: " + condition->text
                       : "the row breaks the condition " + condition->text,
        .value = "(row)"};
  }
  return std::nullopt;
}

}  // namespace millrace::data
