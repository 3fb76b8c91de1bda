// Stages of MLflow's older clients: None, Staging, Production, Archived.
#include <algorithm>

#include <fmt/format.h>

#include "registry/models/rows.h"
#include "registry/requests/moves.h"
#include "registry/requests/rows.h"
#include "registry/signing/signatures.h"

namespace millrace::registry {

Result<void> Registry::set_stage(const Caller& caller, const Project* project, const StageMove& wanted) {
  MILLRACE_DO(check_registered_name(wanted.model, "name"));
  auto move = wanted;
  MILLRACE_TRY(move.stage, canonical_stage(wanted.stage));
  if (move.archive && move.stage != "Staging" && move.stage != "Production")
    return Error{Code::invalid, fmt::format("Model version transition cannot archive existing model versions because "
                                            "'{}' is not an Active stage. Valid stages are ['Staging', 'Production']",
                                            wanted.stage)};
  MILLRACE_DO(may_write(caller, fmt::format("version {} of the model '{}'", move.version, move.model)));
  auto found = get(caller.workspace, move.model, move.version);
  if (!found && found.error().code() == Code::not_found)
    return Error{Code::not_found,
                 fmt::format("Model Version (name={}, version={}) not found", move.model, move.version)};
  MILLRACE_TRY(const auto version, std::move(found));
  if (version.stage == move.stage && !move.archive) return {};
  if (move.stage == "Staging" || move.stage == "Production")
    MILLRACE_DO(parts_.database.read([&](store::Session& session) {
      return check_signed(session, parts_.blobs, project, caller.workspace, move.model, move.version);
    }));
  MILLRACE_TRY(const auto granted,
               ask(caller, project, {move.model, "stage", move.stage, move.version, move.archive, move.why}));
  MILLRACE_TRY(const auto line, parts_.journal.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto before, get_present(session, caller.workspace, move.model, move.version));
    const MoveNote note{.why = move.why, .request = granted, .restores = 0, .at = parts_.context.now()};
    MILLRACE_DO(settle(session, caller, project, granted, note.at));
    Json archived = Json::array();
    if (move.archive) {
      MILLRACE_TRY(const auto there, versions_in(session, caller.workspace, move.model, move.stage));
      for (const auto other : there) {
        if (other == move.version) continue;
        MILLRACE_DO(put_stage(session, caller, {move.model, other, std::string(kStageArchived), false, {}}, note));
        archived.push_back(other);
      }
    }
    if (before.version.stage == move.stage && archived.empty()) return lineage::Change{};
    if (before.version.stage != move.stage) MILLRACE_DO(put_stage(session, caller, move, note));
    MILLRACE_DO(touch_registered(session, caller.workspace, move.model, note.at));
    return lineage::Change{
        .kind = "model.stage.set",
        .node = before.version.node(),
        .before = before.version.stage,
        .after = move.stage,
        .why = move.why,
        .body = {
            {"model", move.model}, {"version", move.version}, {"archived", std::move(archived)}, {"request", granted}}};
  }));
  (void)line;
  return {};
}

Result<std::vector<StageMember>> Registry::stage_at(const std::string& workspace, const std::string& model,
                                                    const std::string& stage, Micros at) const {
  MILLRACE_TRY(const auto name, canonical_stage(stage));
  std::vector<StageMember> out;
  MILLRACE_DO(parts_.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(
        const auto rows,
        session.query("SELECT m.version, m.stage, m.subject, m.via, m.why, m.request, m.at FROM model_stage_moves m "
                      "JOIN model_versions v ON v.workspace = m.workspace AND v.model = m.model AND v.version = "
                      "m.version WHERE m.workspace = ? AND m.model = ? AND m.at <= ? AND m.stage = ? AND (v.deleted_at "
                      "= 0 OR v.deleted_at > ?) AND NOT EXISTS (SELECT 1 FROM model_stage_moves n WHERE n.workspace = "
                      "m.workspace AND n.model = m.model AND n.version = m.version AND n.number > m.number AND n.at <= "
                      "?) ORDER BY m.version",
                      {workspace, model, at, name, at, at}));
    for (const auto& row : rows)
      out.push_back({row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5), row.integer(6)});
    return {};
  }));
  return out;
}

}  // namespace millrace::registry
