#include <fmt/format.h>

#include "core/fault.h"
#include "core/json.h"
#include "track/frozen.h"
#include "track/stored.h"
#include "track/tracking.h"
#include "track/writing.h"

namespace millrace::track {
namespace {

// EXPERIMENT/RUN/artifacts/... belongs to the run, EXPERIMENT/models/MODEL/artifacts/... to the logged model.
std::string node_of(std::string_view path) {
  const auto part = [&] {
    const auto slash = path.find('/');
    const auto out = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    return std::string(out);
  };
  part();  // the experiment
  const auto second = part();
  if (second == "models") return "artifact:" + part();
  return second.empty() ? "" : "run:" + second;
}

}  // namespace

std::string Tracking::artifact_path(std::string_view uri) {
  constexpr std::string_view scheme = "mlflow-artifacts:/";
  return uri.starts_with(scheme) ? std::string(uri.substr(scheme.size())) : std::string();
}

namespace {

// What of `uri` lies below `root`: "" for the root itself, nothing when it lies elsewhere.
std::optional<std::string> below(std::string_view uri, std::string_view root) {
  while (root.ends_with('/')) root.remove_suffix(1);
  if (!uri.starts_with(root)) return std::nullopt;
  uri.remove_prefix(root.size());
  if (!uri.empty() && uri.front() != '/') return std::nullopt;
  while (uri.starts_with('/')) uri.remove_prefix(1);
  return std::string(uri);
}

struct Kept {
  const Artifacts& in;
  std::string path;
};

Result<Kept> kept_at(const ArtifactPlaces& places, const Caller& caller, const std::string& uri,
                     const std::string& path) {
  const auto joined = [&](const std::string& root) {
    return root.empty() || path.empty() ? root + path : root + "/" + path;
  };
  if (uri.starts_with("mlflow-artifacts:/")) return Kept{places.proxied, joined(Tracking::artifact_path(uri))};
  if (places.direct) {
    const auto space = caller.workspace == "default" ? "" : "/workspaces/" + caller.workspace;
    if (const auto root = below(uri, places.root_uri + space); root && !root->empty())
      return Kept{*places.direct, joined(*root)};
  }
  return Error{Code::invalid, fmt::format("the artifacts are not kept here but at {}", uri)};
}

}  // namespace

Result<std::vector<FileInfo>> Tracking::list_below(const Caller& caller, const std::string& uri,
                                                   const std::string& folder) const {
  MILLRACE_TRY(const auto kept, kept_at(places_, caller, uri, folder));
  return kept.in.list(caller.workspace, kept.path);
}

Result<Stored> Tracking::find_artifact(const Caller& caller, const std::string& uri, const std::string& path) const {
  MILLRACE_TRY(const auto kept, kept_at(places_, caller, uri, path));
  MILLRACE_TRY(auto state, kept.in.find(caller.workspace, kept.path));
  Stored out{.digest = "", .size = state.size, .stamp = std::move(state.stamp)};
  if (&kept.in != &places_.proxied) return out;  // written by others
  MILLRACE_TRY(const auto at, ArtifactPath::of_file(caller.workspace, kept.path));
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto row,
                 session.first("SELECT digest FROM track_artifacts WHERE workspace = ? AND path = ? AND stamp = ?",
                               {caller.workspace, at.text(), out.stamp}));
    if (row) out.digest = row->text(0);
    return {};
  }));
  return out;
}

Result<OpenFile> Tracking::open_artifact(const Caller& caller, const std::string& uri, const std::string& path,
                                         Span span) const {
  MILLRACE_TRY(const auto kept, kept_at(places_, caller, uri, path));
  return kept.in.open(caller.workspace, kept.path, span);
}

Result<std::string> Tracking::presign_artifact(const Caller& caller, const std::string& uri, const std::string& path,
                                               Presign what, int64_t seconds) const {
  MILLRACE_TRY(const auto kept, kept_at(places_, caller, uri, path));
  return kept.in.presign(caller.workspace, kept.path, what, seconds);
}

Result<void> Tracking::remove_below(const Caller& caller, const std::string& uri) {
  MILLRACE_TRY(const auto kept, kept_at(places_, caller, uri, ""));
  if (auto removed = kept.in.remove(caller.workspace, kept.path); !removed && removed.error().code() != Code::not_found)
    return removed;
  if (&kept.in != &places_.proxied) return {};
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(forget_artifacts(session, caller.workspace, kept.path));
    return lineage::Change{};
  }));
  (void)line;
  return {};
}

