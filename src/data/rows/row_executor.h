// The rules of one object over rows that pass one by one: each row is typed, asked, counted and forgotten. What is kept
// is bounded: counts, the first examples of each rule, the profile's counters, slices up to a limit. A row that breaks
// nothing costs no allocation. For one thread.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "data/judgement.h"
#include "data/rows/column_value.h"
#include "data/rows/row_profile.h"
#include "data/rows/row_slices.h"
#include "data/rows/row_tests.h"

namespace millrace::data {

// Where a property's values stand in the rows to come, and what texts there are.
struct RowColumn {
  size_t at = 0;
  TextMeans means = TextMeans::anything;
  bool shown_raw = true;    // examples show the value as it came
  bool shown_json = false;  // and as JSON writes it
};

class RowExecutor {
 public:
  // `object`, `rules` and what `request` points at must outlive it. `invalid` or `unsupported` at the rule for one that
  // cannot be compiled.
  static Result<RowExecutor> make(const CheckRequest& request, const Object& object, const std::vector<Rule>& rules,
                                  const RowColumns& columns);

  // The rows to come are of this file; one of `columns` for each property.
  Result<void> begin(std::string label, std::vector<RowColumn> columns);
  // An Error at the rule where a condition cannot be computed, or where there are too many slices.
  Result<void> take(Row raw);
  int64_t rows() const { return rows_; }

  // Ends it: findings, profile, verdict.
  void tell(const CheckRequest& request, const std::vector<Rule>& rules, CheckReport& report);

 private:
  struct Running {
    const Rule* rule = nullptr;
    const CheckKind* kind = nullptr;
    std::unique_ptr<const ValueTest> value;
    size_t column = 0;  // that `value` is about
    std::unique_ptr<const RowTest> row;
    std::unique_ptr<RowTally> tally;
    std::unique_ptr<RowSlices> slices;
    std::unique_ptr<KeySet> keys;  // that came before
    std::vector<size_t> key;       // its columns
    RowCounts counts{};
    Json examples = Json::array();

    bool is_about_rows() const { return kind->violation != nullptr; }
    size_t counted() const { return row == nullptr ? 1 : row->counts(); }
  };
  // What each row meets, packed for the processor's cache.
  struct ValueRule {
    const ValueTest* test;
    size_t column;
    size_t number;  // in rules_
  };

  RowExecutor(const CheckRequest& request, const Object& object);
  Result<void> ask_rows(Row raw);
  Result<bool> repeats(Running& rule);  // the row has a key that came before
  void note(Running& rule, Row raw);
  Json example(const Running& rule, Row raw) const;
  Json shown(size_t property, Row raw) const;
  Finding finding_of(const Running& rule, const BatchFacts& facts) const;

  const Object& object_;
  std::vector<Running> rules_;
  std::vector<ValueRule> values_;
  std::vector<size_t> others_;  // numbers of rules about several values, of all rows, or with slices
  std::unique_ptr<RowProfile> profile_;

  std::string key_;  // of the row at hand
  std::string label_;
  std::vector<RowColumn> columns_;
  std::vector<ColumnValue> readers_;
  std::vector<Cell> typed_;
  int64_t rows_ = 0, row_ = 0;  // in all, and in the file
  int64_t quarantined_ = 0, dropped_ = 0;
  bool quarantine_ = false, drop_ = false;  // the row at hand
};

}  // namespace millrace::data
