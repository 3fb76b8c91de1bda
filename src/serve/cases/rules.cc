#include "serve/cases/rules.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/yaml.h"
#include "data/condition.h"
#include "data/expression.h"
#include "data/rows/evaluator.h"
#include "engine/engine.h"
#include "serve/arms/assign.h"
#include "serve/cases/columns.h"

namespace millrace::serve {
namespace {

using registry::kAnyFlag;
using registry::ReviewRule;

struct Compiled {
  ReviewRule rule;
  std::string salt;
  std::unique_ptr<const data::RowExpression> when;  // null: every row
};

size_t rows_of(const CaseQuestion& question) {
  if (question.inputs.empty() || question.inputs[0].shape.rank() == 0) return 1;
  return static_cast<size_t>(question.inputs[0].shape[0]);
}

// More than are told may be flagged: then any row may be.
bool is_flagged(const CaseQuestion& question, const std::string& field, size_t row) {
  if (question.flagged > question.flags.size()) return true;
  return std::any_of(question.flags.begin(), question.flags.end(),
                     [&](const Flag& flag) { return flag.row == row && (field == kAnyFlag || flag.field == field); });
}

class Rules final : public CaseRules {
 public:
  Rules(CaseColumns columns, std::vector<Compiled> rules, std::vector<size_t> needs)
      : columns_(std::move(columns)), rules_(std::move(rules)), needs_(std::move(needs)) {}

  const std::vector<size_t>& needs() const override { return needs_; }

  std::optional<Case> find(const CaseQuestion& question) const override {
    for (const auto& each : rules_) {
      if (!is_drawn(each, question)) continue;
      Case held{.rule = each.rule.name, .rows = {}, .matched = 0};
      const size_t rows = rows_of(question);
      std::vector<data::Cell> cells;
      for (size_t row = 0; row < rows; ++row) {
        if (!holds(each, question, row, cells)) continue;
        if (held.rows.size() < kCaseRows) held.rows.push_back(static_cast<uint32_t>(row));
        ++held.matched;
      }
      if (held.matched > 0) return held;
    }
    return std::nullopt;
  }

 private:
  static bool is_drawn(const Compiled& each, const CaseQuestion& question) {
    if (each.rule.share >= 1) return true;
    return takes(each.rule.share, bucket_of(each.salt, question.unit.empty() ? question.prediction_id : question.unit));
  }
  bool holds(const Compiled& each, const CaseQuestion& question, size_t row, std::vector<data::Cell>& cells) const {
    if (!each.rule.flag.empty() && !is_flagged(question, each.rule.flag, row)) return false;
    if (!each.when) return true;
    columns_.fill(question, row, cells);
    bool failed = false;
    const auto answer = each.when->of(cells, failed);
    return failed || data::truth_of(answer) == data::Truth::yes;
  }

  const CaseColumns columns_;
  const std::vector<Compiled> rules_;
  const std::vector<size_t> needs_;
};

// Reads conditions with a session of DuckDB that is opened for the first one.
class Reader {
 public:
  Reader(const CaseSubject& subject, const CaseColumns& columns, engine::Engines& engines)
      : subject_(subject), columns_(columns), engines_(engines) {}

  Result<Compiled> read(const ReviewRule& rule, size_t number) {
    Compiled out{.rule = rule, .salt = fmt::format("{}:review:{}", subject_.salt, rule.name), .when = nullptr};
    const auto field = [&](std::string_view key) {
      return fmt::format("deployments.{}.review[{}].{}", subject_.deployment, number, key);
    };
    MILLRACE_DO(check_flag(rule, field("flag")));
    if (rule.when.empty()) return out;
    const Where where{.field = field("when")};
    if (!session_) {
      MILLRACE_TRY(session_, engines_.open({.threads = 1, .memory_bytes = int64_t{64} << 20}));
    }
    MILLRACE_TRY(const auto expression, data::check_expression(*session_, rule.when, columns_.object(), where));
    MILLRACE_TRY(const auto term, data::read_term(expression.tree, columns_.object(), where));
    data::Rule named;
    named.id = rule.name;
    named.kind = "expression";
    named.where = where;
    auto when = data::compile_condition(term, columns_.object(), named);
    if (!when) return std::move(when).error().hint("write one condition that compares values of one kind");
    out.when = std::move(*when);
    note(expression.columns);
    return out;
  }

  std::vector<size_t> needs() const { return needs_; }

 private:
  Result<void> check_flag(const ReviewRule& rule, const std::string& field) const {
    if (rule.flag.empty()) return {};
    if (subject_.contract.empty() || subject_.guard == GuardMode::reject)
      return Error{Code::invalid,
                   fmt::format("the rule '{}' waits for flags, and this deployment sets none", rule.name)}
          .at_field(field)
          .hint("write guard: clamp or guard: flag beside it; reject refuses what breaks the contract");
    const auto known = columns_.inputs();
    if (rule.flag == kAnyFlag || std::find(known.begin(), known.end(), rule.flag) != known.end()) return {};
    const auto near = did_you_mean(rule.flag, known);
    return Error{Code::invalid, fmt::format("the rule '{}' waits for a flag of '{}', which is no input", rule.name,
                                            rule.flag.substr(0, 100))}
        .at_field(field)
        .hint(near ? fmt::format("did you mean '{}'?", *near)
                   : fmt::format("any, or one of: {}", fmt::join(known, ", ")));
  }
  void note(const std::vector<std::string>& names) {
    for (const auto& name : names) {
      const auto at = columns_.object().find(name) - columns_.object().properties.data();
      const auto& column = columns_.columns()[static_cast<size_t>(at)];
      if (column.from == CaseColumn::From::input) continue;
      if (std::find(needs_.begin(), needs_.end(), column.tensor) == needs_.end()) needs_.push_back(column.tensor);
    }
  }

  const CaseSubject& subject_;
  const CaseColumns& columns_;
  engine::Engines& engines_;
  std::unique_ptr<engine::Engine> session_;
  std::vector<size_t> needs_;
};

}  // namespace

Result<std::shared_ptr<const CaseRules>> compile_cases(const std::vector<ReviewRule>& rules, const CaseSubject& subject,
                                                       engine::Engines& engines) {
  if (rules.empty()) return std::shared_ptr<const CaseRules>();
  MILLRACE_TRY(auto columns, CaseColumns::of(subject));
  Reader reader(subject, columns, engines);
  std::vector<Compiled> compiled;
  for (size_t i = 0; i < rules.size(); ++i) {
    auto one = reader.read(rules[i], i);
    if (!one) return std::move(one).error().while_doing(fmt::format("reading the rule of review '{}'", rules[i].name));
    compiled.push_back(std::move(*one));
  }
  auto needs = reader.needs();
  return std::shared_ptr<const CaseRules>(
      std::make_shared<Rules>(std::move(columns), std::move(compiled), std::move(needs)));
}

}  // namespace millrace::serve
