// findings.json: the form in which a check's result leaves the program.
#include <algorithm>
#include <cmath>

#include "data/check.h"

namespace millrace::data {
namespace {

// Between 0 and 1, for the order of alerts: a rule that holds the batch first, then by how far the value lies outside.
double score_of(const Finding& finding, int64_t rows) {
  double score = 0;
  if (finding.value && std::isnan(*finding.value)) return finding.rule.rejects_batch() ? 1 : 0.5;
  if (finding.about_rows && rows > 0)
    score = static_cast<double>(finding.failing) / static_cast<double>(rows);
  else if (finding.value) {
    const auto& limit = finding.rule.limit;
    const double edge = limit.high && *finding.value > *limit.high ? *limit.high : limit.low.value_or(0);
    const double away = std::fabs(*finding.value - edge);
    score = away / (away + std::max(std::fabs(edge), 1.0));
  }
  if (!finding.ok && finding.rule.rejects_batch()) return 0.5 + std::min(score, 1.0) / 2;
  return std::min(score, 1.0) / 2;
}

Json check_json(const Finding& finding) {
  const auto& rule = finding.rule;
  Json out{{"kind", rule.kind},
           {"columns", rule.columns},
           {"unit", rule.unit},
           {"on_fail", name_of(rule.on_fail)},
           {"severity", name_of(rule.severity)}};
  if (!rule.skipped.empty()) {
    out["ok"] = nullptr;
    out["value"] = nullptr;
    out["skipped"] = rule.skipped;
  } else {
    out["ok"] = finding.ok;
    out["value"] = finding.value && std::isfinite(*finding.value) ? Json(*finding.value) : Json();
    out["limit"] = rule.limit.to_json();
    if (finding.value && *finding.value == std::floor(*finding.value) && std::fabs(*finding.value) < 9e15)
      out["value"] = static_cast<int64_t>(*finding.value);
  }
  if (finding.about_rows) out["rows"] = finding.failing;
  if (!finding.slices.empty()) out["slices"] = finding.slices;
  if (finding.of > 0) out["of"] = finding.of;
  if (finding.effect && std::isfinite(*finding.effect)) out["effect"] = *finding.effect;
  if (finding.p_value && std::isfinite(*finding.p_value)) out["p_value"] = *finding.p_value;
  if (finding.interval && std::isfinite(finding.interval->first) && std::isfinite(finding.interval->second))
    out["interval"] = {finding.interval->first, finding.interval->second};
  if (!finding.note.empty()) out["note"] = finding.note;
  if (!rule.dimension.empty()) out["dimension"] = rule.dimension;
  if (!rule.description.empty()) out["description"] = rule.description;
  if (rule.parameters.contains("name")) out["name"] = rule.parameters["name"];
  return out;
}

// The one slice in which it lies, or the worst of those that were judged.
Json slice_of(const Finding& finding) {
  if (!finding.slice.is_null() || finding.slices.empty()) return finding.slice;
  return finding.slices[0]["ok"].get<bool>() ? Json() : finding.slices[0]["slice"];
}

Json alert_json(const Finding& finding, double score) {
  const auto& rule = finding.rule;
  Json out{{"rule", rule.id},
           {"check", rule.kind},
           {"column", rule.columns.empty() ? Json() : Json(rule.columns[0])},
           {"columns", rule.columns},
           {"slice", slice_of(finding)},
           {"score", score},
           {"severity", name_of(rule.severity)},
           {"examples", finding.examples}};
  if (!finding.evidence.is_null()) out["evidence"] = finding.evidence;
  if (finding.effect && std::isfinite(*finding.effect)) out["effect"] = *finding.effect;
  if (finding.p_value && std::isfinite(*finding.p_value)) out["p_value"] = *finding.p_value;
  if (finding.value && std::isfinite(*finding.value)) out["value"] = *finding.value;
  if (finding.about_rows) out["rows"] = finding.failing;
  if (!finding.note.empty()) out["note"] = finding.note;
  out["limit"] = rule.limit.to_json();
  return out;
}

}  // namespace

Json CheckReport::to_json() const {
  Json checks = Json::object();
  std::vector<std::pair<double, const Finding*>> ordered;
  for (const auto& finding : findings) {
    checks[finding.rule.id] = check_json(finding);
    if (finding.rule.skipped.empty() && !finding.ok && finding.decides)
      ordered.emplace_back(finding.score ? *finding.score : score_of(finding, rows), &finding);
  }
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  Json alerts = Json::array();
  for (const auto& [score, finding] : ordered) alerts.push_back(alert_json(*finding, score));
  Json out{{"checks", checks},
           {"alerts", alerts},
           {"profile", profile.to_json()},
           {"rows", rows},
           {"accepted", accepted},
           {"quarantined", quarantined},
           {"dropped", dropped},
           {"verdict", verdict},
           {"engine", engine},
           {"object", object},
           {"contract", {{"id", contract_id}, {"version", contract_version}, {"digest", contract_digest}}}};
  if (!reason.empty()) out["reason"] = reason;
  return out;
}

}  // namespace millrace::data
