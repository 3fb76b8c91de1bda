// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
#include <fmt/format.h>

#include "data/ci/ci.h"
#include "data/ci/words.h"

namespace millrace::data::ci {
namespace {

constexpr size_t kAnnotations = 50;  // GitHub shows ten of a level a step

std::string command(std::string_view level, const Where& where, const std::string& root, const std::string& title,
                    const std::string& message) {
  std::string out = fmt::format("::{} ", level == "note" ? "notice" : level);
  if (!where.file.empty()) out += fmt::format("file={},", to_property(below(where.file, root)));
  if (!where.file.empty() && where.line > 0) out += fmt::format("line={},", where.line);
  return out + fmt::format("title={}::{}", to_property(title), to_message(message));
}

}  // namespace

std::vector<std::string> to_annotations(const Outcome& outcome, const std::string& root) {
  std::vector<std::string> out;
  for (const auto& report : outcome.reports)
    for (const auto& finding : report.findings) {
      if (!is_broken(finding) || out.size() == kAnnotations) continue;
      const Where contract{.file = outcome.contract, .line = 1};
      std::string message = sentence(finding);
      for (const auto& example : finding.examples) message += "\n" + example_text(example);
      out.push_back(command(level_of(finding.rule), finding.rule.where.file.empty() ? contract : finding.rule.where,
                            root, report.object + "." + finding.rule.id, message));
    }
  if (outcome.error)
    out.push_back(command("error", outcome.error->where(), root, "millrace check", outcome.error->text()));
  return out;
}

}  // namespace millrace::data::ci
