// Reading and writing tracking's tables inside one transaction. For the .cc files of this folder.
#pragma once
#include <string>
#include <vector>

#include "lineage/journal.h"
#include "store/database.h"
#include "track/entities.h"

namespace millrace::track {

inline constexpr std::string_view kRunNameTag = "mlflow.runName";

Result<Experiment> load_experiment(store::Session& session, const std::string& workspace,
                                   const std::string& id);  // not_found if absent
Result<RunInfo> load_run_info(store::Session& session, const std::string& workspace,
                              const std::string& id);  // not_found if absent
Result<LoggedModel> load_model(store::Session& session, const std::string& workspace,
                               const std::string& id);  // not_found if absent
// With all that belongs to them, in the order of `ids`; what does not exist is left out.
Result<std::vector<Run>> load_runs(store::Session& session, const std::string& workspace,
                                   const std::vector<std::string>& ids);
Result<std::vector<Experiment>> load_experiments(store::Session& session, const std::string& workspace,
                                                 const std::vector<std::string>& ids);
Result<std::vector<LoggedModel>> load_models(store::Session& session, const std::string& workspace,
                                             const std::vector<std::string>& ids);

Result<void> check_active(const Experiment& experiment);
Result<void> check_active(const RunInfo& run);
// The run, if it exists and may be written to.
Result<RunInfo> writable_run(store::Session& session, const std::string& workspace, const std::string& id);

// The next number for an experiment; none is given twice.
Result<int64_t> next_experiment_number(store::Session& session, const std::string& workspace);

// What a dataset whose source names a version of Millrace that is not here becomes.
enum class UnknownVersion { refused, own_node };
// Links the datasets to the run, in rows and in the graph of `change`.
Result<void> store_datasets(store::Session& session, const std::string& workspace, const RunInfo& run,
                            const std::vector<DatasetInput>& datasets, UnknownVersion unknown, lineage::Change& change);

// Side tables (workspace, OWNER, key, value).
Result<void> store_pair(store::Session& session, std::string_view table, std::string_view owner,
                        const std::string& workspace, const std::string& id, const KeyValue& pair);
Result<bool> remove_pair(store::Session& session, std::string_view table, std::string_view owner,
                         const std::string& workspace, const std::string& id, const std::string& key);

Metric to_metric(const store::Row& row,
                 size_t first);  // key, value, is_nan, timestamp, step, model_id, dataset_name, dataset_digest, run_id
inline constexpr std::string_view kMetricColumns =
    "key, value, is_nan, timestamp, step, model_id, dataset_name, dataset_digest, run_id";

}  // namespace millrace::track
