#include "pipeline/overview.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace millrace::pipeline {
namespace {

constexpr size_t kReasons = 10;

struct Start {
  std::string id, stage, key, run_id, job, state, error;
  Micros started_at = 0, ended_at = 0;
};

Json moment(Micros time) { return time == 0 ? Json(nullptr) : Json(to_iso(time)); }

Json seconds(Micros from, Micros to) {
  return from == 0 || to == 0 ? Json(nullptr) : Json(static_cast<double>(to - from) / 1e6);
}

std::string node_of(const std::string& stage, const std::string& key) {
  return key.size() > 19 ? fmt::format("stage:{}@{}", stage, key.substr(7, 12)) : "stage:" + stage;
}

Result<std::vector<Start>> read_starts(store::Session& session, const std::string& workspace) {
  MILLRACE_TRY(const auto rows,
               session.query("SELECT id, stage, cache_key, run_id, job, state, error, started_at, ended_at FROM "
                             "stage_attempts WHERE workspace = ? ORDER BY started_at DESC, id DESC LIMIT ?",
                             {workspace, kRunsShown}));
  std::vector<Start> out;
  for (const auto& row : rows)
    out.push_back({row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5), row.text(6),
                   row.integer(7), row.integer(8)});
  return out;
}

// When the record was last found to be current again, newest first.
Result<std::vector<Micros>> read_reuses(store::Session& session, const std::string& workspace,
                                        const std::string& node) {
  MILLRACE_TRY(const auto rows,
               session.query("SELECT recorded_at FROM journal WHERE workspace = ? AND node = ? AND kind = "
                             "'stage.reused' ORDER BY sequence DESC LIMIT 20",
                             {workspace, node}));
  std::vector<Micros> out;
  for (const auto& row : rows) out.push_back(row.integer(0));
  return out;
}

Json dep(std::string_view kind, const std::string& name, Micros from = 0, Micros to = 0) {
  return {{"kind", kind}, {"name", name}, {"from", moment(from)}, {"to", moment(to)}};
}

Json deps_of(const Stage& stage) {
  Json out = Json::array();
  for (const auto& each : stage.datasets) out.push_back(dep("dataset", each.name, each.from, each.to));
  for (const auto& each : stage.stages) out.push_back(dep("stage", each.name));
  for (const auto& each : stage.files) out.push_back(dep("file", each.pattern));
  return out;
}

void add_edges(const Pipeline& pipeline, const Stage& stage, Json& out) {
  const auto to = "stage:" + stage.name;
  for (const auto& each : stage.datasets)
    out.push_back({{"from", "dataset:" + each.name}, {"to", to}, {"what", "dataset"}});
  for (const auto& each : stage.files) out.push_back({{"from", "file:" + each.pattern}, {"to", to}, {"what", "file"}});
  for (const auto& each : stage.stages) {
    const auto* upstream = pipeline.find(each.name);
    out.push_back({{"from", "stage:" + each.name},
                   {"to", to},
                   {"what", upstream == nullptr ? std::string() : fmt::format("{}", fmt::join(upstream->outs, ", "))}});
  }
}

Json last_json(const StageRecord& record, const std::vector<Micros>& reuses) {
  Json outs = Json::array();
  for (const auto& out : record.outs) outs.push_back({{"path", out.path}, {"digest", out.digest}, {"size", out.size}});
  return {{"node", record.node()},
          {"key", record.key},
          {"run_id", record.run_id.empty() ? Json(nullptr) : Json(record.run_id)},
          {"job", record.job},
          {"state", record.state},
          {"outs", std::move(outs)},
          {"undeclared", record.undeclared},
          {"started_at", moment(record.started_at)},
          {"ended_at", moment(record.ended_at)},
          {"seconds", seconds(record.started_at, record.ended_at)},
          {"reused", !reuses.empty()},
          {"reused_at", reuses.empty() ? Json(nullptr) : moment(reuses.front())}};
}

Json run_json(const Start& start) {
  return {{"id", start.id},
          {"job", start.job},
          {"stage", start.stage},
          {"node", node_of(start.stage, start.key)},
          {"run_id", start.run_id.empty() ? Json(nullptr) : Json(start.run_id)},
          {"state", start.state},
          {"error", start.error.empty() ? Json(nullptr) : Json(start.error)},
          {"started_at", moment(start.started_at)},
          {"ended_at", moment(start.ended_at)},
          {"seconds", seconds(start.started_at, start.ended_at)},
          {"reused", false}};
}

