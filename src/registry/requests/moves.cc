#include "registry/requests/moves.h"

#include <fmt/format.h>

namespace millrace::registry {

Result<int64_t> label_now(store::Session& session, const std::string& workspace, const std::string& model,
                          const std::string& alias) {
  MILLRACE_TRY(const auto row,
               session.first("SELECT version FROM model_aliases WHERE workspace = ? AND model = ? AND alias = ?",
                             {workspace, model, alias}));
  return row ? row->integer(0) : int64_t{0};
}

Result<void> put_label(store::Session& session, const Caller& caller, const Alias& alias, const MoveNote& note) {
  if (alias.version == 0) {
    MILLRACE_TRY(const auto gone,
                 session.execute("DELETE FROM model_aliases WHERE workspace = ? AND model = ? AND alias = ?",
                                 {caller.workspace, alias.model, alias.name}));
    (void)gone;
  } else {
    MILLRACE_TRY(const auto put,
                 session.execute("INSERT INTO model_aliases (workspace, model, alias, version, subject, set_at) VALUES "
                                 "(?, ?, ?, ?, ?, ?) ON CONFLICT (workspace, model, alias) DO UPDATE SET version = "
                                 "excluded.version, subject = excluded.subject, set_at = excluded.set_at",
                                 {caller.workspace, alias.model, alias.name, alias.version, caller.subject, note.at}));
    (void)put;
  }
  MILLRACE_TRY(const auto row, session.first("SELECT coalesce(max(number), 0) FROM model_alias_moves WHERE workspace = "
                                             "? AND model = ? AND alias = ?",
                                             {caller.workspace, alias.model, alias.name}));
  MILLRACE_TRY(const auto kept,
               session.execute("INSERT INTO model_alias_moves (workspace, model, alias, number, version, restores, "
                               "subject, via, why, request, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                               {caller.workspace, alias.model, alias.name, row->integer(0) + 1, alias.version,
                                note.restores, caller.subject, caller.via, note.why, note.request, note.at}));
  (void)kept;
  return {};
}

Result<void> put_stage(store::Session& session, const Caller& caller, const StageMove& move, const MoveNote& note) {
  MILLRACE_TRY(const auto put,
               session.execute("UPDATE model_versions SET stage = ?, updated_at = ? WHERE workspace = ? "
                               "AND model = ? AND version = ?",
                               {move.stage, note.at, caller.workspace, move.model, move.version}));
  MILLRACE_TRY(const auto row, session.first("SELECT coalesce(max(number), 0) FROM model_stage_moves WHERE workspace = "
                                             "? AND model = ? AND version = ?",
                                             {caller.workspace, move.model, move.version}));
  MILLRACE_TRY(const auto kept,
               session.execute("INSERT INTO model_stage_moves (workspace, model, version, number, stage, subject, via, "
                               "why, request, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                               {caller.workspace, move.model, move.version, row->integer(0) + 1, move.stage,
                                caller.subject, caller.via, note.why, note.request, note.at}));
  (void)put, (void)kept;
  return {};
}

Result<FormerMove> former_move(store::Session& session, const std::string& workspace, const Alias& alias) {
  MILLRACE_TRY(const auto rows, session.query("SELECT number, version, restores FROM model_alias_moves WHERE workspace "
                                              "= ? AND model = ? AND alias = ? ORDER BY number DESC",
                                              {workspace, alias.model, alias.name}));
  const auto origin_of = [](const store::Row& row) { return row.integer(2) != 0 ? row.integer(2) : row.integer(0); };
  int64_t before = rows.empty() ? 0 : origin_of(rows[0]);
  for (const auto& row : rows) {
    if (row.integer(0) >= before) continue;
    before = origin_of(row);
    if (row.integer(1) == 0 || row.integer(1) == rows[0].integer(1)) continue;
    MILLRACE_TRY(const auto stored, get_stored(session, workspace, alias.model, row.integer(1)));
    if (!stored.version.deleted) return FormerMove{before, row.integer(1)};
  }
  return Error{Code::rejected,
               fmt::format("'{}' of the model '{}' stood for no other version before", alias.name, alias.model)}
      .hint("set it to another version");
}

Result<std::vector<int64_t>> versions_in(store::Session& session, const std::string& workspace,
                                         const std::string& model, const std::string& stage) {
  MILLRACE_TRY(const auto rows,
               session.query("SELECT version FROM model_versions WHERE workspace = ? AND model = ? AND "
                             "stage = ? AND deleted_at = 0 ORDER BY version",
                             {workspace, model, stage}));
  std::vector<int64_t> out;
  for (const auto& row : rows) out.push_back(row.integer(0));
  return out;
}

}  // namespace millrace::registry
