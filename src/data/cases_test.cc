// Runs tests/cases/data/*.test. A case is a paragraph of lines, each a word and a text:
//   case       its name
//   document   a line of the whole contract; or
//   contract   a line of what stands below its one object `t`
//   rows       a line of the batch (CSV); `bytes` is the same with \n, \xHH and without a line end
//   ref NAME   a line of the reference NAME (CSV)
//   period     from and to
//   expect     what comes of it; MILLRACE_UPDATE_CASES=1 writes these lines anew
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "data/testing.h"

namespace millrace::data {
namespace {

struct Line {
  std::string word, text;
};
using Case = std::vector<Line>;

Line to_line(const std::string& raw) {
  const auto end = std::min(raw.find(' '), raw.size());
  const auto begin = std::min(raw.find_first_not_of(' ', end), std::min(raw.size(), size_t{11}));
  return {raw.substr(0, end), begin >= raw.size() ? "" : raw.substr(std::max(begin, end))};
}

std::vector<Case> read_cases(const std::string& path) {
  std::vector<Case> cases(1);
  std::ifstream in(path);
  for (std::string raw; std::getline(in, raw);) {
    if (raw.empty()) {
      if (!cases.back().empty()) cases.emplace_back();
    } else if (raw[0] == '#') {
      cases.back().push_back({"#", raw});
    } else {
      cases.back().push_back(to_line(raw));
    }
  }
  if (cases.back().empty()) cases.pop_back();
  return cases;
}

std::string unescape(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 >= text.size())
      out += text[i];
    else if (text[++i] == 'n')
      out += '\n';
    else if (text[i] == 'x')
      out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16)), i += 2;
    else
      out += text[i];
  }
  return out;
}

std::vector<std::string> describe(const CheckReport& report) {
  std::vector<std::string> out{fmt::format("{} rows {} accepted {} quarantined {}{}", report.verdict, report.rows,
                                           report.accepted, report.quarantined,
                                           report.dropped > 0 ? fmt::format(" dropped {}", report.dropped) : "")};
  for (const auto& finding : report.findings) {
    if (finding.rule.kind == "schema" && finding.ok) continue;
    std::string line = finding.rule.id;
    if (!finding.rule.skipped.empty())
      line += fmt::format(" skipped: {}", finding.rule.skipped);
    else {
      line += fmt::format(" {} {}", finding.value ? fmt::format("{:.6g}", *finding.value) : "-",
                          finding.ok ? "holds" : "FAILS");
      if (finding.about_rows) line += fmt::format(" rows {}", finding.failing);
      if (!finding.ok) line += " allowed " + to_text(finding.rule.limit.to_json());
      for (const auto& example : finding.examples)
        line += fmt::format(" [{}: {}]", to_text(example["row"]), to_text(example["values"]));
      if (!finding.note.empty()) line += " (" + finding.note + ")";
    }
    out.push_back(std::move(line));
  }
  return out;
}

std::vector<std::string> run_case(const Case& lines) {
  testing::Trial trial;
  std::string document, object, rows;
  std::map<std::string, std::string> references;
  for (const auto& [word, text] : lines) {
    if (word == "document") document += text + "\n";
    if (word == "contract") object += text + "\n";
    if (word == "rows") rows += text + "\n";
    if (word == "bytes") rows += unescape(text);
    if (word == "ref") references[text.substr(0, text.find(' '))] += text.substr(text.find(' ') + 1) + "\n";
    if (word == "period")
      trial.from = *parse_time(text.substr(0, text.find(' '))), trial.to = *parse_time(text.substr(text.find(' ') + 1));
  }
  for (const auto& [name, text] : references)
    trial.references[name] = {testing::write(trial.folder, name + ".csv", text)};
  const auto report = trial.run_text(document.empty() ? testing::contract_text(object) : document,
                                     testing::write(trial.folder, "rows.csv", rows));
  auto out =
      report ? describe(*report)
             : std::vector<std::string>{fmt::format("{}: {}", name_of(report.error().code()), report.error().text())};
  for (auto& line : out)
    for (size_t at; (at = line.find(trial.folder.path() + "/")) != std::string::npos;)
      line.erase(at, trial.folder.path().size() + 1);
  return out;
}

void rewrite(const std::string& path, const std::vector<std::pair<Case, std::vector<std::string>>>& results) {
  std::ofstream out(path);
  bool first = true;
  for (const auto& [lines, got] : results) {
    if (!first) out << "\n";
    first = false;
    for (const auto& [word, text] : lines) {
      if (word == "expect") continue;
      if (word == "#")
        out << text << "\n";
      else
        out << fmt::format("{:<10} {}", word, text) << "\n";
    }
    for (const auto& line : got) out << fmt::format("{:<10} {}", "expect", line) << "\n";
  }
}

TEST(Cases, every_file_of_tests_cases_data_gives_what_it_expects) {
  const auto folder = testing::source_root() + "/tests/cases/data";
  ASSERT_TRUE(exists(folder)) << "run the tests inside the source tree or set MILLRACE_SOURCE";
  size_t cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::vector<std::pair<Case, std::vector<std::string>>> results;
    for (auto& lines : read_cases(entry.path())) {
      std::vector<std::string> wanted;
      bool only_comment = true;
      for (const auto& [word, text] : lines) {
        if (word == "expect") wanted.push_back(text);
        only_comment = only_comment && word == "#";
      }
      auto got = only_comment ? std::vector<std::string>{} : run_case(lines);
      if (std::getenv("MILLRACE_UPDATE_CASES") == nullptr) {
        EXPECT_EQ(fmt::format("{}", fmt::join(got, "\n")), fmt::format("{}", fmt::join(wanted, "\n")))
            << entry.path() << ": " << lines[0].text;
      }
      results.emplace_back(std::move(lines), std::move(got));
      ++cases;
    }
    if (std::getenv("MILLRACE_UPDATE_CASES") != nullptr) rewrite(entry.path(), results);
  }
  EXPECT_GE(cases, 40u);
}

}  // namespace
}  // namespace millrace::data
