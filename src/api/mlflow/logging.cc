#include "api/mlflow/batch.h"
#include "api/mlflow/table.h"

namespace millrace::api::mlflow {
namespace {

constexpr std::string_view kHistoryTag = "mlflow.log-model.history";  // where clients look for what a run logged

track::Metric read_metric(Body& in) {
  return {.key = in.text("key"),
          .value = in.number("value"),
          .timestamp = in.integer("timestamp"),
          .step = in.integer_or("step", 0),
          .model_id = in.text_or("model_id"),
          .dataset_name = in.text_or("dataset_name"),
          .dataset_digest = in.text_or("dataset_digest"),
          .run_id = ""};
}

Reply log_metric(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto run = in.run_id();
  const auto metric = read_metric(in);
  return in.failed() ? error_reply(in.error()) : reply_of(s.tracking.log_metric(request.caller, run, metric));
}

Reply log_parameter(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto run = in.run_id();
  const track::KeyValue param{in.text("key"), in.text_or("value")};
  return in.failed() ? error_reply(in.error()) : reply_of(s.tracking.log_param(request.caller, run, param));
}

Reply set_tag(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto run = in.run_id();
  const track::KeyValue tag{in.text("key"), in.text_or("value")};
  return in.failed() ? error_reply(in.error()) : reply_of(s.tracking.set_tag(request.caller, run, tag));
}

Reply delete_tag(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto run = in.run_id();
  const auto key = in.text("key");
  return in.failed() ? error_reply(in.error()) : reply_of(s.tracking.delete_tag(request.caller, run, key));
}

Reply log_batch(Request& request, const Services& s) {
  if (const auto plain = read_plain_batch(request))
    return reply_of(s.tracking.log_batch(request.caller, plain->run_id, plain->batch));
  auto in = Body::of(request);
  const auto run = in.run_id();
  track::Batch batch{.metrics = {}, .params = in.pairs("params"), .tags = in.pairs("tags")};
  for (auto& each : in.objects("metrics")) {
    batch.metrics.push_back(read_metric(each));
    in.check(each);
  }
  return in.failed() ? error_reply(in.error()) : reply_of(s.tracking.log_batch(request.caller, run, batch));
}

std::vector<track::DatasetInput> read_datasets(Body& in) {
  std::vector<track::DatasetInput> out;
  for (auto& each : in.objects("datasets")) {
    track::DatasetInput input;
    if (auto dataset = each.object("dataset")) {
      input.dataset = {dataset->text("name"),   dataset->text("digest"),    dataset->text("source_type"),
                       dataset->text("source"), dataset->text_or("schema"), dataset->text_or("profile")};
      each.check(*dataset);
    }
    input.tags = each.pairs("tags");
    in.check(each);
    out.push_back(std::move(input));
  }
  return out;
}

Reply log_inputs(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto run = in.run_id();
  const auto datasets = read_datasets(in);
  std::vector<std::string> models;
  for (auto& each : in.objects("models")) {
    models.push_back(each.text("model_id"));
    in.check(each);
  }
  return in.failed() ? error_reply(in.error()) : reply_of(s.tracking.log_inputs(request.caller, run, datasets, models));
}

Reply log_outputs(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto run = in.run_id();
  std::vector<track::ModelOutput> models;
  for (auto& each : in.objects("models")) {
    models.push_back({each.text("model_id"), each.integer_or("step", 0)});
    in.check(each);
  }
  return in.failed() ? error_reply(in.error()) : reply_of(s.tracking.log_outputs(request.caller, run, models));
}

// Of a model's description only what identifies it and its flavors goes into the history.
Json brief_model(const Json& model) {
  Json out = Json::object();
  for (const auto* key : {"run_id", "utc_time_created", "artifact_path", "model_uuid"})
    if (const auto* value = find(model, key)) out[key] = *value;
  out["flavors"] = Json::object();
  if (const auto* flavors = find(model, "flavors"); flavors != nullptr && flavors->is_object())
    for (const auto& [name, flavor] : flavors->items()) {
      auto kept = flavor;
      if (kept.is_object()) kept.erase("config");
      out["flavors"][name] = std::move(kept);
    }
  return out;
}

Reply log_model(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto run_id = in.run_id();
  const auto text = in.text("model_json");
  if (in.failed()) return error_reply(in.error());
  const auto model = parse_json(text, "model_json");
  if (!model || !model->is_object())
    return error_reply(Error{Code::invalid, "Malformed model info. model_json is not valid JSON."});
  for (const auto* field : {"artifact_path", "flavors", "utc_time_created", "run_id"})
    if (find(*model, field) == nullptr)
      return error_reply(
          Error{Code::invalid, std::string("Model json is missing mandatory fields: {'") + field + "'}"});
  const auto run = s.tracking.get_run(request.caller, run_id);
  if (!run) return error_reply(run.error());
  Json history = Json::array();
  for (const auto& tag : run->tags)
    if (tag.key == kHistoryTag)
      if (auto before = parse_json(tag.value, "tag"); before && before->is_array()) history = std::move(*before);
  history.push_back(brief_model(*model));
  return reply_of(s.tracking.set_tag(request.caller, run_id, {std::string(kHistoryTag), to_text(history)}));
}

}  // namespace

void add_logging(Table& table) {
  const BodyLimit large{limits::log_batch_bytes};
  table.add({"POST", "/runs/log-metric", Permission::write, "run.logged", "Adds one point of a metric.", log_metric});
  table.add({"POST", "/runs/log-parameter", Permission::write, "run.logged", "Sets a parameter, once.", log_parameter});
  table.add({"POST", "/runs/set-tag", Permission::write, "run.logged", "Sets a tag of a run.", set_tag});
  table.add({"POST", "/runs/delete-tag", Permission::write, "run.tag_deleted", "Removes a tag of a run.", delete_tag});
  table.add({"POST", "/runs/log-batch", Permission::write, "run.logged",
             "Adds metrics, parameters and tags, all or none.", log_batch, large});
  table.add({"POST", "/runs/log-inputs", Permission::write, "run.inputs",
             "Names the datasets and models that a run used.", log_inputs, large});
  table.add(
      {"POST", "/runs/outputs", Permission::write, "run.outputs", "Names the models that a run made.", log_outputs});
  table.add({"POST", "/runs/log-model", Permission::write, "run.logged",
             "Adds a model's description to the run's history of models.", log_model});
}

}  // namespace millrace::api::mlflow
