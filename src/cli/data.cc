#include <fmt/format.h>

#include "cli/data/data_words.h"
#include "cli/host.h"
#include "core/files.h"
#include "data/datasets/sources.h"

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

// A batch of a source that millrace.yaml names, with its contract.
Result<int> add_batch(Invocation& in, const std::string& source, const std::vector<std::string>& names) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  Json files = Json::array();
  for (const auto& file : names) files.push_back(file.find("://") == std::string::npos ? absolute(file) : file);
  Json body{{"files", files}};
  if (in.args.has("--from")) body["from"] = in.args.get("--from");
  if (in.args.has("--to")) body["to"] = in.args.get("--to");
  MILLRACE_TRY(const auto version, gateway->call("POST", address({"datasets", source, "versions"}), body));
  std::string lines =
      fmt::format("{}: {}, {} rows, {} accepted, {} quarantined{}\n", string_or(version, "node", ""),
                  string_or(version, "verdict", ""), with_commas(integer_or(version, "rows", 0)),
                  with_commas(integer_or(version, "accepted", 0)), with_commas(integer_or(version, "quarantined", 0)),
                  version.value("known", false) ? " (known already)" : "");
  if (const auto* findings = find(version, "findings")) lines += broken_rules(*findings);
  in.show(version, lines);
  return string_or(version, "verdict", "") == "rejected" ? 1 : 0;
}

// Files and folders, by content.
Result<int> add_paths(Invocation& in) {
  for (const auto* option : {"--from", "--to"})
    if (in.args.has(option))
      return Error{Code::invalid,
                   fmt::format("{} belongs to a batch of a source, and '{}' is none", option, in.args.get("WHAT"))}
          .hint("name a source of millrace.yaml first, then the files of the batch");
  MILLRACE_TRY(const auto place, place_of(in));
  MILLRACE_TRY(const auto lock, versions::lock_for_change(place, "data add"));
  MILLRACE_TRY(auto workspace, versions::Workspace::open(place, in.host.context()));
  MILLRACE_TRY(const auto paths, paths_of(in, workspace, "WHAT"));
  MILLRACE_TRY(const auto added, versions::add(workspace, paths, why_of(in, workspace)));
  Json items = Json::array();
  std::string lines;
  for (const auto& each : added.paths) {
    items.push_back({{"path", each.path},
                     {"digest", each.entry.digest.text()},
                     {"kind", name_of(each.entry.kind)},
                     {"files", each.entry.files},
                     {"bytes", each.entry.size},
                     {"changed", each.changed},
                     {"read", each.read_files},
                     {"new_objects", each.written.objects},
                     {"new_bytes", each.written.bytes}});
    lines += fmt::format(
        "{}: {} files, {} bytes, {}; {} read, {} new objects of {} bytes\n", each.path, with_commas(each.entry.files),
        with_commas(each.entry.size), each.changed ? each.entry.digest.text().substr(0, 19) : "unchanged",
        with_commas(each.read_files), with_commas(each.written.objects), with_commas(each.written.bytes));
  }
  if (added.snapshot)
    lines += fmt::format("snapshot {}; commit {} with your code\n", added.snapshot->digest.hex().substr(0, 12),
                         versions::kTrackedFile);
  in.show(Json{{"paths", items}, {"snapshot", added.snapshot ? Json(added.snapshot->digest.text()) : Json(nullptr)}},
          lines);
  return 0;
}

// "SOURCE FILE..." names a source; everything else is paths. "./NAME" is always a path.
Result<int> add(Invocation& in) {
  const auto& words = in.args.all("WHAT");
  const auto project = in.project_folder();
  if (project.empty() || words.front().find('/') != std::string::npos) return add_paths(in);
  const auto loaded = load_project(project);
  const auto sources = loaded ? data::read_sources(*loaded) : Result<std::vector<data::Source>>(loaded.error());
  if (!sources) return sources.error();
  const bool is_source = data::find_source(*sources, words.front()) != nullptr;
  const bool has_period = in.args.has("--from") || in.args.has("--to");
  if (has_period || (is_source && (words.size() > 1 || !exists(words.front()))))
    return add_batch(in, words.front(), {words.begin() + 1, words.end()});
  if (!is_source && words.size() > 1 && !exists(words.front())) {
    std::vector<std::string> known;
    for (const auto& each : *sources) known.push_back(each.name);
    const auto near = did_you_mean(words.front(), known);
    return Error{Code::not_found, fmt::format("'{}' is neither a source of millrace.yaml nor a path", words.front())}
        .hint(near ? fmt::format("did you mean '{}'?", *near) : "see the sources section of millrace.yaml");
  }
  return add_paths(in);
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
       .summary =
           "keep a batch of a source as a dataset version (checked by its contract), or files and folders by content",
       .positionals = {{"WHAT",
                        "SOURCE PLACE...: the batch: files, folders, patterns, s3://BUCKET/KEY, "
                        "postgresql://HOST/DATABASE?table=NAME; or PATH...: files and folders",
                        true, true}},
       .options = {{.name = "--from", .value = "TIME", .summary = "the batch's period begins (append sources)"},
                   {.name = "--to", .value = "TIME", .summary = "and ends before"},
                   {.name = "--message", .value = "TEXT", .summary = "why, for the log (paths)"}},
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
