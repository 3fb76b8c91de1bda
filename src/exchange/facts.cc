#include "exchange/facts.h"

#include <algorithm>

#include "core/hash.h"

namespace millrace::exchange {
namespace {

// By key; of a key that is there twice the last.
Json pairs_json(const std::vector<track::KeyValue>& pairs) {
  Json out = Json::object();
  for (const auto& pair : pairs) out[pair.key] = pair.value;
  return out;
}

Json datasets_json(const std::vector<track::DatasetInput>& inputs) {
  std::map<std::string, Json> sorted;  // the first of a name and digest counts, as in tracking
  for (const auto& input : inputs) {
    const auto& set = input.dataset;
    Json one{{"name", set.name},     {"digest", set.digest},   {"source_type", set.source_type}, {"source", set.source},
             {"schema", set.schema}, {"profile", set.profile}, {"tags", pairs_json(input.tags)}};
    sorted.emplace(to_text(Json::array({set.name, set.digest})), std::move(one));
  }
  Json out = Json::array();
  for (auto& [key, one] : sorted) out.push_back(std::move(one));
  return out;
}

void add_files(Facts& facts, const Manifest* files) {
  if (files == nullptr) return;
  facts.content["artifacts"] = {{"files", files->files}, {"bytes", files->bytes}, {"digest", files->digest}};
  facts.counts.artifacts = files->files;
  facts.counts.artifact_bytes = files->bytes;
}

int64_t size_of(const Json& list) { return static_cast<int64_t>(list.size()); }

}  // namespace

Counts& Counts::operator+=(const Counts& other) {
  experiments += other.experiments;
  runs += other.runs;
  points += other.points;
  params += other.params;
  tags += other.tags;
  datasets += other.datasets;
  models += other.models;
  registered += other.registered;
  versions += other.versions;
  aliases += other.aliases;
  artifacts += other.artifacts;
  artifact_bytes += other.artifact_bytes;
  return *this;
}

std::string Facts::digest() const { return digest_of(to_text(content)); }

Facts facts_of(const track::Experiment& experiment) {
  Facts facts;
  facts.content = {{"id", experiment.id},
                   {"name", experiment.name},
                   {"state", experiment.lifecycle_stage},
                   {"created", experiment.creation_time},
                   {"tags", pairs_json(experiment.tags)}};
  facts.counts.experiments = 1;
  facts.counts.tags = size_of(facts.content["tags"]);
  return facts;
}

Facts facts_of(track::Run run, const std::map<std::string, Series>& metrics, const Manifest* files) {
  std::sort(run.model_inputs.begin(), run.model_inputs.end());
  std::sort(run.model_outputs.begin(), run.model_outputs.end(),
            [](const auto& a, const auto& b) { return a.model_id < b.model_id; });
  Json outputs = Json::array();
  for (const auto& model : run.model_outputs) outputs.push_back({model.model_id, model.step});
  Facts facts;
  facts.content = {{"id", run.info.id},
                   {"experiment", run.info.experiment_id},
                   {"name", run.info.name},
                   {"user", run.info.user_id},
                   {"status", run.info.status},
                   {"start", run.info.start_time},
                   {"end", run.info.end_time ? Json(*run.info.end_time) : Json()},
                   {"state", run.info.lifecycle_stage},
                   {"params", pairs_json(run.params)},
                   {"tags", pairs_json(run.tags)},
                   {"datasets", datasets_json(run.datasets)},
                   {"model_inputs", run.model_inputs},
                   {"model_outputs", std::move(outputs)},
                   {"metrics", Json::object()}};
  for (const auto& [key, series] : metrics) {
    facts.content["metrics"][key] = {{"points", series.count}, {"digest", series.digest}};
    facts.counts.points += series.count;
  }
  facts.counts.runs = 1;
  facts.counts.params = size_of(facts.content["params"]);
  facts.counts.tags = size_of(facts.content["tags"]);
  facts.counts.datasets = size_of(facts.content["datasets"]);
  add_files(facts, files);
  return facts;
}

Facts facts_of(track::LoggedModel model, const Manifest* files) {
  Facts facts;
  facts.content = {{"id", model.id},
                   {"experiment", model.experiment_id},
                   {"name", model.name},
                   {"type", model.model_type},
                   {"status", model.status},
                   {"state", model.lifecycle_stage},
                   {"created", model.creation_time},
                   {"updated", model.last_update_time},
                   {"run", model.source_run_id},
                   {"params", pairs_json(model.params)},
                   {"tags", pairs_json(model.tags)}};
  facts.counts.models = 1;
  facts.counts.params = size_of(facts.content["params"]);
  facts.counts.tags = size_of(facts.content["tags"]);
  add_files(facts, files);
  return facts;
}

}  // namespace millrace::exchange
