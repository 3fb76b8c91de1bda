#include "cli/exchange/exchange_report.h"

#include <vector>

#include <fmt/format.h>

#include "cli/command.h"

namespace millrace::cli {
namespace {

std::string counts_table(const Json& report, const std::string& left, const std::string& right) {
  const bool dry = report.value("dry_run", false);
  std::vector<std::vector<std::string>> rows{{"what", left}};
  if (!dry) rows[0].insert(rows[0].end(), {right, ""});
  for (const auto& item : report.at("items")) {
    const auto source = integer_or(item, "source", 0);
    rows.push_back({string_or(item, "what", ""), with_commas(source)});
    if (dry) continue;
    const auto here = integer_or(item, "here", 0);
    rows.back().insert(rows.back().end(), {with_commas(here), source == here ? "equal" : "DIFFERENT"});
  }
  if (const auto* digest = find(report, "digest")) {
    const auto source = string_or(*digest, "source", ""), here = string_or(*digest, "here", "");
    rows.push_back({"digest", source.substr(0, 23), here.substr(0, 23), source == here ? "equal" : "DIFFERENT"});
  }
  return table(rows);
}

std::string complaints(const Json& report) {
  std::string out;
  for (const auto& text : report.at("left_out")) out += fmt::format("left out: {}\n", text.get<std::string>());
  for (const auto& one : report.at("refused"))
    out += fmt::format("refused: {} {}: {}\n", string_or(one, "kind", ""), string_or(one, "id", ""),
                       string_or(one, "why", ""));
  if (const auto& list = report.at("differences"); !list.empty())
    out += fmt::format("{} of them differ; the first: {} {}\n", integer_or(report, "difference_count", 0),
                       string_or(list[0], "kind", ""), string_or(list[0], "id", ""));
  return out;
}

}  // namespace

std::string exchange_lines(const Json& report, const std::string& left, const std::string& right) {
  return counts_table(report, left, right) + complaints(report);
}

}  // namespace millrace::cli
