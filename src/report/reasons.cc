#include "report/reasons.h"

#include <cmath>

#include "report/words.h"

namespace millrace::report {
namespace {

// What the contract says of the rule, else the rule and its limit.
Json reason_of(const Json& finding, const Json& checks) {
  const auto rule = string_or(finding, "rule", ""), note = string_or(finding, "note", "");
  auto told = string_or(object_in(checks, rule), "description", "");
  const auto* limit = find(finding, "limit");
  const bool none_may = limit != nullptr && *limit == Json{{"between", {0.0, 0.0}}};
  if (told.empty() && none_may && std::isfinite(number_in(finding, "value")))
    told = counted(static_cast<int64_t>(number_in(finding, "value")), "row breaks", "rows break") + " " + rule;
  if (told.empty()) {
    told = rule + (limit == nullptr || limit->is_null() ? "" : " " + to_text(*limit));
    if (const double value = number_in(finding, "value"); std::isfinite(value)) told += ", found " + rounded(value);
  }
  return {{"rule", rule},
          {"column", finding.value("column", Json())},
          {"rows", finding.value("rows", Json())},
          {"value", finding.value("value", Json())},
          {"limit", finding.value("limit", Json())},
          {"text", note.empty() ? told : told + ": " + note}};
}

}  // namespace

Result<Json> reasons_of(const data::Datasets& datasets, const std::string& workspace,
                        const data::DatasetVersion& version) {
  MILLRACE_TRY(const auto findings, datasets.findings(workspace, version.dataset, version.version));
  Json out = Json::array();
  for (const auto& finding : list_in(findings, "alerts"))
    if (out.size() < kReasons) out.push_back(reason_of(finding, object_in(findings, "checks")));
  if (const auto reason = string_or(findings, "reason", ""); out.empty() && !reason.empty())
    out.push_back({{"rule", ""}, {"column", nullptr}, {"rows", nullptr}, {"text", reason}});
  return out;
}

}  // namespace millrace::report
