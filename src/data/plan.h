// A contract's object over the files of one batch, compiled: which columns come from where, how they are typed, which
// references are joined. The batch becomes the SQL relation `millrace_batch` of the session: a view over Parquet, a
// temporary table of CSV (text is parsed once).
//
// Its columns: the properties by name, typed; millrace_file (index of the file), millrace_row (from 1); for properties
// whose values can be of a wrong type millrace_raw_N, the value as it came.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "data/checks/check_kind.h"
#include "data/condition.h"
#include "data/inputs/input.h"
#include "data/profiles/batch_scan.h"
#include "data/rules.h"
#include "engine/engine.h"

namespace millrace::data {

// What keeps the whole batch from being read under the contract.
struct SchemaProblem {
  std::string rule;  // schema.columns or schema.type
  std::string column;
  std::string message;
};

// The conditions that rules are written with, each with its rule.
std::vector<std::pair<const Rule*, std::string>> conditions_of(const std::vector<Rule>& rules);

class Plan final : public ScanColumns {
 public:
  // The sessions must outlive the plan. One plan a session at a time. `parser` is a DuckDB session, which reads the
  // conditions of rules: the same one, or one of its own where another engine computes.
  Plan(engine::Engine& session, engine::Engine& parser, const Object& object, const std::vector<Rule>& rules);

  // What is known of the files and where copies of them go; must outlive the plan. nullptr = nothing, no copies.
  void read_with(Inputs* inputs) { inputs_ = inputs; }
  // `names` are what errors call the files; empty = their paths. Reads the headers and compares them with the
  // properties. Problems make the batch unreadable; then nothing else may be called.
  Result<std::vector<SchemaProblem>> match(const std::vector<std::string>& files,
                                           const std::vector<std::string>& names);
  // The same for columns that are known otherwise, and belong to no file that SQL reads.
  Result<std::vector<SchemaProblem>> match_file(const InputFile& file);
  // Makes a table of the keys that a rule looks up, millrace_k0 ..., none NULL and each once; answers its name.
  Result<std::string> make_reference(const Rule& rule,
                                     const std::map<std::string, std::vector<std::string>>& references);
  // Checks the conditions of rules, reads the references and makes millrace_batch.
  Result<void> prepare(const std::map<std::string, std::vector<std::string>>& references);

  std::string raw(const std::string& column) const;  // the value as it came
  bool may_be_wrong(const std::string& column) const;
  const std::vector<InputFile>& files() const { return files_; }
  Result<engine::Table> query(const std::string& sql) const;  // errors of reading are errors of the files
  Result<int64_t> execute(const std::string& sql) const;
  engine::Scanner* scanner() const { return engine::scanner_of(session_); }  // nullptr: rows are elsewhere
  Result<void> scan(const BatchScan& rows) const;  // nothing for an empty one; else the plan has a scanner

  const engine::Dialect& dialect() const override { return session_.dialect(); }
  std::string relation() const override;  // the batch with its joins
  std::string value(const std::string& column) const override;
  std::string wrong_type(const std::string& column) const override;
  const Property& property(const std::string& column) const override;
  std::string found(const Rule& rule) const override;
  std::string condition(const std::string& text) const override;

 private:
  struct Join {
    std::string table, condition;
  };
  void name_columns(const std::string& path);
  Result<void> add_reference(const Rule& rule, const std::map<std::string, std::vector<std::string>>& references);
  Result<void> add_set(const Rule& rule);
  Result<void> name_batch();
  Result<void> read_conditions();
  Result<void> check_condition(const Rule& rule, const std::string& text) const;
  Result<std::string> select_batch() const;

  engine::Engine& session_;
  engine::Engine& parser_;
  const Object& object_;
  const std::vector<Rule>& rules_;
  Inputs* inputs_ = nullptr;
  std::vector<InputFile> files_;
  std::map<std::string, size_t> wrong_;  // properties that can be of a wrong type: number of their raw column
  size_t tables_ = 0;                    // of references and sets
  std::map<std::string, Join> joins_;    // by rule id
  std::map<std::string, Term> terms_;    // by text; empty where the engine reads the text itself
};

}  // namespace millrace::data
