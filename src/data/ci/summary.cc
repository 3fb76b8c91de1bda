#include <fmt/format.h>

#include "data/ci/ci.h"
#include "data/ci/words.h"

namespace millrace::data::ci {
namespace {

constexpr size_t kRules = 100;  // a step's summary on GitHub holds a megabyte

std::string heading(const CheckReport& report) {
  return fmt::format(
      "### {} {} of {}: {}\n\n{} rows, {} accepted, {} quarantined, {} dropped{}\n\n", report.passed() ? "✅" : "❌",
      to_markdown(report.object), to_markdown(report.contract_id + " " + report.contract_version),
      report.passed() ? "the contract holds" : "the contract is broken", report.rows, report.accepted,
      report.quarantined, report.dropped, report.reason.empty() ? "" : "; rejected: " + to_markdown(report.reason));
}

std::string broken_rules(const CheckReport& report) {
  size_t broken = 0, skipped = 0;
  std::string lines, rows;
  for (const auto& finding : report.findings) {
    skipped += !finding.rule.skipped.empty();
    if (!is_broken(finding) || ++broken > kRules) continue;
    lines += fmt::format("| {} | {} | {} | {}:{} |\n", to_markdown(finding.rule.id), level_of(finding.rule),
                         to_markdown(sentence(finding)), to_markdown(finding.rule.where.file), finding.rule.where.line);
    for (const auto& example : finding.examples)
      rows += fmt::format("| {} | {} |\n", to_markdown(finding.rule.id), to_markdown(example_text(example)));
  }
  std::string out;
  if (broken > 0) out += "| rule | level | found | contract |\n|---|---|---|---|\n" + lines + "\n";
  if (broken > kRules) out += fmt::format("and {} more rules.\n\n", broken - kRules);
  if (!rows.empty())
    out +=
        "<details><summary>rows that break them</summary>\n\n| rule | row |\n|---|---|\n" + rows + "\n</details>\n\n";
  out += fmt::format("{} of {} rules hold{}.\n\n", report.findings.size() - broken - skipped,
                     report.findings.size() - skipped, skipped > 0 ? fmt::format(", {} were not run", skipped) : "");
  return out;
}

}  // namespace

std::string to_summary(const Outcome& outcome) {
  std::string out = "## millrace check\n\n";
  for (const auto& report : outcome.reports) out += heading(report) + broken_rules(report);
  if (outcome.error)
    out += fmt::format("### ❌ {}\n\n{}\n\n", to_markdown(outcome.contract), to_markdown(outcome.error->text()));
  return out;
}

}  // namespace millrace::data::ci
