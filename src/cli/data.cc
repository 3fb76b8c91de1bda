#include <fmt/format.h>

#include "cli/host.h"
#include "core/files.h"

namespace millrace::cli {
namespace {

std::vector<std::string> version_row(const Json& version) {
  return {string_or(version, "node", ""),
          string_or(version, "verdict", ""),
          with_commas(integer_or(version, "rows", 0)),
          with_commas(integer_or(version, "accepted", 0)),
          with_commas(integer_or(version, "quarantined", 0)),
          string_or(version, "period", ""),
          string_or(version, "digest", "").substr(0, 19)};
}

const std::vector<std::string> kHeading{"version", "verdict", "rows", "accepted", "quarantined", "period", "digest"};

std::string broken_rules(const Json& findings) {
  std::string out;
  if (const auto* checks = find(findings, "checks"); checks != nullptr && checks->is_object())
    for (const auto& [rule, check] : checks->items()) {
      if (verdict_word(check) != "NO") continue;
      const auto note = string_or(check, "note", "");
      out += fmt::format("  {}: {}{}{}\n", rule, check.contains("value") ? to_text(check["value"]) : "",
                         check.contains("limit") ? " (limit " + to_text(check["limit"]) + ")" : "",
                         note.empty() ? "" : ": " + note);
    }
  return out;
}

Result<int> add(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  Json files = Json::array();
  for (const auto& file : in.args.all("FILE"))
    files.push_back(file.find("://") == std::string::npos ? absolute(file) : file);
  Json body{{"files", files}};
  if (in.args.has("--from")) body["from"] = in.args.get("--from");
  if (in.args.has("--to")) body["to"] = in.args.get("--to");
  MILLRACE_TRY(const auto version,
               gateway->call("POST", address({"datasets", in.args.get("SOURCE"), "versions"}), body));
  std::string lines =
      fmt::format("{}: {}, {} rows, {} accepted, {} quarantined{}\n", string_or(version, "node", ""),
                  string_or(version, "verdict", ""), with_commas(integer_or(version, "rows", 0)),
                  with_commas(integer_or(version, "accepted", 0)), with_commas(integer_or(version, "quarantined", 0)),
                  version.value("known", false) ? " (known already)" : "");
  if (const auto* findings = find(version, "findings")) lines += broken_rules(*findings);
  in.show(version, lines);
  return string_or(version, "verdict", "") == "rejected" ? 1 : 0;
}

Result<int> list(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  const auto source = in.args.get("SOURCE");
  MILLRACE_TRY(const auto answer, gateway->call("GET", source.empty() ? address({"datasets"})
                                                                      : address({"datasets", source, "versions"})));
  std::vector<std::vector<std::string>> rows{kHeading};
  for (const auto& version : answer.at("items")) rows.push_back(version_row(version));
  in.show(answer, table(rows));
  return 0;
}

Result<int> show(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto version,
               gateway->call("GET", address({"datasets", in.args.get("SOURCE"), "versions", in.args.get("VERSION")})));
  std::string lines = table({kHeading, version_row(version)});
  if (const auto* findings = find(version, "findings"); findings != nullptr && findings->contains("checks")) {
    std::vector<std::vector<std::string>> rows{{"rule", "value", "ok", "limit"}};
    for (const auto& [rule, check] : (*findings)["checks"].items())
      rows.push_back({rule, check.contains("value") ? to_text(check["value"]) : "", verdict_word(check),
                      check.contains("limit") ? to_text(check["limit"]) : ""});
    lines += "\n" + table(rows);
  }
  in.show(version, lines);
  return 0;
}

}  // namespace

std::vector<Command> data_commands() {
  return {
      {.name = "data add",
       .summary = "check a batch of a source against its contract and keep it as a dataset version",
       .positionals = {{"SOURCE", "a source of millrace.yaml"},
                       {"FILE",
                        "the batch: files, folders, patterns, s3://BUCKET/KEY, postgresql://HOST/DATABASE?table=NAME",
                        true, true}},
       .options = {{.name = "--from", .value = "TIME", .summary = "the batch's period begins (append sources)"},
                   {.name = "--to", .value = "TIME", .summary = "and ends before"}},
       .run = add},
      {.name = "data list",
       .summary = "dataset versions and their verdicts",
       .positionals = {{"SOURCE", "only this source", false}},
       .options = {},
       .run = list},
      {.name = "data show",
       .summary = "one version: every rule, the profile, what was quarantined",
       .positionals = {{"SOURCE", "a source"}, {"VERSION", "its number"}},
       .options = {},
       .run = show}};
}

}  // namespace millrace::cli
