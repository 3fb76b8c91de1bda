// Parts the rows of millrace_batch by the rules that act on rows: accepted, quarantined with reasons, dropped.
#pragma once
#include <string>
#include <vector>

#include "data/plan.h"

namespace millrace::data {

struct Split {
  int64_t accepted = 0, quarantined = 0, dropped = 0;
  std::string accepted_file, quarantine_file;  // "" = not written
};

class RowSplit {
 public:
  // `rules` are those of the plan; only those that act on rows count.
  RowSplit(const Plan& plan, const Object& object, const std::vector<Rule>& rules);

  Result<Split> count(int64_t rows) const;
  // accepted.parquet: the properties, typed. quarantine.parquet: millrace_file, millrace_row, millrace_reasons (rule
  // ids), then the values as they came; not written when no row is set aside. Both in the batch's order, byte for byte
  // the same for the same batch.
  Result<Split> write(int64_t rows, const std::string& folder) const;

 private:
  std::string reasons(OnFail on_fail) const;  // SQL: a list of the ids of broken rules, empty when none
  std::string flagged() const;                // SELECT of the batch with millrace_quarantine, millrace_drop

  const Plan& plan_;
  const Object& object_;
  std::vector<const Rule*> rules_;
};

}  // namespace millrace::data
