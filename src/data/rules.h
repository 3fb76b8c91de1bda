// The rules of one object of a contract in the form that plans are compiled from: written rules and those that follow
// from the schema (required, type, range ...), each with an id, a limit and what happens when it fails.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/json.h"
#include "data/contracts/contract.h"

namespace millrace::data {

struct Rule {
  std::string id;
  std::string kind;  // of checks/list.inc
  std::vector<std::string> columns;
  Json parameters = Json::object();
  Limit limit;
  std::string unit;  // rows, percent, share, rows per day, s, m, h, d
  Severity severity = Severity::none;
  OnFail on_fail =
      OnFail::warn;  // never `inherit`. quarantine and drop act on rows, fail on the batch when the limit does not hold
  std::string dimension, description;
  std::string skipped;  // not empty: it is not run, and why
  Where where;

  bool acts_on_rows() const { return on_fail == OnFail::quarantine || on_fail == OnFail::drop; }
  // With severity error a limit that does not hold rejects the batch, whatever happens to single rows.
  bool rejects_batch() const { return on_fail == OnFail::fail || severity == Severity::error; }
};

// In the order of the columns, then of the object's own rules. Ids are unique: repeated ones get -2, -3 ...
Result<std::vector<Rule>> rules_of(const Contract& contract, const Object& object);

// The datasets that foreign keys of these rules lead to, by name; each with the columns that they need.
std::map<std::string, std::vector<std::string>> references_of(const std::vector<Rule>& rules);

}  // namespace millrace::data
