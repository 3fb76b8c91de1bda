// The rules of a contract that one value can break, for requests to a model: the tests of the row executor
// (data/rows/row_tests.h), asked field by field. Rules that need other rows, other tables or expressions are not in it,
// and neither are rules that only warn.
//
// Immutable after make(); check() is thread-safe and allocates only to describe a violation.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/rows/cell.h"

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
