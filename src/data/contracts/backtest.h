// How often the rules of a contract would have fired on the stored history of a dataset: told from what every version
// keeps anyway, its findings and its profile, so that no old rows are read. A rule that neither tells (a new pattern or
// expression, a new key) is said to be undecided for that version, never taken for holding.
#pragma once
#include <string>
#include <vector>

#include "core/clock.h"
#include "data/contracts/contract.h"

namespace millrace::data {

struct PastVersion {
  std::string node;
  Json findings;              // findings.json of the version, with its profile
  bool under_before = false;  // it was checked by the contract `before`
  Micros from = 0, to = 0;    // its period; 0, 0 = none
  Micros recorded_at = 0;
};

// `before` (or null) is the contract that gave the stored findings their rules: a rule of `candidate` that asks the
// same as one of it is judged by its stored value under the new limit. Answers
//   {versions, months, rules: {ID: {kind, columns, decided, undecided, fired, by: {finding, profile}, share: [value,
//   low,
//    high], pages_a_month: [value, low, high] | null, fired_on: [NODE ...], why: "..."}}, any: {...}}
// with Wilson's 95 % intervals; pages are of rules that are not merely informative. Rules that are judged by the
// versions before are judged at each version as they would have been then. With anomaly rules there is `budget`:
// {rules, allowed_a_month, fired, judged, pages_a_month, verdict}, the alarms of all of them together over versions
// where any of them could judge; `verdict` is within or over where the interval shows it, else undecided. On a history
// that is known to be good these are false alarms.
Result<Json> backtest(const Contract& candidate, const Object& object, const Contract* before,
                      const std::vector<PastVersion>& versions);

}  // namespace millrace::data