bool Tracking::goes_direct(const std::string& uri) const { return places_.direct && artifact_path(uri).empty(); }

Result<void> Tracking::note_artifact(const Caller& caller, const std::string& path, const Stored& stored,
                                     const Also& also) {
  MILLRACE_TRY(const auto at, ArtifactPath::of_file(caller.workspace, path));
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto done,
                 session.execute(
                     "INSERT INTO track_artifacts (workspace, path, size, digest, stamp, recorded_at) VALUES (?, ?, ?, "
                     "?, ?, ?) ON CONFLICT (workspace, path) DO UPDATE SET size = excluded.size, digest = "
                     "excluded.digest, stamp = excluded.stamp, recorded_at = excluded.recorded_at",
                     {caller.workspace, at.text(), stored.size, stored.digest, stored.stamp, context_.now()}));
    (void)done;
    if (also) MILLRACE_DO(also(session));
    return lineage::Change{.kind = "artifact.written",
                           .node = node_of(at.text()),
                           .before = "",
                           .after = stored.digest,
                           .why = "",
                           .body = {{"path", at.text()}, {"size", stored.size}}};
  }));
  (void)line;
  return {};
}

Result<void> Tracking::store_artifact(const Caller& caller, const std::string& path, const std::string& spooled_file,
                                      const std::string& digest, const Also& also) {
  return place_artifact(
      caller, path, [&] { return places_.proxied.put(caller.workspace, path, spooled_file, digest); }, also);
}

Result<void> Tracking::place_artifact(const Caller& caller, const std::string& path,
                                      const std::function<Result<Stored>()>& put, const Also& also) {
  const std::shared_lock held(freezing_);
  Writing writing({database_, journal_, context_}, caller, path, Below::alone);
  MILLRACE_DO(writing.begin());
  FAULT_POINT("track.artifact.before_put");
  MILLRACE_TRY(const auto stored, put());
  FAULT_POINT("track.artifact.before_note");
  MILLRACE_DO(note_artifact(caller, path, stored, [&](store::Session& session) -> Result<void> {
    MILLRACE_DO(writing.end(session));
    return also ? also(session) : Result<void>{};
  }));
  writing.done();
  return {};
}

Result<void> Tracking::put_artifact(const Caller& caller, const std::string& path, const std::string& spooled_file,
                                    const std::string& digest) {
  return store_artifact(caller, path, spooled_file, digest, nullptr);
}

Result<void> Tracking::put_artifact_text(const Caller& caller, const std::string& path, std::string_view bytes) {
  return place_artifact(
      caller, path, [&] { return places_.proxied.put_text(caller.workspace, path, bytes); }, nullptr);
}

Result<void> Tracking::delete_artifacts(const Caller& caller, const std::string& path) {
  const std::shared_lock held(freezing_);
  Writing writing({database_, journal_, context_}, caller, path, Below::whole);
  MILLRACE_DO(writing.begin());
  MILLRACE_DO(places_.proxied.remove(caller.workspace, path));
  MILLRACE_TRY(const auto at, ArtifactPath::of_file(caller.workspace, path));
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(writing.end(session));
    MILLRACE_DO(forget_artifacts(session, caller.workspace, at.text()));
    return lineage::Change{.kind = "artifact.deleted",
                           .node = node_of(at.text()),
                           .before = "",
                           .after = "",
                           .why = "",
                           .body = {{"path", at.text()}, {"size", 0}}};
  }));
  (void)line;
  writing.done();
  return {};
}

Result<bool> Tracking::is_being_written(store::Session& session, const std::string& workspace,
                                        const std::string& path) const {
  return track::is_being_written(session, {database_, journal_, context_}, workspace, path);
}

Result<void> Tracking::forget_writing() { return track::forget_writing({database_, journal_, context_}); }

Result<void> forget_artifacts(store::Session& session, const std::string& workspace, const std::string& path) {
  // '0' follows '/'.
  MILLRACE_TRY(const auto done,
               session.execute("DELETE FROM track_artifacts WHERE workspace = ? AND (path = ? OR (path > "
                               "? AND path < ?))",
                               {workspace, path, path + "/", path + "0"}));
  (void)done;
  return {};
}

}  // namespace millrace::track
