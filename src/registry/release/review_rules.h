// Which answers a person decides instead of the model: deployments.NAME.review of the project file.
//   review:
//     - {name: unsure, when: "score BETWEEN 0.45 AND 0.55 AND distance > 2000", flag: any, share: 0.1}
// What stands in one rule must all hold, for one row. A release keeps the rules that it was made under.
#pragma once
#include <string>
#include <vector>

#include "core/json.h"
#include "core/result.h"
#include "core/yaml.h"

namespace millrace::limits {

inline constexpr size_t review_rules = 20;               // of one deployment
inline constexpr size_t review_condition_bytes = 2'000;  // of one `when`

}  // namespace millrace::limits

namespace millrace::registry {

inline constexpr std::string_view kAnyFlag = "any";

struct ReviewRule {
  std::string name;  // "rule-N" where none is given
  std::string when;  // a condition over inputs and answer, in the language of contracts; "" = every row
  std::string flag;  // a field that the contract flagged, kAnyFlag, or "" = whether flagged or not
  double share = 1;  // of the units; who is in stays in
};

// `node` is the value of the key `review`. `invalid` with the place for unknown keys, names given twice, a rule that
// says nothing and values out of range. Columns are looked at when the release is tried.
Result<std::vector<ReviewRule>> read_review(const Yaml& node);

Json to_json(const std::vector<ReviewRule>& rules);
Result<std::vector<ReviewRule>> review_of_json(const Json& json);  // `corrupt` unless to_json() wrote it

}  // namespace millrace::registry
