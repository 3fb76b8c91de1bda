#include <fmt/format.h>

#include "core/ids.h"
#include "traces/rows.h"
#include "traces/traces.h"

namespace millrace::traces {
namespace {

Result<Assessment> load_one(store::Session& session, const std::string& workspace, const std::string& trace,
                            const std::string& id) {
  MILLRACE_DO(check_exists(session, workspace, trace));
  MILLRACE_TRY(auto all, load_assessments(session, workspace, {trace}));
  for (auto& each : all)
    if (each.id == id) return std::move(each);
  return Error{Code::not_found,
               fmt::format("Assessment with ID '{}' not found for trace '{}'", id.substr(0, 250), trace)};
}

Result<void> set_valid(store::Session& session, const std::string& workspace, const std::string& trace,
                       const std::string& id, bool valid) {
  MILLRACE_DO(session.execute("UPDATE llm_assessments SET valid = ? WHERE workspace = ? AND trace_id = ? AND id = ?",
                              {int64_t{valid}, workspace, trace, id}));
  return {};
}

lineage::Change assessed(std::string_view kind, const Assessment& it) {
  return change_of(kind, {{"trace_id", it.trace_id},
                          {"assessment_id", it.id},
                          {"kind", it.kind},
                          {"name", it.name},
                          {"value", it.content},
                          {"source", {{"type", it.source_type}, {"id", it.source_id}}}});
}

}  // namespace

Result<Assessment> Traces::add_assessment(const Caller& caller, const Assessment& wanted) {
  MILLRACE_DO(check_assessment(wanted));
  auto made = wanted;
  if (made.id.empty()) made.id = "a-" + make_hex(context_.random, 16);
  if (made.create_time == 0) made.create_time = now_ms();
  if (made.update_time == 0) made.update_time = made.create_time;
  made.valid = true;
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(check_exists(session, caller.workspace, made.trace_id));
    MILLRACE_TRY(const auto there, load_assessments(session, caller.workspace, {made.trace_id}));
    if (there.size() >= bounds::assessments)
      return Error{Code::invalid, fmt::format("a trace has at most {} assessments", bounds::assessments)};
    for (const auto& each : there)
      if (each.id == made.id)
        return Error{Code::conflict,
                     fmt::format("Assessment with ID '{}' already exists for trace '{}'", made.id, made.trace_id)};
    if (!made.overrides.empty()) {
      MILLRACE_TRY(const auto overridden, load_one(session, caller.workspace, made.trace_id, made.overrides));
      MILLRACE_DO(set_valid(session, caller.workspace, made.trace_id, overridden.id, false));
    }
    MILLRACE_DO(store_assessment(session, caller.workspace, made));
    return assessed("assessment_created", made);
  }));
  return made;
}

Result<Assessment> Traces::get_assessment(const Caller& caller, const std::string& trace, const std::string& id) const {
  Assessment out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(out, load_one(session, caller.workspace, trace, id));
    return {};
  }));
  return out;
}

Result<Assessment> Traces::update_assessment(const Caller& caller, const std::string& trace, const std::string& id,
                                             const AssessmentUpdate& update) {
  if (update.expectation && update.feedback)
    return Error{Code::invalid, "Cannot specify both `expectation` and `feedback` parameters."};
  Assessment out;
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(out, load_one(session, caller.workspace, trace, id));
    if (update.expectation && out.kind != "expectation")
      return Error{Code::invalid, "Cannot update expectation value on a Feedback assessment."};
    if (update.feedback && out.kind != "feedback")
      return Error{Code::invalid, "Cannot update feedback value on an Expectation assessment."};
    if (update.expectation) out.content = *update.expectation;
    if (update.feedback) out.content = *update.feedback;
    if (update.name) out.name = *update.name;
    if (update.rationale) out.rationale = *update.rationale;
    if (update.valid) out.valid = *update.valid;
    if (update.metadata)
      for (const auto& [key, value] : *update.metadata) out.metadata[key] = value;
    out.update_time = now_ms();
    MILLRACE_DO(check_assessment(out));
    MILLRACE_DO(store_assessment(session, caller.workspace, out));
    return assessed("assessment_updated", out);
  }));
  return out;
}

// Again is fine. What it stood in for counts again.
Result<void> Traces::delete_assessment(const Caller& caller, const std::string& trace, const std::string& id) {
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(check_exists(session, caller.workspace, trace));
    const auto found = load_one(session, caller.workspace, trace, id);
    if (!found && found.error().code() == Code::not_found) return lineage::Change{};
    if (!found) return found.error();
    MILLRACE_DO(session.execute("DELETE FROM llm_assessments WHERE workspace = ? AND trace_id = ? AND id = ?",
                                {caller.workspace, trace, id}));
    if (!found->overrides.empty()) MILLRACE_DO(set_valid(session, caller.workspace, trace, found->overrides, true));
    return assessed("assessment_deleted", *found);
  }));
  return {};
}

}  // namespace millrace::traces
