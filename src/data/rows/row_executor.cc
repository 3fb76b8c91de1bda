#include "data/rows/row_executor.h"

#include <fmt/format.h>

#include "data/rows/cell_json.h"

namespace millrace::data {

RowExecutor::RowExecutor(const CheckRequest& request, const Object& object)
    : object_(object), typed_(object.properties.size()) {
  if (request.profile) profile_ = std::make_unique<RowProfile>(object, frozen_edges(object, request.profile_before));
}

Result<RowExecutor> RowExecutor::make(const CheckRequest& request, const Object& object, const std::vector<Rule>& rules,
                                      const RowColumns& columns) {
  RowExecutor out(request, object);
  for (const auto& rule : rules) {
    Running running{.rule = &rule, .kind = find_check_kind(rule.kind)};
    if (!rule.skipped.empty()) {
      out.rules_.push_back(std::move(running));
      continue;
    }
    const auto& kind = *running.kind;
    if (kind.by_key) {
      running.keys = std::make_unique<KeySet>();
      for (const auto& column : rule.columns) running.key.push_back(columns.index(column));
    } else if (kind.value_test != nullptr) {
      MILLRACE_TRY(running.value, kind.value_test(rule, columns));
      running.column = columns.index(rule.columns[0]);
    } else if (kind.row_test != nullptr) {
      MILLRACE_TRY(running.row, kind.row_test(rule, columns));
    } else {
      MILLRACE_TRY(running.tally, kind.row_tally(rule, columns));
    }
    const size_t number = out.rules_.size();
    const bool sliced = kind.by_slice && rule.parameters.contains("by");
    if (sliced) running.slices = std::make_unique<RowSlices>(object, rule);
    if (running.value != nullptr && !sliced)
      out.values_.push_back({running.value.get(), running.column, number});
    else
      out.others_.push_back(number);
    out.rules_.push_back(std::move(running));
  }
  return out;
}

Result<void> RowExecutor::begin(std::string label, std::vector<RowColumn> columns) {
  label_ = std::move(label);
  columns_ = std::move(columns);
  readers_.clear();
  for (size_t i = 0; i < columns_.size(); ++i) {
    MILLRACE_TRY(auto reader, ColumnValue::make(object_.properties[i], columns_[i].means));
    readers_.push_back(std::move(reader));
  }
  row_ = 0;
  return {};
}

Result<void> RowExecutor::take(Row raw) {
  ++rows_, ++row_;
  for (size_t i = 0; i < readers_.size(); ++i) typed_[i] = readers_[i].read(raw[columns_[i].at]);
  for (const auto& rule : values_)
    if (rule.test->breaks(typed_[rule.column])) note(rules_[rule.number], raw);
  if (!others_.empty()) MILLRACE_DO(ask_rows(raw));
  if (profile_ != nullptr) profile_->take(typed_);
  if (quarantine_) {
    ++quarantined_;
  } else if (drop_) {
    ++dropped_;
  }
  quarantine_ = drop_ = false;
  return {};
}

Result<void> RowExecutor::ask_rows(Row raw) {
  for (const size_t number : others_) {
    auto& rule = rules_[number];
    if (rule.tally != nullptr) {
      rule.tally->take(typed_);
      continue;
    }
    if (rule.keys != nullptr) {
      MILLRACE_TRY(const bool again, repeats(rule));
      if (again) note(rule, raw);
      continue;
    }
    const unsigned bits =
        rule.value != nullptr ? (rule.value->breaks(typed_[rule.column]) ? 1U : 0U) : rule.row->ask(typed_);
    if ((bits & RowTest::kFailed) != 0)
      return Error{Code::invalid,
                   fmt::format("the rule {} cannot be computed for row {} of {}: an integer is beyond 64 "
                               "bits",
                               rule.rule->id, row_, label_)}
          .at(rule.rule->where)
          .hint("compute with numbers that are no integers, e.g. * 1e0");
    if (rule.slices != nullptr && !rule.slices->add(typed_, bits)) return too_many_slices(*rule.rule);
    if (rule.is_about_rows() && (bits & 1U) != 0) {
      note(rule, raw);
      add_bits(bits & ~1U, rule.counts);
    } else {
      add_bits(bits, rule.counts);
    }
  }
  return {};
}

// All keys are kept: nothing less tells for certain that one is new.
Result<bool> RowExecutor::repeats(Running& rule) {
  key_.clear();
  for (const size_t column : rule.key) {
    if (typed_[column].is_missing()) return false;
    append_key(typed_[column], key_);
  }
  if (rule.keys->has(key_)) return true;
  if (rule.keys->add(key_)) return false;
  return Error{Code::too_large, fmt::format("the keys of the rule {} need more than {} MiB at row {} of {}",
                                            rule.rule->id, limits::row_key_bytes >> 20, row_, label_)}
      .at(rule.rule->where)
      .hint("check smaller batches, or with --engine duckdb, which needs an eighth of it");
}

// A broken rule: counted, shown if it is among the first, and what it does to the row.
void RowExecutor::note(Running& rule, Row raw) {
  ++rule.counts[0];
  if (rule.examples.size() < examples_shown) rule.examples.push_back(example(rule, raw));
  quarantine_ = quarantine_ || rule.rule->on_fail == OnFail::quarantine;
  drop_ = drop_ || rule.rule->on_fail == OnFail::drop;
}

Json RowExecutor::shown(size_t property, Row raw) const {
  const auto& column = columns_[property];
  const Cell& cell = column.shown_raw ? raw[column.at] : typed_[property];
  if (column.shown_json && cell.kind != Cell::Kind::null) return to_json_text(cell);
  return to_json(cell);
}

Json RowExecutor::example(const Running& rule, Row raw) const {
  Json values = Json::object();
  const auto show = [&](const Property& property) {
    const auto at = static_cast<size_t>(&property - object_.properties.data());
    values[property.name] = example_value(shown(at, raw), property.is_masked());
  };
  if (rule.rule->columns.empty())
    for (const auto& property : object_.properties) show(property);
  for (const auto& column : rule.rule->columns) show(*object_.find(column));
  return {{"file", label_}, {"row", row_}, {"values", std::move(values)}};
}

Finding RowExecutor::finding_of(const Running& rule, const BatchFacts& facts) const {
  if (!rule.rule->skipped.empty()) return Finding{.rule = *rule.rule};
  const Integers counts(rule.counts.begin(), rule.counts.begin() + static_cast<int64_t>(rule.counted()));
  Finding finding = judge(
      *rule.rule,
      rule.tally != nullptr ? rule.tally->outcome(*rule.rule, facts) : rule.kind->finish(*rule.rule, counts, facts),
      rows_);
  if (rule.slices != nullptr) rule.slices->judge(*rule.kind, rule.counted(), facts, finding);
  if (wants_examples(finding)) finding.examples = rule.examples;
  return finding;
}

void RowExecutor::tell(const CheckRequest& request, const std::vector<Rule>& rules, CheckReport& report) {
  report.rows = report.profile.rows = rows_;
  if (profile_ != nullptr) report.profile = profile_->profile(rows_);
  const auto facts = facts_of(request, report, rules);
  for (const auto& rule : rules_) report.findings.push_back(finding_of(rule, facts));
  if (is_rejected(report)) return;
  accept({.accepted = rows_ - quarantined_ - dropped_, .quarantined = quarantined_, .dropped = dropped_}, report);
}

}  // namespace millrace::data
