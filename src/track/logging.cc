#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "core/hash.h"
#include "core/json.h"
#include "track/frozen.h"
#include "track/names.h"
#include "track/rows.h"
#include "track/tracking.h"

namespace millrace::track {
namespace {

// What goes into the columns of one point, after clamping.
struct Point {
  double value;
  int64_t is_nan;
};

Point point_of(double value) {
  constexpr double most = std::numeric_limits<double>::max();
  if (std::isnan(value)) return {0.0, 1};
  // Negative zero equals zero; one of them is stored so that the same point is never kept twice.
  return {value == 0 ? 0.0 : std::fmin(std::fmax(value, -most), most), 0};
}

Result<void> store_metric(store::Session& session, const std::string& workspace, const std::string& run,
                          const Metric& metric) {
  const auto [value, is_nan] = point_of(metric.value);
  const store::Values values{workspace, run,    metric.key,      metric.timestamp,    metric.step,
                             value,     is_nan, metric.model_id, metric.dataset_name, metric.dataset_digest};
  MILLRACE_TRY(
      const auto added,
      session.execute(
          "INSERT INTO track_metrics (workspace, run_id, key, timestamp, step, value, is_nan, model_id, dataset_name, "
          "dataset_digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
          values));
  if (added == 0) return {};
  MILLRACE_TRY(
      const auto latest,
      session.execute(
          "INSERT INTO track_latest_metrics (workspace, run_id, key, timestamp, step, value, is_nan, model_id, "
          "dataset_name, dataset_digest) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (workspace, run_id, key) DO UPDATE SET timestamp = "
          "excluded.timestamp, step = excluded.step, "
          "value = excluded.value, is_nan = excluded.is_nan, model_id = excluded.model_id, dataset_name = "
          "excluded.dataset_name, "
          "dataset_digest = excluded.dataset_digest WHERE (excluded.step, excluded.timestamp, excluded.value) > "
          "(track_latest_metrics.step, track_latest_metrics.timestamp, track_latest_metrics.value)",
          values));
  (void)latest;
  if (metric.model_id.empty()) return {};
  MILLRACE_TRY(const auto of_model,
               session.execute("INSERT INTO track_model_metrics (workspace, model_id, key, timestamp, step, run_id, "
                               "value, is_nan, dataset_name, dataset_digest) "
                               "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                               {workspace, metric.model_id, metric.key, metric.timestamp, metric.step, run, value,
                                is_nan, metric.dataset_name, metric.dataset_digest}));
  (void)of_model;
  return {};
}

Result<void> store_param(store::Session& session, const std::string& workspace, const std::string& run,
                         const KeyValue& param) {
  MILLRACE_TRY(const auto before,
               session.first("SELECT value FROM track_params WHERE workspace = ? AND run_id = ? AND key = ?",
                             {workspace, run, param.key}));
  if (!before) return store_pair(session, "track_params", "run_id", workspace, run, param);
  if (before->text(0) == param.value) return {};
  return Error{Code::invalid, fmt::format("Changing param values is not allowed. Param with key='{}' was already "
                                          "logged with value='{}' for run ID='{}'. "
                                          "Attempted logging new value '{}'.",
                                          param.key, before->text(0), run, param.value)}
      .hint("log another key, or start another run (nested runs share nothing)");
}

// The run's name follows the tag that clients show as its name.
Result<void> store_tag(store::Session& session, const std::string& workspace, const std::string& run,
                       const KeyValue& tag) {
  MILLRACE_DO(store_pair(session, "track_run_tags", "run_id", workspace, run, tag));
  if (tag.key != kRunNameTag) return {};
  MILLRACE_TRY(const auto done, session.execute("UPDATE track_runs SET name = ? WHERE workspace = ? AND id = ?",
                                                {tag.value, workspace, run}));
  (void)done;
  return {};
}

Json number_or_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

// All that a call logged, canonically; its digest goes into the journal, so that a line stays short.
std::string digest_of_batch(const Batch& batch) {
  Json all{{"metrics", Json::array()}, {"params", Json::array()}, {"tags", Json::array()}};
  for (const auto& m : batch.metrics)
    all["metrics"].push_back(
        {m.key, number_or_text(m.value), m.timestamp, m.step, m.model_id, m.dataset_name, m.dataset_digest});
  for (const auto& p : batch.params) all["params"].push_back({p.key, p.value});
  for (const auto& t : batch.tags) all["tags"].push_back({t.key, t.value});
  return digest_of(to_text(all));
}

Json keys_of(const std::vector<KeyValue>& pairs) {
  Json keys = Json::array();
  for (const auto& pair : pairs) keys.push_back(pair.key);
  return keys;
}

bool only_housekeeping(const Batch& batch) {
  return batch.metrics.empty() && batch.params.empty() &&
         std::all_of(batch.tags.begin(), batch.tags.end(), [](const auto& tag) { return is_housekeeping(tag.key); });
}

Result<RunInfo> active_run(store::Session& session, const std::string& workspace, const std::string& id) {
  MILLRACE_TRY(auto run, load_run_info(session, workspace, id));
  MILLRACE_DO(check_active(run));
  return run;
}

}  // namespace

Result<void> Tracking::log_batch(const Caller& caller, const std::string& run, const Batch& batch) {
  MILLRACE_DO(check_run_id(run));
  MILLRACE_DO(check_batch(batch));
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto info, only_housekeeping(batch) ? active_run(session, caller.workspace, run)
                                                           : writable_run(session, caller.workspace, run));
    for (const auto& param : batch.params) MILLRACE_DO(store_param(session, caller.workspace, run, param));
    for (const auto& metric : batch.metrics) MILLRACE_DO(store_metric(session, caller.workspace, run, metric));
    for (const auto& tag : batch.tags) MILLRACE_DO(store_tag(session, caller.workspace, run, tag));
    return lineage::Change{
        .kind = "run.logged",
        .node = info.node(),
        .before = "",
        .after = digest_of_batch(batch),
        .why = "",
        .body = {{"metrics", batch.metrics.size()}, {"params", keys_of(batch.params)}, {"tags", keys_of(batch.tags)}}};
  }));
  (void)line;
  return {};
}

Result<void> Tracking::log_metric(const Caller& caller, const std::string& run, const Metric& metric) {
  MILLRACE_DO(check_metric(metric, ""));
  return log_batch(caller, run, {.metrics = {metric}, .params = {}, .tags = {}});
}

Result<void> Tracking::log_param(const Caller& caller, const std::string& run, const KeyValue& param) {
  MILLRACE_DO(check_param(param, ""));
  return log_batch(caller, run, {.metrics = {}, .params = {param}, .tags = {}});
}

Result<void> Tracking::set_tag(const Caller& caller, const std::string& run, const KeyValue& tag) {
  MILLRACE_DO(check_tag(tag, ""));
  return log_batch(caller, run, {.metrics = {}, .params = {}, .tags = {tag}});
}

Result<void> Tracking::delete_tag(const Caller& caller, const std::string& run, const std::string& key) {
  MILLRACE_DO(check_run_id(run));
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto info, writable_run(session, caller.workspace, run));
    MILLRACE_TRY(const auto removed, remove_pair(session, "track_run_tags", "run_id", caller.workspace, run, key));
    if (!removed) return Error{Code::not_found, fmt::format("No tag with name: {} in run with id {}", key, run)};
    return lineage::Change{
        .kind = "run.tag_deleted", .node = info.node(), .before = "", .after = "", .why = "", .body = {{"key", key}}};
  }));
  (void)line;
  return {};
}

}  // namespace millrace::track
