#include <fmt/format.h>

#include "data/ci/ci.h"
#include "data/ci/words.h"

namespace millrace::data::ci {
namespace {

std::string test_case(const CheckReport& report, const Finding& finding) {
  const auto& rule = finding.rule;
  std::string out = fmt::format("    <testcase classname=\"{}.{}\" name=\"{}\" time=\"0\"", to_xml(report.contract_id),
                                to_xml(report.object), to_xml(rule.id));
  if (!rule.where.file.empty())
    out += fmt::format(" file=\"{}\" line=\"{}\"", to_xml(rule.where.file), rule.where.line);
  if (!rule.skipped.empty())
    return out + fmt::format(">\n      <skipped message=\"{}\"/>\n    </testcase>\n", to_xml(rule.skipped));
  if (finding.ok) return out + "/>\n";
  std::string rows;
  for (const auto& example : finding.examples) rows += example_text(example) + "\n";
  return out + fmt::format(">\n      <failure message=\"{}\" type=\"{}\">{}</failure>\n    </testcase>\n",
                           to_xml(rule.id + ": " + sentence(finding)), level_of(rule), to_xml(rows));
}

std::string suite(const CheckReport& report) {
  size_t failures = 0, skipped = 0;
  std::string cases;
  for (const auto& finding : report.findings) {
    failures += is_broken(finding);
    skipped += !finding.rule.skipped.empty();
    cases += test_case(report, finding);
  }
  return fmt::format(
      "  <testsuite name=\"{}.{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"0\">\n"
      "    <properties>\n      <property name=\"verdict\" value=\"{}\"/>\n      <property name=\"rows\" "
      "value=\"{}\"/>\n"
      "    </properties>\n{}  </testsuite>\n",
      to_xml(report.contract_id), to_xml(report.object), report.findings.size(), failures, skipped, report.verdict,
      report.rows, cases);
}

std::string error_suite(const Outcome& outcome) {
  const auto& error = *outcome.error;
  return fmt::format(
      "  <testsuite name=\"millrace check\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\" time=\"0\">\n"
      "    <testcase classname=\"{}\" name=\"the data can be checked\" time=\"0\">\n"
      "      <error message=\"{}\" type=\"{}\">{}</error>\n    </testcase>\n  </testsuite>\n",
      to_xml(outcome.contract), to_xml(error.message()), name_of(error.code()), to_xml(error.text()));
}

}  // namespace

std::string to_junit(const Outcome& outcome) {
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"millrace check\">\n";
  for (const auto& report : outcome.reports) out += suite(report);
  if (outcome.error) out += error_suite(outcome);
  return out + "</testsuites>\n";
}

}  // namespace millrace::data::ci
