#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "cli/ci_outputs.h"
#include "cli/host.h"
#include "core/files.h"
#include "data/check.h"
#include "data/rows/byte_source.h"

namespace millrace::cli {
namespace {

Result<Micros> time_of(const Invocation& in, const std::string& name) {
  if (!in.args.has(name)) return Micros{0};
  auto time = parse_time(in.args.get(name));
  if (!time) return std::move(time).error().at_field(name);
  return time;
}

bool passed(const std::vector<data::CheckReport>& reports) {
  return std::all_of(reports.begin(), reports.end(), [](const auto& report) { return report.passed(); });
}

std::string lines_of(const std::vector<data::CheckReport>& reports) {
  std::string out;
  for (const auto& report : reports) {
    const auto findings = report.to_json();
    std::vector<std::vector<std::string>> rows{{"rule", "value", "ok", "limit"}};
    if (const auto* checks = find(findings, "checks"))
      for (const auto& [rule, found] : checks->items())
        rows.push_back({rule, found.contains("value") ? to_text(found["value"]) : "", verdict_word(found),
                        found.contains("limit") ? to_text(found["limit"]) : ""});
    std::string notes;
    for (const auto& finding : report.findings)
      if (finding.rule.skipped.empty() && !finding.ok && !finding.note.empty())
        notes += fmt::format("  {}: {}\n", finding.rule.id, finding.note);
    out += fmt::format("{}{}{}{}: {} rows, {} accepted, {} quarantined\n", table(rows), notes,
                       reports.size() > 1 ? report.object + ": " : "", report.verdict,
                       with_commas(integer_or(findings, "rows", 0)), with_commas(integer_or(findings, "accepted", 0)),
                       with_commas(integer_or(findings, "quarantined", 0)));
  }
  return out;
}

// nullptr: DuckDB computes, or the row executor.
Result<std::unique_ptr<engine::Engines>> spark_of(const Invocation& in) {
  const auto engine = in.args.get("--engine");
  if (engine != "" && engine != "duckdb" && engine != "spark" && engine != "row")
    return Error{Code::invalid, "unknown engine '" + engine + "'"}.at_field("--engine").hint("duckdb, spark or row");
  if (engine == "spark") return in.host.spark(in.args.get("--spark"));
  if (in.args.has("--spark"))
    return Error{Code::invalid,
                 fmt::format("--spark names a server, and the engine is {}", engine.empty() ? "duckdb" : engine)}
        .hint("add --engine spark");
  return std::unique_ptr<engine::Engines>();
}

Result<int> check(Invocation& in) {
  data::FileCheck what;
  what.contract = in.args.get("--contract");
  what.object = in.args.get("--object");
  what.server = in.args.get("--server");
  what.data = in.args.all("--data");
  const auto& more = in.args.all("PLACE");
  what.data.insert(what.data.end(), more.begin(), more.end());
  what.reference = in.args.all("--reference");
  if (what.data.empty()) return Error{Code::invalid, "there is nothing to check"}.hint("name the data: --data FILE");
  for (const auto& pair : in.args.all("--ref")) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == pair.size())
      return Error{Code::invalid, "--ref takes NAME=FILE, not '" + pair + "'"};
    what.references[pair.substr(0, equals)].push_back(pair.substr(equals + 1));
  }
  for (const char* name : {"format", "encoding", "delimiter", "quote", "escape", "header"})
    if (const auto option = fmt::format("--{}", name); in.args.has(option)) what.reading[name] = in.args.get(option);
  MILLRACE_TRY(what.period_from, time_of(in, "--from"));
  MILLRACE_TRY(what.period_to, time_of(in, "--to"));
  what.now = in.host.context().now();
  what.profile = !in.args.has("--no-profile");
  MILLRACE_TRY(const auto spark, spark_of(in));
  what.computed_by = spark.get();
  what.row_by_row = in.args.get("--engine") == "row";
  data::DescriptorReader standard_input(STDIN_FILENO, "standard input");
  what.standard_input = &standard_input;
  auto checked = data::check_files(in.host.engines(), what);
  data::ci::Outcome outcome{.contract = what.contract, .reports = {}, .error = {}};
  if (checked)
    outcome.reports = std::move(*checked);
  else
    outcome.error = checked.error();
  MILLRACE_DO(write_ci_outputs(in, outcome));
  if (outcome.error) return *outcome.error;
  const auto findings = data::to_json(outcome.reports);
  if (in.args.has("--out")) MILLRACE_DO(write_file(absolute(in.args.get("--out")), to_pretty(findings) + "\n", 0644));
  in.show(findings, guard_of(in, lines_of(outcome.reports)));
  return passed(outcome.reports) ? 0 : 1;
}

}  // namespace

std::vector<Command> check_commands() {
  Command command{
      .name = "check",
      .summary =
          "check data against a contract, with no project; status 0 when it holds, 1 when it does not, 3 when a file "
          "is missing, 7 when one cannot be read",
      .positionals = {{"PLACE", "the same as --data", false, true}},
      .options =
          {{.name = "--contract", .value = "FILE", .summary = "ODCS contract (*.odcs.yaml)"},
           {.name = "--reference",
            .value = "[NAME=]PLACE",
            .summary = "data that is known to be good: distributions, relations and slices are compared with it; may "
                       "stand in place of a contract",
            .many = true},
           {.name = "--data",
            .value = "[NAME=]PLACE",
            .summary = "Parquet, CSV, JSON lines or Arrow: a file, folder, 'pattern', s3://BUCKET/KEY, or "
                       "postgresql://HOST/DATABASE?table=SCHEMA.NAME; - is standard input (--engine row); may be given "
                       "several times; NAME is one of the contract's objects",
            .many = true},
           {.name = "--ref", .value = "NAME=PLACE", .summary = "the dataset that a foreign key names", .many = true},
           {.name = "--format",
            .value = "FORMAT",
            .summary = "parquet, csv, jsonl or arrow (default: what the bytes say)"},
           {.name = "--encoding", .value = "NAME", .summary = "of text, e.g. latin1, utf-16le (default: UTF-8)"},
           {.name = "--delimiter", .value = "C", .summary = "of CSV; also by name: tab, semicolon, pipe ..."},
           {.name = "--quote", .value = "C", .summary = "of CSV; 'none' for none"},
           {.name = "--escape", .value = "C", .summary = "of a quote inside a quoted field (default: doubled)"},
           {.name = "--header", .value = "yes|no", .summary = "no: the first line is data, columns as in the contract"},
           {.name = "--server",
            .value = "NAME",
            .summary = "of the contract: how its files are to be read (default: its only one)"},
           {.name = "--from",
            .value = "TIME",
            .summary = "the data's period begins (freshness is judged against it, else against now)"},
           {.name = "--to", .value = "TIME", .summary = "and ends before"},
           {.name = "--engine",
            .value = "NAME",
            .summary =
                "what computes: duckdb (in this process), spark, or row (row by row, also from standard input); the "
                "findings are the same"},
           {.name = "--spark",
            .value = "URL",
            .summary = "Spark 4 Connect server, sc://host:port (else MILLRACE_SPARK); it must see the files by the "
                       "same paths"},
           {.name = "--no-profile",
            .value = "",
            .summary = "judge the rules alone: the findings tell no profile of the columns"},
           {.name = "--object", .value = "NAME", .summary = "which of the contract's objects (when it has several)"},
           {.name = "--out", .value = "FILE", .summary = "write findings.json there"}},
      .run = check};
  for (auto& option : ci_options()) command.options.push_back(std::move(option));
  return {command};
}

}  // namespace millrace::cli
