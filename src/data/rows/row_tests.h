// What the row executor asks of rows. Each kind of check that runs on "row" makes one of these of a rule, in its own
// file (data/checks/), and so means there what it means in SQL.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "data/condition.h"
#include "data/rows/cell.h"
#include "data/rows/evaluator.h"
#include "data/rows/key_set.h"
#include "data/rules.h"

namespace millrace::data {

struct BatchFacts;
struct Outcome;

// A rule that one value alone can break. Immutable and thread-safe; allocates only for a message.
class ValueTest {
 public:
  virtual ~ValueTest() = default;
  virtual bool breaks(const Cell& typed) const = 0;
  virtual std::string message(const Cell& typed) const = 0;  // of one that does: what is wrong, without the value
  // Of one that does: the nearest value that does not, in the same kind of cell. Nothing where nearness means nothing.
  virtual std::optional<Cell> nearest(const Cell& typed) const {
    (void)typed;
    return std::nullopt;
  }
};

// A rule about single rows that looks at several of their values. Immutable and thread-safe.
class RowTest {
 public:
  static constexpr unsigned kFailed = 1U << 31;  // it could not be computed: an integer beyond 64 bits

  virtual ~RowTest() = default;
  // What the row adds to the rule's counts: a bit each, in the order in which the kind's `finish` takes them. Of kinds
  // about rows the first says that the row breaks the rule.
  virtual unsigned ask(Row row) const = 0;
  virtual size_t counts() const { return 1; }
};

// A rule about all rows together, in fixed memory. For one thread.
class RowTally {
 public:
  virtual ~RowTally() = default;
  virtual void take(Row row) = 0;
  virtual Outcome outcome(const Rule& rule, const BatchFacts& facts) const = 0;
};

// The object as its rules see it while they are compiled.
class RowColumns {
 public:
  explicit RowColumns(const Object& object) : object_(object) {}

  const Property& property(const std::string& column) const { return *object_.find(column); }
  size_t index(const std::string& column) const;
  // A constant of the type of the rule's column, as the contract writes it; of texts it lies in `text`.
  Result<Cell> constant(const Rule& rule, const std::string& text) const;

  // The number of the rule's one column, which must hold dates or timestamps.
  Result<size_t> time_of(const Rule& rule) const;
  // A condition among the rule's parameters, compiled.
  Result<std::unique_ptr<const RowExpression>> condition(const Rule& rule, const char* parameter) const;

  // Of parameters of the form `condition`, by their text; they were read before.
  std::map<std::string, Term> conditions;
  std::map<std::string, std::shared_ptr<const KeySet>> references;  // by rule id: the keys that are there

 private:
  const Object& object_;
};

}  // namespace millrace::data
