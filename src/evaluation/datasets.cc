#include "evaluation/datasets.h"

#include <fmt/format.h>

#include "core/ids.h"
#include "evaluation/rows.h"
#include "track/names.h"
#include "track/rows.h"
#include "track/search/query.h"

namespace millrace::evaluation {
namespace {

constexpr const char* kUserTag = "mlflow.user";

Result<void> store_experiments(store::Session& session, const std::string& workspace, const std::string& id,
                               const std::vector<std::string>& experiments) {
  for (const auto& each : experiments) {
    MILLRACE_DO(track::load_experiment(session, workspace, each));
    MILLRACE_DO(
        session.execute("INSERT INTO eval_dataset_experiments (workspace, dataset_id, experiment_id) VALUES (?, ?, ?) "
                        "ON CONFLICT (workspace, dataset_id, experiment_id) DO NOTHING",
                        {workspace, id, each}));
  }
  return {};
}

Result<void> check_experiments(const std::vector<std::string>& ids) {
  if (ids.size() > bounds::experiments)
    return Error{Code::invalid, fmt::format("a dataset is of at most {} experiments", bounds::experiments)};
  for (const auto& each : ids) MILLRACE_DO(track::check_experiment_id(each));
  return {};
}

}  // namespace

Result<Dataset> Datasets::create(const Caller& caller, const std::string& name,
                                 const std::map<std::string, std::string>& tags,
                                 const std::vector<std::string>& experiment_ids) {
  if (name.empty() || track::characters_in(name) > bounds::name)
    return Error{Code::invalid, fmt::format("a dataset's name has 1 to {} characters", bounds::name)};
  MILLRACE_DO(check_tags(tags));
  MILLRACE_DO(check_experiments(experiment_ids));
  for (const auto& each : experiment_ids)  // the first one of a workspace is made when it is asked for
    MILLRACE_DO(tracking_.get_experiment(caller, each));
  const auto user = tags.find(kUserTag);
  const auto by = user == tags.end() ? std::string() : user->second;
  const auto id = "d-" + make_hex(context_.random, 16);
  Dataset out;
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    const auto now = now_ms();
    MILLRACE_TRY(const auto count,
                 session.first("SELECT count(*) FROM eval_datasets WHERE workspace = ?", {caller.workspace}));
    if (count->integer(0) >= static_cast<int64_t>(bounds::datasets))
      return Error{Code::conflict, fmt::format("a workspace has at most {} evaluation datasets", bounds::datasets)};
    MILLRACE_DO(session.execute(
        "INSERT INTO eval_datasets (workspace, id, name, digest, fields, create_time, update_time, created_by, "
        "updated_by) VALUES (?, ?, ?, ?, '', ?, ?, ?, ?)",
        {caller.workspace, id, name, digest_at(name, now), now, now, by, by}));
    MILLRACE_DO(store_tags(session, caller.workspace, id, tags));
    MILLRACE_DO(store_experiments(session, caller.workspace, id, experiment_ids));
    MILLRACE_TRY(out, load(session, caller.workspace, id));
    return change_of("dataset_created", id, {{"name", name}, {"tags", tags}, {"experiment_ids", experiment_ids}});
  }));
  return out;
}

Result<Dataset> Datasets::get(const Caller& caller, const std::string& id) const {
  Dataset out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(out, load(session, caller.workspace, id));
    return {};
  }));
  return out;
}

Result<void> Datasets::remove(const Caller& caller, const std::string& id) {
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    const auto found = load(session, caller.workspace, id);
    if (!found && found.error().code() == Code::not_found) return lineage::Change{};
    if (!found) return found.error();
    for (const std::string table : {"eval_records", "eval_dataset_tags", "eval_dataset_experiments"})
      MILLRACE_DO(
          session.execute("DELETE FROM " + table + " WHERE workspace = ? AND dataset_id = ?", {caller.workspace, id}));
    MILLRACE_DO(session.execute("DELETE FROM eval_datasets WHERE workspace = ? AND id = ?", {caller.workspace, id}));
    auto change = change_of("dataset_deleted", id, {{"name", found->name}, {"records", found->records}});
    change.before = found->digest;
    return change;
  }));
  return {};
}

