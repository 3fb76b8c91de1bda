#include "track/frozen.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "track/search/query.h"

namespace millrace::track {
namespace {

constexpr std::string_view kOwnFolder = "registered";  // the registry's own files live below it

std::string_view name_of(Frozen kind) {
  return kind == Frozen::run ? "run" : kind == Frozen::model ? "model" : "files";
}

std::string model_of(const std::string& node) {
  const auto colon = node.find(':'), at = node.rfind('@');
  return fmt::format("version {} of the model '{}'", node.substr(at + 1), node.substr(colon + 1, at - colon - 1));
}

Error read_only(const std::string& what, const std::string& node) {
  return Error{Code::conflict, fmt::format("{} is read-only: {} stands on it", what, node)}.hint(
      fmt::format("log to a new run and register that, or delete {} first", model_of(node)));
}

Result<std::optional<std::string>> holder_of(store::Session& session, const std::string& workspace, Frozen kind,
                                             const std::string& id) {
  MILLRACE_TRY(const auto row, session.first("SELECT node FROM track_frozen WHERE workspace = ? AND kind = ? AND id = "
                                             "? ORDER BY node LIMIT 1",
                                             {workspace, std::string(name_of(kind)), id}));
  return row ? std::optional(row->text(0)) : std::nullopt;
}

Result<void> check_free(store::Session& session, const std::string& workspace, Frozen kind, const std::string& id) {
  MILLRACE_TRY(const auto node, holder_of(session, workspace, kind, id));
  if (node) return read_only(fmt::format("the {} {}", kind == Frozen::run ? "run" : "logged model", id), *node);
  return {};
}

bool has_ended(const RunInfo& run) { return run.status != "RUNNING" && run.status != "SCHEDULED"; }

}  // namespace

Result<void> freeze(store::Session& session, const std::string& workspace, Frozen kind, const std::string& id,
                    const std::string& node) {
  MILLRACE_TRY(const auto rows, session.execute("INSERT INTO track_frozen (workspace, kind, id, node) VALUES (?, ?, ?, "
                                                "?) ON CONFLICT DO NOTHING",
                                                {workspace, std::string(name_of(kind)), id, node}));
  (void)rows;
  return {};
}

Result<void> thaw(store::Session& session, const std::string& workspace, const std::string& node) {
  MILLRACE_TRY(const auto rows,
               session.execute("DELETE FROM track_frozen WHERE workspace = ? AND node = ?", {workspace, node}));
  (void)rows;
  return {};
}

Result<void> rename_frozen(store::Session& session, const std::string& workspace, const std::string& from,
                           const std::string& to) {
  MILLRACE_TRY(const auto rows, session.execute("UPDATE track_frozen SET node = ? WHERE workspace = ? AND node = ?",
                                                {to, workspace, from}));
  (void)rows;
  return {};
}

Result<void> check_not_frozen(store::Session& session, const std::string& workspace, const RunInfo& run) {
  return has_ended(run) ? check_free(session, workspace, Frozen::run, run.id) : Result<void>{};
}

Result<void> check_not_frozen(store::Session& session, const std::string& workspace, const LoggedModel& model) {
  return check_free(session, workspace, Frozen::model, model.id);
}

Result<void> check_run_deletable(store::Session& session, const std::string& workspace, const std::string& run) {
  return check_free(session, workspace, Frozen::run, run);
}

Result<void> check_experiment_deletable(store::Session& session, const std::string& workspace, const std::string& id) {
  MILLRACE_TRY(
      const auto row,
      session.first("SELECT f.id, f.node FROM track_frozen f JOIN track_runs r ON r.workspace = f.workspace AND r.id = "
                    "f.id WHERE f.workspace = ? AND f.kind = 'run' AND r.experiment_id = ? ORDER BY f.node LIMIT 1",
                    {workspace, id}));
  if (!row) return {};
  return read_only(fmt::format("the run {} of the experiment {}", row->text(0), id), row->text(1));
}

Result<void> check_path_open(store::Session& session, const std::string& workspace, const std::string& path,
                             Below below) {
  if (path == kOwnFolder || path.starts_with(std::string(kOwnFolder) + "/"))
    return Error{Code::invalid, fmt::format("Invalid path: '{}' holds the files of registered versions", kOwnFolder)};
  std::vector<std::string> above;
  for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
    above.push_back(path.substr(0, slash));
  above.push_back(path);
  store::Values values{workspace};
  auto sql = fmt::format("SELECT id, node FROM track_frozen WHERE workspace = ? AND kind = 'files' AND (id IN ({})",
                         placeholders(above, values));
  if (below == Below::whole) {
    sql += " OR (id > ? AND id < ?)";
    values.emplace_back(path + "/");
    values.emplace_back(path + "0");  // the character after '/'
  }
  MILLRACE_TRY(const auto row, session.first(sql + ") ORDER BY id LIMIT 1", values));
  if (!row) return {};
  return read_only(fmt::format("'{}'", row->text(0)), row->text(1));
}

bool is_housekeeping(std::string_view tag) {
  static constexpr std::array known = {"mlflow.note.content", "mlflow.log-model.history", "mlflow.loggedArtifacts",
                                       "mlflow.runColor"};
  return std::find(known.begin(), known.end(), tag) != known.end();
}

}  // namespace millrace::track
