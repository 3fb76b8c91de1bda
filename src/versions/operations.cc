#include "versions/operations.h"

#include <fmt/format.h>

#include "core/fault.h"

namespace millrace::versions {
namespace {

// Every path, when none is named.
Result<std::vector<std::string>> chosen(const TrackedPaths& tracked, const std::vector<std::string>& paths) {
  if (!paths.empty()) return paths;
  std::vector<std::string> out;
  for (const auto& [path, entry] : tracked) out.push_back(path);
  return out;
}

Result<std::vector<ReadyPath>> checkout_all(Workspace& workspace, const TrackedPaths& wanted,
                                            const CheckoutOptions& options) {
  std::vector<ReadyPath> out;
  for (const auto& [path, entry] : wanted) {
    const auto index = workspace.index(path);
    auto done = checkout(workspace.objects(), workspace.full(path), entry, index ? &*index : nullptr, options);
    if (!done) return std::move(done).error().while_doing("checking out " + path);
    MILLRACE_DO(write_index(workspace.index_file(path), done->index, Flushed::no));
    out.push_back({path, done->written, done->removed, done->kept});
  }
  return out;
}

// Whether the branch's head holds what is tracked.
Result<bool> is_recorded(Workspace& workspace) {
  const History history(workspace);
  const auto head = history.head();
  if (!head) return false;
  MILLRACE_TRY(const auto snapshot, history.snapshot(*head));
  return versions::to_json(snapshot.paths) == versions::to_json(workspace.tracked().paths);
}

}  // namespace

Result<Added> add(Workspace& workspace, const std::vector<std::string>& paths, const Why& why) {
  Added out;
  TrackedPaths changed;
  for (const auto& path : paths) {
    const auto full = workspace.full(path);
    if (!exists(full))
      return Error{Code::not_found, fmt::format("there is no '{}'", path)}
          .at({.file = full})
          .hint("name files or folders, or a source of millrace.yaml with the files of a batch");
    const auto index = workspace.index(path);
    auto captured =
        capture(workspace.objects(), workspace.context(), target_of(full, false), index ? &*index : nullptr);
    if (!captured) return std::move(captured).error().while_doing("adding " + path);
    const auto known = workspace.tracked().paths.find(path);
    const bool same = known != workspace.tracked().paths.end() && known->second.same_content(captured->index.top);
    out.paths.push_back({path, captured->index.top, !same, captured->read_files, captured->written});
    changed[path] = captured->index.top;
    MILLRACE_DO(write_index(workspace.index_file(path), captured->index, Flushed::yes));
    MILLRACE_DO(workspace.objects().reload());
  }
  FAULT_POINT("versions.add.before_tracked");
  MILLRACE_DO(workspace.track(changed));
  // Not only when something changed just now: whoever died before this point left the tracked file ahead of the branch.
  MILLRACE_TRY(const bool recorded, is_recorded(workspace));
  if (!recorded) {
    FAULT_POINT("versions.add.before_snapshot");
    MILLRACE_TRY(out.snapshot, snapshot_now(workspace, {}, why));
  }
  return out;
}

Result<Snapshot> snapshot_now(Workspace& workspace, const std::map<std::string, std::vector<DatasetFile>>& datasets,
                              const Why& why) {
  History history(workspace);
  if (const auto head = history.head()) {
    MILLRACE_TRY(auto now, history.snapshot(*head));
    const auto nodes = [](const auto& sets) {
      std::vector<std::string> out;
      for (const auto& [name, files] : sets)
        for (const auto& each : files) out.push_back(each.node);
      return out;
    };
    if (versions::to_json(now.paths) == versions::to_json(workspace.tracked().paths) &&
        nodes(now.datasets) == nodes(datasets) && now.commit == why.code.commit)
      return now;
  }
  Snapshot snapshot;
  snapshot.author = why.author;
  snapshot.message = why.message;
  snapshot.commit = why.code.commit;
  snapshot.dirty = why.code.dirty;
  snapshot.paths = workspace.tracked().paths;
  snapshot.datasets = datasets;
  return history.record(std::move(snapshot));
}

Result<std::vector<ReadyPath>> checkout_tracked(Workspace& workspace, const std::vector<std::string>& paths,
                                                const CheckoutOptions& options) {
  MILLRACE_TRY(const auto names, chosen(workspace.tracked().paths, paths));
  TrackedPaths wanted;
  for (const auto& each : names) {
    MILLRACE_TRY(const auto path, workspace.tracked_path(each));
    wanted[path] = workspace.tracked().paths.at(path);
  }
  return checkout_all(workspace, wanted, options);
}

Result<Switched> checkout_version(Workspace& workspace, const std::string& ref, const std::vector<std::string>& paths,
                                  const CheckoutOptions& options) {
  History history(workspace);
  MILLRACE_TRY(const auto digest, history.resolve(ref));
  Switched out;
  MILLRACE_TRY(out.snapshot, history.snapshot(digest));
  MILLRACE_TRY(const auto names, chosen(out.snapshot.paths, paths));
  TrackedPaths wanted;
  for (const auto& path : names) {
    const auto found = out.snapshot.paths.find(path);
    if (found == out.snapshot.paths.end())
      return Error{Code::not_found, fmt::format("'{}' does not hold '{}'", ref, path)};
    wanted.insert(*found);
  }
  for (const auto& [path, entry] : workspace.tracked().paths)
    if (paths.empty() && !wanted.contains(path)) out.left.push_back(path);
  MILLRACE_TRY(out.paths, checkout_all(workspace, wanted, options));
  if (!paths.empty()) {
    MILLRACE_DO(workspace.track(wanted));
    return out;
  }
  MILLRACE_DO(workspace.replace_tracked(wanted));
  if (!history.find("tags", ref) && history.find("branches", ref)) MILLRACE_DO(history.set_branch(ref));
  return out;
}

}  // namespace millrace::versions
