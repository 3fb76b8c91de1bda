// What tracking keeps, as plain values. Times are milliseconds since 1970 (as MLflow's clients send them).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace millrace::track {

struct KeyValue {
  std::string key;
  std::string value;
};

struct Experiment {
  std::string id, name, artifact_location, lifecycle_stage;  // active, deleted
  int64_t creation_time = 0, last_update_time = 0;
  std::vector<KeyValue> tags;
};

struct Metric {
  std::string key;
  double value = 0;  // may be NaN; infinities are kept as the largest finite numbers
  int64_t timestamp = 0, step = 0;
  std::string model_id, dataset_name, dataset_digest, run_id;
};

struct RunInfo {
  std::string id, name, experiment_id, user_id;
  std::string status;  // RUNNING, SCHEDULED, FINISHED, FAILED, KILLED
  int64_t start_time = 0;
  std::optional<int64_t> end_time;
  std::string artifact_uri, lifecycle_stage;
  std::string node() const { return "run:" + id; }
};

struct Dataset {
  std::string name, digest, source_type, source, schema, profile;
};

struct DatasetInput {
  Dataset dataset;
  std::vector<KeyValue> tags;
};

struct ModelOutput {
  std::string model_id;
  int64_t step = 0;
};

struct Run {
  RunInfo info;
  std::vector<Metric> metrics;  // the latest of each key
  std::vector<KeyValue> params, tags;
  std::vector<DatasetInput> datasets;
  std::vector<std::string> model_inputs;
  std::vector<ModelOutput> model_outputs;
};

// A model that a run logged (not yet a registered version).
struct LoggedModel {
  std::string id, experiment_id, name, artifact_uri;
  std::string status;  // LOGGED_MODEL_PENDING, LOGGED_MODEL_READY, LOGGED_MODEL_UPLOAD_FAILED
  std::string model_type, source_run_id, lifecycle_stage;
  int64_t creation_time = 0, last_update_time = 0;
  std::vector<KeyValue> tags, params;
  std::vector<Metric> metrics;
  std::string node() const { return "artifact:" + id; }
};

struct FileInfo {
  std::string path;
  bool is_folder = false;
  int64_t size = 0;
};

template <class T>
struct Page {
  std::vector<T> items;
  std::string next;  // token of the next page, "" = this is the last
};

}  // namespace millrace::track
