#include <fmt/format.h>

#include "core/json.h"
#include "track/frozen.h"
#include "track/tracking.h"

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

Result<std::vector<FileInfo>> Tracking::list_below(const Caller& caller, const std::string& uri,
                                                   const std::string& folder) const {
  const auto root = artifact_path(uri);
  if (root.empty()) return Error{Code::invalid, fmt::format("the artifacts are not kept here but at {}", uri)};
  return artifacts_.list(caller.workspace, folder.empty() ? root : root + "/" + folder);
}

Result<void> Tracking::note_artifact(const Caller& caller, const std::string& kind, const std::string& path,
                                     const Stored& stored) {
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session&) -> Result<lineage::Change> {
    return lineage::Change{.kind = kind,
                           .node = node_of(path),
                           .before = "",
                           .after = stored.digest,
                           .why = "",
                           .body = {{"path", path}, {"size", stored.size}}};
  }));
  (void)line;
  return {};
}

Result<void> Tracking::check_open(const std::string& workspace, const std::string& path, Below below) const {
  std::string clean = path;
  while (clean.ends_with('/')) clean.pop_back();
  return database_.read(
      [&](store::Session& session) { return check_path_open(session, workspace, clean, below); });
}

Result<void> Tracking::put_artifact(const Caller& caller, const std::string& path, const std::string& spooled_file) {
  const std::shared_lock held(freezing_);
  MILLRACE_DO(check_open(caller.workspace, path, Below::alone));
  MILLRACE_TRY(const auto stored, artifacts_.put(caller.workspace, path, spooled_file));
  return note_artifact(caller, "artifact.written", path, stored);
}

Result<void> Tracking::put_artifact_text(const Caller& caller, const std::string& path, std::string_view bytes) {
  const std::shared_lock held(freezing_);
  MILLRACE_DO(check_open(caller.workspace, path, Below::alone));
  MILLRACE_TRY(const auto stored, artifacts_.put_text(caller.workspace, path, bytes));
  return note_artifact(caller, "artifact.written", path, stored);
}

Result<void> Tracking::delete_artifacts(const Caller& caller, const std::string& path) {
  const std::shared_lock held(freezing_);
  MILLRACE_DO(check_open(caller.workspace, path, Below::whole));
  MILLRACE_DO(artifacts_.remove(caller.workspace, path));
  return note_artifact(caller, "artifact.deleted", path, {});
}

}  // namespace millrace::track
