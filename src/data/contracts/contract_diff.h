// What a new version of a contract changes, and for whom it breaks.
//
// Readers rely on what the contract promises of the data: for them a promise that falls or widens breaks (a column that
// goes, a range that grows, a value that may now be missing). Writers have to keep what it demands: for them a demand
// that is new or narrower breaks. Where it is not plain which of the two a change is (a pattern, an expression, a
// unit), it breaks both.
#pragma once
#include <string>
#include <vector>

#include "data/contracts/contract.h"

namespace millrace::data {

struct ContractChange {
  std::string what;  // column.removed, column.renamed, column.type, range, set, required, rule.added ...
  std::string object, column, rule;
  std::string before, after;
  std::string text;  // one sentence
  bool breaks_readers = false, breaks_writers = false;

  bool breaks() const { return breaks_readers || breaks_writers; }
};

struct ContractDiff {
  std::vector<ContractChange> changes;  // in the order of the old contract

  bool breaks() const;
  Json to_json() const;  // {verdict: same | compatible | breaking, readers, writers, changes}
};

Result<ContractDiff> compare_contracts(const Contract& before, const Contract& after);

}  // namespace millrace::data
