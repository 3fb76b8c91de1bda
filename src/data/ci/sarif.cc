// https://docs.oasis-open.org/sarif/sarif/v2.1.0/
#include <fmt/format.h>

#include "core/hash.h"
#include "data/ci/ci.h"
#include "data/ci/words.h"

namespace millrace::data::ci {
namespace {

// The validator wants text; what is not UTF-8 was refused when it was read, but a path may be anything.
Json text(const std::string& words) { return Json{{"text", words}}; }

Json place(const std::string& path, int line, int column, const std::string& root) {
  Json out{{"artifactLocation", {{"uri", to_uri(path, root)}}}};
  if (line > 0) out["region"]["startLine"] = line;
  if (line > 0 && column > 0) out["region"]["startColumn"] = column;
  return Json{{"physicalLocation", out}};
}

Json rule_json(const CheckReport& report, const Finding& finding) {
  const auto& rule = finding.rule;
  Json out{{"id", report.object + "." + rule.id},
           {"name", rule.kind},
           {"shortDescription",
            text(rule.description.empty() ? fmt::format("{} of {}", rule.kind, report.object) : rule.description)},
           {"defaultConfiguration", {{"level", level_of(rule)}}}};
  if (!rule.dimension.empty()) out["properties"] = {{"tags", {rule.dimension}}};
  return out;
}

Json result_json(const CheckReport& report, const Finding& finding, size_t index, const std::string& contract,
                 const std::string& root) {
  const auto& rule = finding.rule;
  const auto id = report.object + "." + rule.id;
  const auto file = rule.where.file.empty() ? contract : rule.where.file;
  Json out{{"ruleId", id},
           {"ruleIndex", index},
           {"level", level_of(rule)},
           {"message", text(id + ": " + sentence(finding))},
           {"locations", {place(file, std::max(rule.where.line, 1), rule.where.column, root)}},
           {"partialFingerprints", {{"millraceRule/v1", digest_of(report.contract_id + "\n" + id).substr(7, 32)}}}};
  for (const auto& example : finding.examples) {
    auto row = place(string_or(example, "file", ""), static_cast<int>(integer_or(example, "row", 0)), 0, root);
    row["message"] = text(example_text(example));
    out["relatedLocations"].push_back(std::move(row));
  }
  return out;
}

Json notification(const Error& error, const std::string& root) {
  Json out{{"level", "error"},
           {"message", text(error.text())},
           {"descriptor", {{"id", std::string(name_of(error.code()))}}}};
  if (!error.where().file.empty())
    out["locations"] = {place(error.where().file, error.where().line, error.where().column, root)};
  return out;
}

}  // namespace

std::string to_sarif(const Outcome& outcome, const std::string& version, const std::string& root) {
  Json rules = Json::array(), results = Json::array();
  for (const auto& report : outcome.reports)
    for (const auto& finding : report.findings) {
      if (is_broken(finding)) results.push_back(result_json(report, finding, rules.size(), outcome.contract, root));
      rules.push_back(rule_json(report, finding));
    }
  Json invocation{{"executionSuccessful", !outcome.error.has_value()}};
  if (outcome.error) invocation["toolExecutionNotifications"] = {notification(*outcome.error, root)};
  const Json run{{"tool", {{"driver", {{"name", "millrace"}, {"version", version}, {"rules", rules}}}}},
                 {"columnKind", "unicodeCodePoints"},
                 {"invocations", {invocation}},
                 {"results", results}};
  return to_pretty(Json{
             {"$schema", "https://json.schemastore.org/sarif-2.1.0.json"}, {"version", "2.1.0"}, {"runs", {run}}}) +
         "\n";
}

}  // namespace millrace::data::ci
