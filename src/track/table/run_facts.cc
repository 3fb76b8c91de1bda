#include "track/table/run_facts.h"

#include <algorithm>

#include <fmt/format.h>

#include "track/rows.h"
#include "track/run_rows.h"
#include "track/table/run_table.h"

namespace millrace::track {
namespace {

constexpr int64_t kExperimentsMost = 100'000;

Json time_json(int64_t ms) { return ms == 0 ? Json(nullptr) : Json(to_iso(ms * 1000)); }

std::string_view table_of(Entity entity) {
  return entity == Entity::metric  ? "track_latest_metrics"
         : entity == Entity::param ? "track_params"
                                   : "track_run_tags";
}

Json value_json(Entity entity, const store::Row& row) {
  Json out{{"key", row.text(0)}};
  if (entity != Entity::metric) {
    out["value"] = row.text(1);
    return out;
  }
  const bool is_nan = row.integer(2) != 0;
  out["last"] = is_nan ? Json(nullptr) : Json(row.real(1));
  out["step"] = row.integer(3);
  out["at"] = time_json(row.integer(4));
  out["min"] = row.is_null(5) ? Json(nullptr) : Json(row.real(5));
  out["max"] = row.is_null(6) ? Json(nullptr) : Json(row.real(6));
  if (is_nan) out["nan"] = true;
  return out;
}

Json page_json(RunValues&& values) {
  return {{"items", std::move(values.items)},
          {"next", values.next.empty() ? Json(nullptr) : Json(values.next)},
          {"total", values.total}};
}

Json datasets_json(const Run& run) {
  Json out = Json::array();
  for (const auto& input : run.datasets) {
    const auto& dataset = input.dataset;
    std::string context;
    for (const auto& tag : input.tags)
      if (tag.key == "mlflow.data.context") context = tag.value;
    out.push_back({{"name", dataset.name},
                   {"digest", dataset.digest},
                   {"source_type", dataset.source_type},
                   {"source", dataset.source},
                   {"context", context.empty() ? Json(nullptr) : Json(context)}});
  }
  return out;
}

// The node that the graph joins to the run for a dataset, where there is one.
Result<void> add_nodes(store::Session& session, const std::string& workspace, const std::string& experiment,
                       Json& datasets) {
  for (auto& dataset : datasets) {
    MILLRACE_TRY(const auto row,
                 session.first("SELECT node FROM track_datasets WHERE workspace = ? AND experiment_id = ? AND name = ? "
                               "AND digest = ?",
                               {workspace, experiment, dataset["name"].get<std::string>(),
                                dataset["digest"].get<std::string>()}));
    dataset["node"] = row && !row->text(0).empty() ? Json(row->text(0)) : Json(nullptr);
  }
  return {};
}

}  // namespace

std::string like_any(const std::string& part) {
  std::string out = "%";
  for (const char c : part) {
    if (c == '%' || c == '_' || c == '!') out.push_back('!');
    out.push_back(c);
  }
  return out + "%";
}

Json info_json(const RunInfo& info) {
  return {{"run_id", info.id},
          {"node", info.node()},
          {"name", info.name},
          {"status", info.status},
          {"user", info.user_id},
          {"experiment_id", info.experiment_id},
          {"start_time", time_json(info.start_time)},
          {"end_time", info.end_time ? time_json(*info.end_time) : Json(nullptr)},
          {"lifecycle_stage", info.lifecycle_stage}};
}

Result<RunValues> run_values(store::Session& session, const std::string& workspace, const std::string& run,
                             const ValuesPage& page) {
  std::string where = "workspace = ? AND run_id = ?";
  store::Values values{workspace, run};
  if (!page.q.empty()) {
    where += " AND lower(key) LIKE lower(?) ESCAPE '!'";
    values.emplace_back(like_any(page.q));
  }
  RunValues out;
  const auto table = table_of(page.entity);
  MILLRACE_TRY(const auto total, session.first(fmt::format("SELECT count(*) FROM {} WHERE {}", table, where), values));
  out.total = total->integer(0);
  if (!page.after.empty()) {
    where += " AND key > ?";
    values.emplace_back(page.after);
  }
  values.emplace_back(page.limit + 1);
  MILLRACE_TRY(
      const auto rows,
      session.query(
          fmt::format("SELECT key, value{} FROM {} WHERE {} ORDER BY key LIMIT ?",
                      page.entity == Entity::metric ? ", is_nan, step, timestamp, least, greatest" : "", table, where),
          values));
  for (const auto& row : rows) {
    if (static_cast<int64_t>(out.items.size()) == page.limit) {
      out.next = out.items.back()["key"].get<std::string>();
      break;
    }
    out.items.push_back(value_json(page.entity, row));
  }
  return out;
}

Result<Json> run_facts(store::Session& session, const std::string& workspace, const std::string& id) {
  MILLRACE_TRY(const auto info, load_run_info(session, workspace, id));
  MILLRACE_TRY(const auto inputs, load_run_inputs(session, workspace, info));
  MILLRACE_TRY(const auto experiment, load_experiment(session, workspace, info.experiment_id));
  Json out = info_json(info);
  out["artifact_uri"] = info.artifact_uri;
  out["experiment"] = {{"experiment_id", experiment.id}, {"name", experiment.name}};
  out["counts"] = Json::object();
  for (const auto entity : {Entity::metric, Entity::param, Entity::tag}) {
    MILLRACE_TRY(auto values, run_values(session, workspace, id, {.entity = entity, .q = "", .after = ""}));
    const std::string name(plural_of(entity));
    out["counts"][name] = values.total;
    out[name] = page_json(std::move(values));
  }
  MILLRACE_TRY(const auto parent, session.first("SELECT value FROM track_run_tags WHERE workspace = ? AND run_id = ? "
                                                "AND key = 'mlflow.parentRunId'",
                                                {workspace, id}));
  out["parent"] = parent ? Json(parent->text(0)) : Json(nullptr);
  out["datasets"] = datasets_json(inputs);
  MILLRACE_DO(add_nodes(session, workspace, info.experiment_id, out["datasets"]));
  out["counts"]["datasets"] = inputs.datasets.size();
  Json outputs = Json::array();
  for (const auto& model : inputs.model_outputs)
    outputs.push_back({{"model_id", model.model_id}, {"step", model.step}});
  out["counts"]["models"] = outputs.size();
  out["models"] = {{"inputs", inputs.model_inputs}, {"outputs", std::move(outputs)}};
  return out;
}

Result<ExperimentRows> experiment_rows(store::Session& session, const std::string& workspace,
                                       const ExperimentsPage& page) {
  std::string where = "e.workspace = ?";
  store::Values values{workspace};
  if (page.view != "all") {
    where += " AND e.lifecycle_stage = ?";
    values.emplace_back(page.view);
  }
  if (!page.q.empty()) {
    where += " AND lower(e.name) LIKE lower(?) ESCAPE '!'";
    values.emplace_back(like_any(page.q));
  }
  values.emplace_back(kExperimentsMost);
  MILLRACE_TRY(
      const auto rows,
      session.query(fmt::format("SELECT e.id, e.name, e.lifecycle_stage, e.last_update_time, coalesce((SELECT "
                                "max(r.start_time) FROM track_runs r WHERE r.workspace = e.workspace AND "
                                "r.experiment_id = e.id AND r.lifecycle_stage = 'active'), 0) FROM track_experiments e "
                                "WHERE {} LIMIT ?",
                                where),
                    values));
  std::vector<std::pair<int64_t, const store::Row*>> newest;
  for (const auto& row : rows) newest.emplace_back(std::max(row.integer(3), row.integer(4)), &row);
  std::stable_sort(newest.begin(), newest.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  ExperimentRows out{.total = static_cast<int64_t>(newest.size())};
  for (size_t i = page.from; i < std::min(newest.size(), page.from + page.count); ++i) {
    const auto& row = *newest[i].second;
    MILLRACE_TRY(const auto runs, session.first("SELECT count(*) FROM track_runs WHERE workspace = ? AND experiment_id "
                                                "= ? AND lifecycle_stage = 'active'",
                                                {workspace, row.text(0)}));
    out.items.push_back({{"experiment_id", row.text(0)},
                         {"name", row.text(1)},
                         {"runs", runs->integer(0)},
                         {"updated_at", time_json(newest[i].first)},
                         {"lifecycle_stage", row.text(2)}});
  }
  return out;
}

}  // namespace millrace::track
