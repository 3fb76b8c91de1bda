#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/data/data_words.h"
#include "cli/host.h"
#include "core/files.h"
#include "versions/dvc/import.h"

namespace millrace::cli {
namespace {

namespace v = versions;

Json stages_json(const v::dvc::Project& project) {
  Json out = Json::array();
  for (const auto& stage : project.stages)
    out.push_back({{"name", stage.name},
                   {"file", stage.file},
                   {"cmd", stage.command},
                   {"deps", stage.deps},
                   {"params", stage.params},
                   {"outs", stage.outs}});
  return out;
}

std::string stage_lines(const v::dvc::Project& project) {
  std::string out;
  for (const auto& stage : project.stages)
    out += fmt::format("stage {}: {}\n  {} -> {}\n", stage.name, stage.command, fmt::join(stage.deps, ", "),
                       fmt::join(stage.outs, ", "));
  return out;
}

Json outs_json(const std::vector<v::dvc::Out>& outs) {
  Json out = Json::array();
  for (const auto& each : outs) out.push_back({{"path", each.path}, {"md5", each.md5}, {"declared", each.declared}});
  return out;
}

Result<int> import_dvc(Invocation& in) {
  auto folder = absolute(in.args.get("DIR", "."));
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  MILLRACE_TRY(const auto project, v::dvc::read_project(folder));
  const auto place = v::find_place(folder, in.args.has("--state") ? absolute(in.args.get("--state")) : "");
  MILLRACE_TRY(const auto lock, v::lock_for_change(place, "import dvc"));
  MILLRACE_TRY(auto workspace, v::Workspace::open(place, in.host.context()));
  auto why = why_of(in, workspace);
  if (why.message.empty()) why.message = "imported from DVC";
  MILLRACE_TRY(const auto done, v::dvc::import(workspace, project, why));
  Json items = Json::array();
  std::string lines;
  for (const auto& each : done.paths) {
    items.push_back({{"path", each.path},
                     {"digest", each.entry.digest.text()},
                     {"files", each.entry.files},
                     {"bytes", each.entry.size},
                     {"changed", each.changed}});
    lines += fmt::format("{}: {} files, {} bytes{}\n", each.path, with_commas(each.entry.files),
                         with_commas(each.entry.size), each.changed ? "" : ", known already");
  }
  for (const auto& each : done.of_git) lines += fmt::format("{}: kept by git, not by DVC\n", each.path);
  for (const auto& each : done.missing)
    lines += fmt::format("{}: NOT imported: md5 {} is neither in its place nor in DVC's cache; dvc pull brings it\n",
                         each.path, each.md5.empty() ? "(none yet)" : each.md5);
  in.show(Json{{"paths", items},
               {"missing", outs_json(done.missing)},
               {"of_git", outs_json(done.of_git)},
               {"stages", stages_json(project)},
               {"snapshot", done.snapshot ? Json(done.snapshot->digest.text()) : Json(nullptr)}},
          lines + stage_lines(project));
  return done.missing.empty() ? 0 : 1;
}

}  // namespace

std::vector<Command> import_dvc_commands() {
  return {{.name = "import dvc",
           .summary = "track what a DVC project tracks (.dvc files, dvc.lock), and show the stages of its dvc.yaml",
           .positionals = {{"DIR", "the folder with .dvc in it (default: here)", false}},
           .options = {{.name = "--message", .value = "TEXT", .summary = "why, for the log"}},
           .run = import_dvc}};
}

}  // namespace millrace::cli