Json reuse_json(const StageRecord& record, Micros at) {
  return {{"id", nullptr},
          {"job", nullptr},
          {"stage", record.stage},
          {"node", record.node()},
          {"run_id", record.run_id.empty() ? Json(nullptr) : Json(record.run_id)},
          {"state", "done"},
          {"error", nullptr},
          {"started_at", to_iso(at)},
          {"ended_at", to_iso(at)},
          {"seconds", 0},
          {"reused", true}};
}

// Where a stage stands: what it does now, else whether its newest start failed, else whether its record is current.
struct Standing {
  std::string state;
  std::vector<std::string> why;
  Json problem;
};

Standing standing(const Start* newest, const std::optional<StageRecord>& record, const Plan* plan) {
  Standing out;
  if (plan != nullptr)
    for (const auto& reason : plan->why)
      if (out.why.size() < kReasons) out.why.push_back(reason.text);
  if (newest != nullptr && !newest->error.empty() && newest->state != "done") out.problem = newest->error;
  const bool failed_since =
      newest != nullptr && newest->state == "failed" && (!record || newest->started_at > record->started_at);
  if (newest != nullptr && newest->state == "running")
    out.state = "running";
  else if (failed_since && (plan == nullptr || !plan->cached))
    out.state = "failed";
  else if (!record)
    out.state = "never";
  else
    out.state = plan == nullptr || !plan->cached ? "stale" : "fresh";
  if (out.state != "failed") out.problem = nullptr;
  return out;
}

}  // namespace

Result<Json> overview(const store::Database& database, Pipelines& pipelines, const Caller& caller,
                      const Pipeline& pipeline) {
  Json out{{"stages", Json::array()}, {"edges", Json::array()}, {"problem", nullptr}, {"runs", Json::array()}};
  const auto plans = pipelines.plan(caller, pipeline);
  if (!plans) out["problem"] = plans.error().text();
  std::map<std::string, const Plan*> planned;
  if (plans)
    for (const auto& plan : *plans) planned[plan.stage] = &plan;
  std::map<std::string, std::optional<StageRecord>> records;
  for (const auto& stage : pipeline.stages) {
    MILLRACE_TRY(records[stage.name], pipelines.latest(caller.workspace, stage.name));
  }
  std::vector<Start> starts;
  std::map<std::string, std::vector<Micros>> reuses;
  MILLRACE_DO(database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(starts, read_starts(session, caller.workspace));
    for (const auto& [name, record] : records)
      if (record) {
        MILLRACE_TRY(reuses[name], read_reuses(session, caller.workspace, record->node()));
      }
    return {};
  }));
  std::map<std::string, const Start*> newest;
  for (const auto& start : starts) newest.emplace(start.stage, &start);
  std::vector<std::pair<std::string, Json>> runs;
  for (const auto& start : starts) runs.emplace_back(to_iso(start.started_at), run_json(start));
  for (const auto& stage : pipeline.stages) {
    const auto& record = records[stage.name];
    const auto begun = newest.find(stage.name);
    const auto plan = planned.find(stage.name);
    auto stands = standing(begun == newest.end() ? nullptr : begun->second, record,
                           plan == planned.end() ? nullptr : plan->second);
    out["stages"].push_back({{"name", stage.name},
                             {"kind", stage.kind == StageKind::sql ? "sql" : "command"},
                             {"state", stands.state},
                             {"why", stands.why},
                             {"problem", std::move(stands.problem)},
                             {"deps", deps_of(stage)},
                             {"outs", stage.outs},
                             {"params", stage.params},
                             {"threads", stage.threads},
                             {"last", record ? last_json(*record, reuses[stage.name]) : Json(nullptr)}});
    add_edges(pipeline, stage, out["edges"]);
    if (record)
      for (const auto at : reuses[stage.name]) runs.emplace_back(to_iso(at), reuse_json(*record, at));
  }
  std::stable_sort(runs.begin(), runs.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (auto& [at, run] : runs)
    if (out["runs"].size() < static_cast<size_t>(kRunsShown)) out["runs"].push_back(std::move(run));
  return out;
}

}  // namespace millrace::pipeline
