// One run, with the first of what it logged and how much more there is. Inside one transaction.
#pragma once
#include <string>

#include "core/json.h"
#include "store/database.h"
#include "track/entities.h"
#include "track/search/filter.h"

namespace millrace::track {

struct RunValues {
  Json items = Json::array();  // {key, last, min, max, step, at} or {key, value}, by key
  std::string next;            // the last key; "" = that was all
  int64_t total = 0;
};
// A page of what a run logged of one kind: keys that hold `q` in any case, after the key `after`.
struct ValuesPage {
  Entity entity = Entity::metric;
  std::string q, after;
  int64_t limit = 100;
};
Result<RunValues> run_values(store::Session& session, const std::string& workspace, const std::string& run,
                             const ValuesPage& page);

// {run_id, node, name, status, user, experiment: {experiment_id, name}, start_time, end_time, artifact_uri,
//  lifecycle_stage, parent, counts: {metrics, params, tags, datasets, models},
//  metrics, params, tags: {items, next, total}, datasets: [{name, digest, source_type, source, context, node}],
//  models: {inputs: [ids], outputs: [{model_id, step}]}}
Result<Json> run_facts(store::Session& session, const std::string& workspace, const std::string& run);

// What every list of runs says of one.
Json info_json(const RunInfo& info);

struct ExperimentsPage {
  std::string q;  // a part of the name, in any case
  std::string view = "active";
  size_t from = 0, count = 50;
};
struct ExperimentRows {
  Json items = Json::array();  // {experiment_id, name, runs, updated_at, lifecycle_stage}, newest first
  int64_t total = 0;
};
Result<ExperimentRows> experiment_rows(store::Session& session, const std::string& workspace,
                                       const ExperimentsPage& page);

// A pattern for LIKE ... ESCAPE '!' that holds `part` anywhere.
std::string like_any(const std::string& part);

}  // namespace millrace::track