Result<void> Datasets::set_tags(const Caller& caller, const std::string& id,
                                const std::map<std::string, std::string>& tags) {
  MILLRACE_DO(check_tags(tags));
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(auto dataset, load(session, caller.workspace, id));
    auto all = dataset.tags;
    for (const auto& [key, value] : tags) all[key] = value;
    MILLRACE_DO(check_tags(all));
    MILLRACE_DO(store_tags(session, caller.workspace, id, tags));
    return change_of("tags_set", id, {{"tags", tags}});
  }));
  return {};
}

Result<void> Datasets::delete_tag(const Caller& caller, const std::string& id, const std::string& key) {
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto gone,
                 session.execute("DELETE FROM eval_dataset_tags WHERE workspace = ? AND dataset_id = ? AND key = ?",
                                 {caller.workspace, id, key}));
    return gone == 0 ? lineage::Change{} : change_of("tag_deleted", id, {{"key", key}});
  }));
  return {};
}

Result<Dataset> Datasets::add_experiments(const Caller& caller, const std::string& id,
                                          const std::vector<std::string>& ids) {
  MILLRACE_DO(check_experiments(ids));
  for (const auto& each : ids) MILLRACE_DO(tracking_.get_experiment(caller, each));
  Dataset out;
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(load(session, caller.workspace, id));
    MILLRACE_DO(store_experiments(session, caller.workspace, id, ids));
    MILLRACE_TRY(out, load(session, caller.workspace, id));
    if (out.experiment_ids.size() > bounds::experiments) return check_experiments(out.experiment_ids).error();
    return change_of("experiments_added", id, {{"experiment_ids", ids}});
  }));
  return out;
}

Result<Dataset> Datasets::remove_experiments(const Caller& caller, const std::string& id,
                                             const std::vector<std::string>& ids) {
  MILLRACE_DO(check_experiments(ids));
  Dataset out;
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(load(session, caller.workspace, id));
    for (const auto& each : ids)
      MILLRACE_DO(session.execute(
          "DELETE FROM eval_dataset_experiments WHERE workspace = ? AND dataset_id = ? AND experiment_id = ?",
          {caller.workspace, id, each}));
    MILLRACE_TRY(out, load(session, caller.workspace, id));
    return change_of("experiments_removed", id, {{"experiment_ids", ids}});
  }));
  return out;
}

Result<void> Datasets::forget_experiment(const Caller& caller, const std::string& experiment_id) {
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(session.execute("DELETE FROM eval_dataset_experiments WHERE workspace = ? AND experiment_id = ?",
                                {caller.workspace, experiment_id}));
    return lineage::Change{};  // the experiment's removal has a line
  }));
  return {};
}

Result<std::vector<Summary>> Datasets::logged_by_runs(const Caller& caller,
                                                      const std::vector<std::string>& experiment_ids) const {
  MILLRACE_DO(check_experiments(experiment_ids));
  std::vector<Summary> out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    store::Values values{caller.workspace};
    const auto list = track::placeholders(experiment_ids, values);
    values.emplace_back(static_cast<int64_t>(bounds::summaries));
    MILLRACE_TRY(
        const auto rows,
        session.query(
            fmt::format("SELECT DISTINCT r.experiment_id, i.name, i.digest, coalesce(t.value, '') FROM "
                        "track_run_datasets i JOIN track_runs r ON r.workspace = i.workspace AND r.id = i.run_id "
                        "LEFT JOIN track_run_dataset_tags t ON t.workspace = i.workspace AND t.run_id = i.run_id AND "
                        "t.name = i.name AND t.digest = i.digest AND t.key = 'mlflow.data.context' "
                        "WHERE i.workspace = ? AND r.experiment_id IN ({}) ORDER BY 1, 2, 3, 4 LIMIT ?",
                        list),
            values));
    for (const auto& row : rows) out.push_back({row.text(0), row.text(1), row.text(2), row.text(3)});
    return {};
  }));
  return out;
}

}  // namespace millrace::evaluation
