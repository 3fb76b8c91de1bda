// Files and folders by content: the commands that work in any folder, with or without a project.
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

#include <fmt/format.h>

#include "cli/data/data_words.h"
#include "cli/host.h"
#include "core/files.h"

namespace millrace::cli {
namespace {

namespace v = versions;

constexpr size_t kShownChanges = 20;

std::string letter_of(v::Difference::Kind kind) {
  return kind == v::Difference::Kind::added ? "+" : kind == v::Difference::Kind::removed ? "-" : "~";
}

Json to_json(const v::Difference& each) {
  Json out{{"path", each.path}, {"change", name_of(each.kind)}};
  if (each.kind != v::Difference::Kind::added)
    out["before"] = {{"digest", each.before.digest.text()}, {"bytes", each.before.size}};
  if (each.kind != v::Difference::Kind::removed)
    out["after"] = {{"digest", each.after.digest.text()}, {"bytes", each.after.size}};
  return out;
}

Result<int> status(Invocation& in) {
  MILLRACE_TRY(auto workspace, open_workspace(in));
  MILLRACE_TRY(const auto named, paths_of(in, workspace, "PATH"));
  std::vector<std::string> paths;
  for (const auto& each : named) {
    MILLRACE_TRY(const auto path, workspace.tracked_path(each));
    paths.push_back(path);
  }
  if (paths.empty())
    for (const auto& [path, entry] : workspace.tracked().paths) paths.push_back(path);
  const size_t most = in.json ? 10'000 : kShownChanges;
  Json items = Json::array();
  std::string lines;
  bool clean = true;
  for (const auto& path : paths) {
    MILLRACE_TRY(const auto found, v::status_of(workspace, path, most));
    clean = clean && found.state == "clean";
    Json changes = Json::array();
    lines += fmt::format("{:9} {}{}\n", found.state, path,
                         found.state == "outdated"  ? "  (millrace data checkout brings it up to date)"
                         : found.state == "missing" ? "  (millrace data checkout brings it back)"
                         : found.unlisted           ? "  (the version is not in the store: millrace data pull)"
                                                    : "");
    for (const auto& each : found.differences) {
      changes.push_back(to_json(each));
      lines += fmt::format("  {} {}\n", letter_of(each.kind), each.path.empty() ? path : each.path);
    }
    if (found.count > static_cast<int64_t>(found.differences.size()))
      lines +=
          fmt::format("  ... and {} more\n", with_commas(found.count - static_cast<int64_t>(found.differences.size())));
    items.push_back({{"path", path}, {"state", found.state}, {"changes", changes}, {"count", found.count}});
  }
  if (paths.empty()) lines = "nothing is tracked here; millrace data add PATH begins\n";
  in.show(Json{{"clean", clean}, {"paths", items}}, lines);
  return clean ? 0 : 1;
}

Result<int> log(Invocation& in) {
  MILLRACE_TRY(auto workspace, open_workspace(in));
  v::History history(workspace);
  MILLRACE_TRY(const auto limit, in.args.integer("--limit", 20));
  if (limit < 1 || limit > 100'000) return Error{Code::invalid, "--limit must be from 1 to 100000"};
  Json items = Json::array();
  std::string lines;
  const auto ref = in.args.get("REF", "HEAD");
  if (ref == "HEAD" && !history.head()) {
    in.show(Json{{"items", items}}, "there is no snapshot yet; millrace data add PATH makes one\n");
    return 0;
  }
  MILLRACE_TRY(const auto from, history.resolve(ref));
  MILLRACE_TRY(const auto snapshots, history.log(from, static_cast<size_t>(limit)));
  std::map<v::Digest, std::string> names;
  for (const auto* kind : {"branches", "tags"})
    for (const auto& [name, digest] : history.names(kind)) names[digest] += (names[digest].empty() ? "" : ", ") + name;
  for (const auto& each : snapshots) {
    auto json = each.to_json();
    json["digest"] = each.digest.text();
    json["names"] = names[each.digest];
    items.push_back(std::move(json));
    lines += fmt::format("{}  {}  {}{}{}\n", each.digest.hex().substr(0, 12), to_iso(each.time).substr(0, 19) + "Z",
                         each.author, each.commit.empty() ? "" : "  code " + each.commit.substr(0, 12),
                         each.dirty ? " with changes" : "");
    if (!names[each.digest].empty()) lines += "  names: " + names[each.digest] + "\n";
    if (!each.message.empty()) lines += "  " + each.message + "\n";
    for (const auto& [path, entry] : each.paths)
      lines += fmt::format("    {}  {} files, {} bytes\n", path, with_commas(entry.files), with_commas(entry.size));
    for (const auto& [name, files] : each.datasets)
      lines += fmt::format("    {}\n", files.empty() ? name : files.back().node);
  }
  in.show(Json{{"items", items}}, lines);
  return 0;
}

Result<int> checkout(Invocation& in) {
  MILLRACE_TRY(const auto place, place_of(in));
  MILLRACE_TRY(const auto lock, v::lock_for_change(place, "data checkout"));
  MILLRACE_TRY(auto workspace, v::Workspace::open(place, in.host.context()));
  v::CheckoutOptions options{.giving = in.args.has("--link") ? v::Giving::link : v::Giving::copy,
                             .force = in.args.has("--force")};
  auto words = in.args.all("WHAT");
  std::string ref;
  // The first word is a version, unless it is a tracked path.
  if (!words.empty()) {
    const auto path = relative_here(workspace, words.front());
    if (!path || !workspace.tracked().paths.contains(*path)) {
      ref = words.front();
      words.erase(words.begin());
    }
  }
  std::vector<std::string> paths;
  for (const auto& word : words) {
    MILLRACE_TRY(const auto path, relative_here(workspace, word));
    paths.push_back(path);
  }
  std::vector<v::ReadyPath> done;
  std::string lines;
  Json out = Json::object();
  if (ref.empty()) {
    MILLRACE_TRY(done, v::checkout_tracked(workspace, paths, options));
  } else {
    MILLRACE_TRY(const auto switched, v::checkout_version(workspace, ref, paths, options));
    done = switched.paths;
    out["snapshot"] = switched.snapshot.digest.text();
    out["left"] = switched.left;
    for (const auto& each : switched.left) lines += fmt::format("{}: not in {}; its files stay\n", each, ref);
  }
  Json items = Json::array();
  for (const auto& each : done) {
    items.push_back({{"path", each.path}, {"written", each.written}, {"removed", each.removed}, {"kept", each.kept}});
    lines += fmt::format("{}: {} written, {} removed, {} kept\n", each.path, with_commas(each.written),
                         with_commas(each.removed), with_commas(each.kept));
  }
  out["paths"] = items;
  in.show(out, lines);
  return 0;
}

}  // namespace

std::vector<Command> data_versions_commands() {
  return {{.name = "data status",
           .summary = "which tracked files have changed; status 1 when some have",
           .positionals = {{"PATH", "tracked paths (default: all)", false, true}},
           .options = {},
           .run = status},
          {.name = "data checkout",
           .summary = "bring tracked files back, or go to another version of them",
           .positionals = {{"WHAT", "[VERSION] [PATH...]: a tag, a branch, a snapshot; tracked paths", false, true}},
           .options = {{.name = "--force", .value = "", .summary = "changes that are in no version may be lost"},
                       {.name = "--link",
                        .value = "",
                        .summary = "large files as read-only hard links to the store, not as copies"}},
           .run = checkout},
          {.name = "data log",
           .summary = "the snapshots that led to a version, newest first",
           .positionals = {{"REF", "a tag, a branch, a snapshot (default: HEAD)", false}},
           .options = {{.name = "--limit", .value = "N", .summary = "at most so many (default: 20)"}},
           .run = log}};
}

}  // namespace millrace::cli
