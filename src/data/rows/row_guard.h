// The rules of a contract that one value or one row can break, for requests to a model: the tests of the row executor
// (data/rows/row_tests.h), asked field by field, and the conditions between fields that no row may break, asked row by
// row. Rules that need other rows or other tables are not in it, and neither are rules that only warn.
//
// Immutable after make(); check() is thread-safe and allocates only to describe a violation.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/rows/cell.h"

namespace millrace::engine {
class Engines;
}

namespace millrace::data {

struct GuardField {
  std::string name;
  LogicalType type = LogicalType::any;
  std::string physical_type;
  bool required = false;
};

struct Violation {
  std::string field;
  std::string rule;     // its id, as in findings.json
  std::string message;  // "value 99 is above the maximum 12"
  std::string value;    // "(masked)" where the contract classifies the field
};

class RowGuard {
 public:
  // `object` as in Contract::object. unsupported: a date, time, object or array property cannot be a field of a
  // request. `engines` reads the conditions (DuckDB, and only where there are any); without it they are left out.
  static Result<RowGuard> make(const Contract& contract, std::string_view object, engine::Engines* engines = nullptr);
  RowGuard(RowGuard&&) noexcept;
  RowGuard& operator=(RowGuard&&) noexcept;
  ~RowGuard();

  const std::vector<GuardField>& fields() const { return fields_; }
  std::optional<size_t> find(std::string_view name) const;  // number of a field
  std::optional<Violation> check(size_t field,
                                 const Cell& cell) const;  // field < fields().size(); the first rule that it breaks
  // Of a cell that breaks a rule: the nearest value that this rule allows, if there is one.
  std::optional<Cell> nearest(size_t field, const Cell& cell) const;

  bool has_conditions() const { return !conditions_.empty(); }
  // The first condition that a row breaks. `raw` has a cell for each field, null for what the request does not carry;
  // `typed` is scratch.
  std::optional<Violation> check_row(Row raw, std::vector<Cell>& typed) const;
  const std::vector<std::string>& left_out() const { return left_out_; }  // conditions that are not asked, and why

 private:
  RowGuard();
  struct Rules;  // of one field
  std::vector<GuardField> fields_;
  std::vector<std::unique_ptr<Rules>> rules_;
  struct Condition;
  std::vector<std::unique_ptr<Condition>> conditions_;
  std::vector<std::string> left_out_;
};

}  // namespace millrace::data
