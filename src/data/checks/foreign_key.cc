#include <fmt/format.h>

#include "data/checks/check_kind.h"
#include "data/rows/row_tests.h"

namespace millrace::data {
namespace {

std::string key_present(const Rule& rule, const ScanColumns& scan) {
  std::vector<std::string> parts;
  for (const auto& column : rule.columns) parts.push_back(scan.value(column) + " IS NOT NULL");
  return fmt::format("{}", fmt::join(parts, " AND "));
}

std::string violation(const Rule& rule, const ScanColumns& scan) {
  return fmt::format("({} AND {} IS NULL)", key_present(rule, scan), scan.found(rule));
}

std::vector<std::string> aggregates(const Rule& rule, const ScanColumns& scan) {
  return {fmt::format("count_if({})", violation(rule, scan)), fmt::format("count_if({})", key_present(rule, scan))};
}

// A row without a key refers to nothing: it is neither counted as missing nor in the share's base.
Outcome finish(const Rule& rule, const Integers& counts, const BatchFacts& facts) {
  BatchFacts with_key = facts;
  with_key.rows = counts[1].value_or(0);
  return finish_count(rule, counts, with_key);
}

class KeyFound final : public RowTest {
 public:
  KeyFound(std::vector<size_t> columns, std::shared_ptr<const KeySet> keys)
      : columns_(std::move(columns)), keys_(std::move(keys)) {}
  unsigned ask(Row row) const override {
    thread_local std::string key;
    key.clear();
    for (const size_t column : columns_) {
      if (row[column].is_missing()) return 0;
      append_key(row[column], key);
    }
    return keys_->has(key) ? 2 : 3;
  }
  size_t counts() const override { return 2; }

 private:
  std::vector<size_t> columns_;
  std::shared_ptr<const KeySet> keys_;
};

Result<std::unique_ptr<const RowTest>> row_test(const Rule& rule, const RowColumns& columns) {
  std::vector<size_t> key;
  for (const auto& column : rule.columns) key.push_back(columns.index(column));
  return std::unique_ptr<const RowTest>(
      std::make_unique<const KeyFound>(std::move(key), columns.references.at(rule.id)));
}

}  // namespace

CheckKind foreign_key() {
  return {
      .name = "foreign_key",
      .summary =
          "keys are found in another dataset; the share of rows with a key that is not found stays between two limits",
      .custom = true,
      .parameters = {{"columns", Parameter::Form::columns, true, "the key's columns here"},
                     {"reference", Parameter::Form::reference, true,
                      "{dataset, columns}: where the key is looked up; its newest accepted version"},
                     {"between", Parameter::Form::numbers, true, "lowest and highest share, 0 to 1, both allowed"}},
      .runs_on = {"duckdb", "spark", "row"},
      .by_slice = true,
      .aggregates = aggregates,
      .finish = finish,
      .violation = violation,
      .row_test = row_test};
}

}  // namespace millrace::data
