// Names of versions: tags that stay, branches that move.
#include <fmt/format.h>

#include "cli/data/data_words.h"
#include "cli/host.h"
#include "core/files.h"
#include "core/ids.h"

namespace millrace::cli {
namespace {

namespace v = versions;

using Sets = std::map<std::string, std::vector<v::DatasetFile>>;

v::DatasetFile file_of(const Json& version) { return {string_or(version, "node", ""), string_or(version, "file", "")}; }

// Every dataset's versions that are read now, when the state folder holds any: all batches of an append source, the
// newest of a snapshot.
Result<Sets> datasets_now(Invocation& in) {
  Sets out;
  const auto state = in.state_folder();
  if (!state || !exists(*state + "/blobs")) return out;
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto answer, gateway->call("GET", address({"datasets"})));
  for (const auto& version : answer.at("items")) {
    if (string_or(version, "verdict", "") == "rejected") continue;
    auto& files = out[string_or(version, "dataset", "")];
    if (!version.contains("from")) files.clear();
    files.push_back(file_of(version));
  }
  return out;
}

// "flights@3": a dataset version.
Result<Sets> one_dataset(Invocation& in, const std::string& ref) {
  const auto at = ref.find('@');
  const auto name = ref.substr(0, at);
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto version, gateway->call("GET", address({"datasets", name, "versions", ref.substr(at + 1)})));
  if (string_or(version, "verdict", "") == "rejected")
    return Error{Code::rejected, fmt::format("{} was rejected by its contract; a tag cannot name it", ref)};
  return Sets{{name, {file_of(version)}}};
}

Json names_json(const std::map<std::string, v::Digest>& names) {
  Json out = Json::object();
  for (const auto& [name, digest] : names) out[name] = digest.text();
  return out;
}

Result<v::Digest> tagged(Invocation& in, v::Workspace& workspace, const std::string& ref) {
  v::History history(workspace);
  if (ref.find('@') != std::string::npos) {
    MILLRACE_TRY(const auto sets, one_dataset(in, ref));
    const auto why = why_of(in, workspace);
    v::Snapshot snapshot;
    snapshot.author = why.author;
    snapshot.message = why.message;
    snapshot.commit = why.code.commit;
    snapshot.dirty = why.code.dirty;
    snapshot.datasets = sets;
    MILLRACE_TRY(const auto kept, history.keep(snapshot));
    return kept.digest;
  }
  if (!ref.empty()) return history.resolve(ref);
  MILLRACE_TRY(const auto sets, datasets_now(in));
  if (workspace.tracked().paths.empty() && sets.empty())
    return Error{Code::not_found, "nothing is tracked here and there is no dataset version: a tag has nothing to name"}
        .hint("millrace data add comes first");
  MILLRACE_TRY(const auto now, v::snapshot_now(workspace, sets, why_of(in, workspace)));
  return now.digest;
}

Result<int> show_names(Invocation& in, v::Workspace& workspace, const std::string& kind) {
  const v::History history(workspace);
  const auto names = history.names(kind);
  std::string lines;
  for (const auto& [name, digest] : names)
    lines += fmt::format("{}{}  {}\n",
                         kind == "tags"             ? ""
                         : name == history.branch() ? "* "
                                                    : "  ",
                         name, digest.hex().substr(0, 12));
  if (names.empty()) lines = fmt::format("there are no {} yet\n", kind);
  Json out{{kind, names_json(names)}};
  if (kind == "branches") out["current"] = history.branch();
  in.show(out, lines);
  return 0;
}

Result<int> tag(Invocation& in) {
  MILLRACE_TRY(const auto place, place_of(in));
  if (!in.args.has("NAME")) {
    MILLRACE_TRY(auto workspace, v::Workspace::open(place, in.host.context()));
    return show_names(in, workspace, "tags");
  }
  const auto name = in.args.get("NAME");
  MILLRACE_DO(v::check_name(name));
  MILLRACE_TRY(const auto lock, v::lock_for_change(place, "data tag"));
  MILLRACE_TRY(auto workspace, v::Workspace::open(place, in.host.context()));
  v::History history(workspace);
  if (in.args.has("--delete")) {
    MILLRACE_DO(history.remove_name("tags", name));
    in.show(Json{{"removed", name}}, fmt::format("removed the tag {}\n", name));
    return 0;
  }
  MILLRACE_TRY(const auto digest, tagged(in, workspace, in.args.get("REF")));
  MILLRACE_DO(history.name("tags", name, digest, in.args.has("--force") ? v::Moves::anywhere : v::Moves::forward));
  in.show(Json{{"tag", name}, {"snapshot", digest.text()}},
          fmt::format("{} names {}\n", name, digest.hex().substr(0, 12)));
  return 0;
}

Result<int> branch(Invocation& in) {
  MILLRACE_TRY(const auto place, place_of(in));
  if (!in.args.has("NAME")) {
    MILLRACE_TRY(auto workspace, v::Workspace::open(place, in.host.context()));
    return show_names(in, workspace, "branches");
  }
  const auto name = in.args.get("NAME");
  MILLRACE_DO(v::check_name(name));
  MILLRACE_TRY(const auto lock, v::lock_for_change(place, "data branch"));
  MILLRACE_TRY(auto workspace, v::Workspace::open(place, in.host.context()));
  v::History history(workspace);
  if (in.args.has("--delete")) {
    if (name == history.branch())
      return Error{Code::conflict, fmt::format("'{}' is the current branch", name)}.hint(
          "go to another one first: millrace data checkout BRANCH");
    MILLRACE_DO(history.remove_name("branches", name));
    in.show(Json{{"removed", name}}, fmt::format("removed the branch {}\n", name));
    return 0;
  }
  MILLRACE_TRY(const auto digest, history.resolve(in.args.get("REF", "HEAD")));
  if (history.find("branches", name) && !in.args.has("--force"))
    return Error{Code::conflict, fmt::format("there is a branch '{}'", name)}.hint(
        "millrace data checkout goes there; --force moves it");
  MILLRACE_DO(history.name("branches", name, digest, v::Moves::anywhere));
  in.show(
      Json{{"branch", name}, {"snapshot", digest.text()}},
      fmt::format("{} begins at {}; go there: millrace data checkout {}\n", name, digest.hex().substr(0, 12), name));
  return 0;
}

}  // namespace

std::vector<Command> data_names_commands() {
  return {{.name = "data tag",
           .summary = "name a version for good (without NAME: list the tags)",
           .positionals = {{"NAME", "the tag", false},
                           {"REF",
                            "what it names: a branch, a snapshot, a dataset version (flights@3); default: what "
                            "is tracked now, with the datasets' versions",
                            false}},
           .options = {{.name = "--message", .value = "TEXT", .summary = "why, for the log"},
                       {.name = "--force", .value = "", .summary = "move a tag that exists"},
                       {.name = "--delete", .value = "", .summary = "remove the tag; the version stays until gc"}},
           .run = tag},
          {.name = "data branch",
           .summary = "a name that moves on with each add (without NAME: list the branches)",
           .positionals = {{"NAME", "the branch", false}, {"REF", "where it begins (default: HEAD)", false}},
           .options = {{.name = "--force", .value = "", .summary = "move a branch that exists"},
                       {.name = "--delete", .value = "", .summary = "remove the branch"}},
           .run = branch}};
}

}  // namespace millrace::cli
