#include <fmt/format.h>

#include "cli/host.h"
#include "core/files.h"
#include "data/check.h"
#include "data/reference_check.h"

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
  if (what.contract.empty() && !in.args.has("--reference"))
    return Error{Code::invalid, "nothing to judge the data by"}.hint(
        "name a contract (--contract FILE), data that is known to be good (--reference FILE), or both");
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
  std::unique_ptr<engine::Engines> spark;
  const auto engine = in.args.get("--engine");
  if (engine != "" && engine != "duckdb" && engine != "spark")
    return Error{Code::invalid, "unknown engine '" + engine + "'"}.at_field("--engine").hint("duckdb or spark");
  if (engine == "spark") {
    if (in.args.has("--reference"))
      return Error{Code::unsupported, "a comparison with --reference runs on duckdb"}.hint("leave --engine out");
    MILLRACE_TRY(spark, in.host.spark(in.args.get("--spark")));
    what.computed_by = spark.get();
  } else if (in.args.has("--spark")) {
    return Error{Code::invalid, "--spark names a server, and the engine is duckdb"}.hint("add --engine spark");
  }
  Json findings;
  bool passed = true;
  if (in.args.has("--reference")) {
    data::ReferenceCheck by{.batch = what};
    for (const auto& file : in.args.all("--reference")) by.reference.push_back(absolute(file));
    MILLRACE_TRY(auto found, data::check_by_reference(in.host.engines(), by));
    findings = std::move(found.findings), passed = found.passed;
  } else {
    MILLRACE_TRY(const auto report, data::check_files(in.host.engines(), what));
    findings = report.to_json(), passed = report.passed();
  }
  if (in.args.has("--out")) MILLRACE_DO(write_file(absolute(in.args.get("--out")), to_pretty(findings) + "\n", 0644));
  std::vector<std::vector<std::string>> rows{{"rule", "value", "ok", "limit"}};
  if (const auto* checks = find(findings, "checks"))
    for (const auto& [rule, found] : checks->items())
      rows.push_back({rule, found.contains("value") ? to_text(found["value"]) : "", verdict_word(found),
                      found.contains("limit") ? to_text(found["limit"]) : ""});
  std::string alerts;
  if (in.args.has("--reference"))
    for (const auto& alert : findings["alerts"])
      alerts +=
          fmt::format("{:.2f} {}{}: {}\n", alert["score"].get<double>(), string_or(alert, "rule", ""),
                      alert["slice"].is_object() ? " " + to_text(alert["slice"]) : "", string_or(alert, "note", ""));
  std::string rows_line = fmt::format("{} rows", with_commas(integer_or(findings, "rows", 0)));
  if (findings.contains("accepted"))
    rows_line += fmt::format(", {} accepted, {} quarantined", with_commas(integer_or(findings, "accepted", 0)),
                             with_commas(integer_or(findings, "quarantined", 0)));
  in.show(findings, fmt::format("{}{}{}: {}\n", rows.size() > 1 ? table(rows) : "", alerts,
                                string_or(findings, "verdict", ""), rows_line));
  return passed ? 0 : 1;
}

}  // namespace

std::vector<Command> check_commands() {
  return {
      {.name = "check",
       .summary = "check files against a contract, with no project; status 0 when it holds, 1 when it does not",
       .positionals = {},
       .options =
           {{.name = "--contract", .value = "FILE", .summary = "ODCS contract (*.odcs.yaml)"},
            {.name = "--reference",
             .value = "FILE",
             .summary = "data that is known to be good: distributions, relations and slices are compared with it",
             .many = true},
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
            {.name = "--engine",
             .value = "NAME",
             .summary = "what computes: duckdb (in this process) or spark; the findings are the same"},
            {.name = "--spark",
             .value = "URL",
             .summary = "Spark 4 Connect server, sc://host:port (else MILLRACE_SPARK); it must see the files by the "
                        "same paths"},
            {.name = "--object", .value = "NAME", .summary = "which of the contract's objects (when it has several)"},
            {.name = "--out", .value = "FILE", .summary = "write findings.json there"}},
       .run = check}};
}

}  // namespace millrace::cli
