// The row rules of a contract in C++, for rows that do not pass through SQL: requests to a model. Required, type,
// range, multiple, length, set and pattern give the same verdicts as the SQL executor; rules that need other rows,
// other tables or expressions are not in it, and neither are rules that only warn.
//
// Immutable after make(); check() is thread-safe and allocates only to describe a violation.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/contract.h"

namespace millrace::data {

struct Cell {
  enum class Kind { null, integer, number, text, boolean };
  Kind kind = Kind::null;
  int64_t integer = 0;
  double number = 0;
  bool boolean = false;
  std::string_view text;

  static Cell of(int64_t value) { return {.kind = Kind::integer, .integer = value}; }
  static Cell of(double value) { return {.kind = Kind::number, .number = value}; }
  static Cell of(std::string_view value) { return {.kind = Kind::text, .text = value}; }
  static Cell of_boolean(bool value) { return {.kind = Kind::boolean, .boolean = value}; }
};

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
  // request.
  static Result<RowGuard> make(const Contract& contract, std::string_view object);
  RowGuard(RowGuard&&) noexcept;
  RowGuard& operator=(RowGuard&&) noexcept;
  ~RowGuard();

  const std::vector<GuardField>& fields() const { return fields_; }
  std::optional<size_t> find(std::string_view name) const;  // number of a field
  std::optional<Violation> check(size_t field,
                                 const Cell& cell) const;  // field < fields().size(); the first rule that it breaks

 private:
  RowGuard();
  struct Rules;  // of one field
  std::vector<GuardField> fields_;
  std::vector<std::unique_ptr<Rules>> rules_;
};

}  // namespace millrace::data
