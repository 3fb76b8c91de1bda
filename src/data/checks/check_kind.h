// Kinds of checks. A kind is one file here and one line in list.inc; its descriptor is the only place where its name,
// parameters and their ranges stand: the contract reader, "did you mean" and docs/checks.md read them.
//
// A kind compiles a rule to SQL over one row scan: aggregates that answer integers, and for kinds about single rows the
// condition under which a row breaks the rule (NULL counts as false). A kind that one scan cannot answer adds queries
// of its own. What the answers mean is finished here, once, for every engine; what engines spell differently, the
// scan's dialect spells. For rows that pass one by one a kind makes a test in C++, beside its SQL.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/yaml.h"
#include "data/history.h"
#include "data/rules.h"
#include "engine/dialect.h"
#include "engine/table.h"

namespace millrace::data {

struct Profile;
class ValueTest;
class RowTest;
class RowTally;
class RowColumns;

struct Parameter {
  enum class Form { column, columns, text, condition, number, numbers, choice, reference };
  std::string_view name;
  Form form;
  bool required = false;
  std::string_view summary;
  std::vector<std::string> choices = {};
};

// The row scan as a kind sees it: SQL for a rule's columns. Queries that ask for no found() may read millrace_batch
// alone instead of relation(), which joins the references.
class ScanColumns {
 public:
  virtual ~ScanColumns() = default;
  virtual const engine::Dialect& dialect() const = 0;
  virtual std::string relation() const = 0;                        // FROM ...: one row of it is one row of the batch
  virtual std::string value(const std::string& column) const = 0;  // typed; NULL where missing or of a wrong type
  virtual std::string wrong_type(const std::string& column) const = 0;  // "FALSE" where it cannot be
  virtual const Property& property(const std::string& column) const = 0;
  // TRUE where the rule's key was found among the reference's (or the set's) values, NULL elsewhere.
  virtual std::string found(const Rule& rule) const = 0;
  // A condition out of a parameter of the form `condition`; the plan has checked it.
  virtual std::string condition(const std::string& text) const = 0;
};

// What is known of the batch beside the scan.
struct BatchFacts {
  int64_t rows = 0;
  Micros period_from = 0, period_to = 0;  // 0, 0 = none
  Micros now = 0;
  const Profile* profile = nullptr;             // of this batch; once the scan is done
  const History* history = nullptr;             // versions before
  size_t anomaly_rules = 1;                     // that share the budget of false alarms
  std::vector<std::string> moved_columns = {};  // out of the contract's order
};

// Sets up to this size are compared in place, longer ones are joined.
inline constexpr size_t set_inline_limit = 16;

using Integers = std::vector<std::optional<int64_t>>;

struct Outcome {
  std::optional<double> value;  // nothing: there was nothing to measure, the rule holds
  int64_t failing = 0;          // rows that break the rule, for kinds about rows
  std::string note;
  int64_t of = 0;  // rows (or versions) that it stands on; 0 = not told
  std::optional<double> effect, p_value;
  std::optional<std::pair<double, double>> interval;  // 95 %, of the value; an anomaly's: what is usual
};

struct CheckKind {
  std::string_view name, summary;
  bool custom = false;  // may stand in `implementation`
  std::vector<Parameter> parameters = {};
  std::vector<std::string_view> runs_on = {};
  size_t columns = 0;          // how many a rule has; 0 = as its parameters say
  bool of_numbers = false;     // they must be numbers
  std::string_view unit = {};  // of the value; empty = share, or as the rule says
  double highest = 0;          // without `between`: 0 to this is allowed
  bool by_history = false;     // it is judged by the profiles of versions before
  bool by_key = false;         // its columns are a key: counted are the rows that repeat one
  bool by_slice = false;       // its aggregates may be grouped: `by` names the columns
  std::vector<std::string> (*aggregates)(const Rule&, const ScanColumns&) = nullptr;
  Outcome (*finish)(const Rule&, const Integers&, const BatchFacts&) = nullptr;
  // What a rule needs beside the scan: SELECTs that run after it, in order, and what their answers mean. A rule that
  // has any is finished by `conclude` alone, one without by `finish`. Keys are asked for only where
  // data/profiles/key_scan.h cannot count them; its count goes to `finish`.
  std::vector<std::string> (*queries)(const Rule&, const ScanColumns&) = nullptr;
  Outcome (*conclude)(const Rule&, const std::vector<engine::Table>&, const BatchFacts&) = nullptr;
  std::string (*violation)(const Rule&, const ScanColumns&) = nullptr;  // nullptr: not about single rows
  // The same for rows that pass one by one (data/rows/row_tests.h); a kind that runs on "row" has one of them, or is
  // `by_key`. What tests count goes to `finish`.
  Result<std::unique_ptr<const ValueTest>> (*value_test)(const Rule&, const RowColumns&) = nullptr;
  Result<std::unique_ptr<const RowTest>> (*row_test)(const Rule&, const RowColumns&) = nullptr;
  Result<std::unique_ptr<RowTally>> (*row_tally)(const Rule&, const RowColumns&) = nullptr;
};

const std::vector<CheckKind>& check_kinds();              // sorted by name
const CheckKind* find_check_kind(std::string_view name);  // nullptr when unknown
bool is_by_history(const Rule& rule);
std::string describe_checks();  // docs/checks.md

// Checks the keys and values of a rule's `implementation` against its kind's descriptor.
Result<void> check_implementation(const Yaml& implementation);
// A regular expression that RE2 reads.
Result<void> check_pattern(const Yaml& node);

// For kinds about rows: one aggregate that counts them, and their number or share by the rule's unit.
std::vector<std::string> count_violations(const Rule& rule, const ScanColumns& columns);
Outcome finish_count(const Rule& rule, const Integers& counts, const BatchFacts& facts);
// A constant of the column's type, of a value as the contract writes it.
std::string literal(const ScanColumns& scan, const std::string& column, const Json& value);
std::string literal(const ScanColumns& scan, const std::string& column, const Bound& bound);

}  // namespace millrace::data
