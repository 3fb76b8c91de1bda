// What a rule of review may name: values of a request and of its answer, one a row.
#pragma once
#include <optional>
#include <span>
#include <vector>

#include "data/contracts/contract.h"
#include "data/rows/cell.h"
#include "serve/cases/rules.h"
#include "serve/judge/observation.h"

namespace millrace::serve {

struct CaseColumn {
  enum class From : uint8_t { input, output, label_of_score };
  From from = From::input;
  size_t tensor = 0;              // index of the arm's inputs or outputs
  size_t offset = 0, stride = 1;  // elements
};

// As a contract's object, so that its conditions are read by the same reader; columns()[i] is properties[i].
class CaseColumns {
 public:
  static Result<CaseColumns> of(const CaseSubject& subject);

  const data::Object& object() const { return object_; }
  const std::vector<CaseColumn>& columns() const { return columns_; }
  std::vector<std::string> inputs() const;  // their names
  // Of one row; null where the answer does not have it.
  void fill(const CaseQuestion& question, size_t row, std::vector<data::Cell>& out) const;

 private:
  void add(std::string name, data::LogicalType type, CaseColumn column);
  Result<void> add_inputs(const CaseSubject& subject);
  void add_outputs(const CaseSubject& subject);

  data::Object object_;
  std::vector<CaseColumn> columns_;
  double threshold_ = 0;
};

}  // namespace millrace::serve
