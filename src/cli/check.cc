#include <fmt/format.h>

#include "cli/host.h"
#include "core/files.h"
#include "data/check.h"

namespace millrace::cli {
namespace {

Result<Micros> time_of(const Invocation& in, const std::string& name) {
  if (!in.args.has(name)) return Micros{0};
  auto time = parse_time(in.args.get(name));
  if (!time) return std::move(time).error().at_field(name);
  return time;
}

Result<int> check(Invocation& in) {
  data::FileCheck what;
  what.contract = in.args.get("--contract");
  what.object = in.args.get("--object");
  for (const auto& file : in.args.all("--data")) what.files.push_back(absolute(file));
  for (const auto& pair : in.args.all("--ref")) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size())
      return Error{Code::invalid, "--ref takes NAME=FILE, not '" + pair + "'"};
    what.references[pair.substr(0, equals)].push_back(absolute(pair.substr(equals + 1)));
  }
  MILLRACE_TRY(what.period_from, time_of(in, "--from"));
  MILLRACE_TRY(what.period_to, time_of(in, "--to"));
  what.now = in.host.context().now();
  MILLRACE_TRY(const auto report, data::check_files(in.host.engines(), what));
  const auto findings = report.to_json();
  if (in.args.has("--out")) MILLRACE_DO(write_file(absolute(in.args.get("--out")), to_pretty(findings) + "\n", 0644));
  std::vector<std::vector<std::string>> rows{{"rule", "value", "ok", "limit"}};
  if (const auto* checks = find(findings, "checks"))
    for (const auto& [rule, found] : checks->items())
      rows.push_back({rule, found.contains("value") ? to_text(found["value"]) : "", verdict_word(found),
                      found.contains("limit") ? to_text(found["limit"]) : ""});
  in.show(findings,
          fmt::format("{}{}: {} rows, {} accepted, {} quarantined\n", table(rows), report.verdict,
                      with_commas(integer_or(findings, "rows", 0)), with_commas(integer_or(findings, "accepted", 0)),
                      with_commas(integer_or(findings, "quarantined", 0))));
  return report.passed() ? 0 : 1;
}

}  // namespace

std::vector<Command> check_commands() {
  return {
      {.name = "check",
       .summary = "check files against a contract, with no project; status 0 when it holds, 1 when it does not",
       .positionals = {},
       .options =
           {{.name = "--contract", .value = "FILE", .summary = "ODCS contract (*.odcs.yaml)", .required = true},
            {.name = "--data",
             .value = "FILE",
             .summary = "CSV or Parquet file; may be given several times",
             .required = true,
             .many = true},
            {.name = "--ref", .value = "NAME=FILE", .summary = "the dataset that a foreign key names", .many = true},
            {.name = "--from",
             .value = "TIME",
             .summary = "the data's period begins (freshness is judged against it, else against now)"},
            {.name = "--to", .value = "TIME", .summary = "and ends before"},
            {.name = "--object", .value = "NAME", .summary = "which of the contract's objects (when it has several)"},
            {.name = "--out", .value = "FILE", .summary = "write findings.json there"}},
       .run = check}};
}

}  // namespace millrace::cli
