#include "versions/reach.h"

#include <filesystem>

namespace millrace::versions {
namespace {

Found found_of(const Entry& entry) {
  const bool is_manifest = entry.kind == Kind::tree || entry.kind == Kind::part;
  return {
      .kind = is_manifest ? Found::Kind::manifest : Found::Kind::content, .digest = entry.digest, .size = entry.size};
}

}  // namespace

Result<Roots> roots_of(const Workspace& workspace, History& history) {
  Roots out;
  for (const auto* kind : {"tags", "branches"})
    for (const auto& [name, digest] : history.names(kind)) out.snapshots.push_back(digest);
  for (const auto& [path, entry] : workspace.tracked().paths) out.entries.push_back(entry);
  std::error_code error;
  const auto folder = workspace.place().versions + "/index";
  for (std::filesystem::directory_iterator each(folder, error), end; !error && each != end; each.increment(error))
    if (const auto index = read_index(each->path().string())) out.entries.push_back(index->top);
  return out;
}

std::vector<Found> start_of(const Roots& roots) {
  std::vector<Found> out;
  for (const auto& digest : roots.snapshots) out.push_back({.kind = Found::Kind::snapshot, .digest = digest});
  for (const auto& entry : roots.entries) out.push_back(found_of(entry));
  return out;
}

Result<void> open_object(const Found& found, const std::string& text, std::vector<Found>& next) {
  if (found.kind == Found::Kind::content) return {};
  if (found.kind == Found::Kind::manifest) {
    MILLRACE_TRY(const auto entries, read_manifest(text, found.digest.text()));
    for (const auto& entry : entries) next.push_back(found_of(entry));
    return {};
  }
  MILLRACE_TRY(const auto snapshot, read_snapshot(found.digest, text));
  for (const auto& parent : snapshot.parents) next.push_back({.kind = Found::Kind::snapshot, .digest = parent});
  for (const auto& [path, entry] : snapshot.paths) next.push_back(found_of(entry));
  return {};
}

Result<Digests> reach(const Roots& roots, const Fetch& fetch, const Missing& missing) {
  Digests out;
  auto next = start_of(roots);
  Digests first;
  for (const auto& each : next) first.insert(each.digest);
  while (!next.empty()) {
    const auto found = next.back();
    next.pop_back();
    if (!out.insert(found.digest).second || found.kind == Found::Kind::content) continue;
    const auto text = fetch(found.digest);
    if (text)
      MILLRACE_DO(open_object(found, *text, next));
    else
      MILLRACE_DO(missing(text.error(), first.contains(found.digest)));
  }
  return out;
}

}  // namespace millrace::versions
