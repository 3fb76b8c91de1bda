#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "core/hash.h"
#include "core/json.h"
#include "track/frozen.h"
#include "track/names.h"
#include "track/points/series.h"
#include "track/rows.h"
#include "track/tracking.h"

namespace millrace::track {
namespace {

// A model's own list of what it reached, beside the run's history.
Result<void> store_model_metric(store::Session& session, const std::string& workspace, const std::string& run,
                                const Metric& metric) {
  const auto point = clamped(metric.timestamp, metric.step, metric.value);
  MILLRACE_TRY(const auto of_model,
               session.execute("INSERT INTO track_model_metrics (workspace, model_id, key, timestamp, step, run_id, "
                               "value, is_nan, dataset_name, dataset_digest) "
                               "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                               {workspace, metric.model_id, metric.key, metric.timestamp, metric.step, run, point.value,
                                int64_t{point.is_nan}, metric.dataset_name, metric.dataset_digest}));
  (void)of_model;
  return {};
}

Result<void> store_metrics(store::Session& session, const std::string& workspace, const RunInfo& run,
                           const std::vector<Metric>& metrics) {
  Additions added;
  for (const auto& metric : metrics) {
    added[metric.key].add(clamped(metric.timestamp, metric.step, metric.value),
                          {metric.model_id, metric.dataset_name, metric.dataset_digest});
    if (!metric.model_id.empty()) MILLRACE_DO(store_model_metric(session, workspace, run.id, metric));
  }
  for (auto& [key, points] : added) points.sort();
  return append(session, workspace, run, added);
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

// The digest of all that a call logged, so that its line in the journal stays short: of each list its length, then each
// text with its length before it and each number as its 8 bytes, lowest first.
class BatchDigest {
 public:
  std::string of(const Batch& batch) {
    number(batch.metrics.size());
    for (const auto& m : batch.metrics) {
      text(m.key);
      number(std::isnan(m.value) ? kNan : std::bit_cast<uint64_t>(m.value));
      number(static_cast<uint64_t>(m.timestamp));
      number(static_cast<uint64_t>(m.step));
      for (const auto* origin : {&m.model_id, &m.dataset_name, &m.dataset_digest}) text(*origin);
    }
    for (const auto* pairs : {&batch.params, &batch.tags}) {
      number(pairs->size());
      for (const auto& pair : *pairs) {
        text(pair.key);
        text(pair.value);
      }
    }
    return digest_of(bytes_);
  }

 private:
  static constexpr uint64_t kNan = 0x7ff8'0000'0000'0000;  // one of many, so that all are the same

  void number(uint64_t value) {
    for (unsigned shift = 0; shift < 64; shift += 8) bytes_ += static_cast<char>(value >> shift & 0xff);
  }
  void text(std::string_view value) {
    number(value.size());
    bytes_ += value;
  }
  std::string bytes_;
};

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
  const auto digest = BatchDigest().of(batch);  // not in the one thread that writes
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto info, only_housekeeping(batch) ? active_run(session, caller.workspace, run)
                                                           : writable_run(session, caller.workspace, run));
    for (const auto& param : batch.params) MILLRACE_DO(store_param(session, caller.workspace, run, param));
    MILLRACE_DO(store_metrics(session, caller.workspace, info, batch.metrics));
    for (const auto& tag : batch.tags) MILLRACE_DO(store_tag(session, caller.workspace, run, tag));
    return lineage::Change{
        .kind = "run.logged",
        .node = info.node(),
        .before = "",
        .after = digest,
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
