#include "api/mlflow/text.h"

#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "core/json.h"

namespace millrace::api::mlflow {
namespace {

bool is_plain(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || static_cast<unsigned char>(c) > 0x7e)
      return false;
  return true;
}

}  // namespace

void Text::comma() {
  if (!out_.empty() && out_.back() != '{' && out_.back() != '[' && out_.back() != ':') out_ += ',';
}

void Text::open(char bracket) {
  comma();
  out_ += bracket;
}

void Text::name(std::string_view name) {
  value(name);
  out_ += ':';
}

void Text::value(std::string_view text) {
  comma();
  if (!is_plain(text)) {
    out_ += to_text(Json(text));
    return;
  }
  out_ += '"';
  out_ += text;
  out_ += '"';
}

void Text::value(int64_t number) {
  comma();
  fmt::format_to(std::back_inserter(out_), "{}", number);
}

void Text::value(double number) {
  if (std::isnan(number)) return value(std::string_view("NaN"));
  comma();
  fmt::format_to(std::back_inserter(out_), "{}", number);
}

void add(Text& text, const track::KeyValue& pair) {
  text.open('{');
  text.field("key", pair.key);
  text.field("value", pair.value);
  text.close('}');
}

void add(Text& text, const track::Metric& metric) {
  text.open('{');
  text.field_unless_empty("dataset_digest", metric.dataset_digest);
  text.field_unless_empty("dataset_name", metric.dataset_name);
  text.field("key", metric.key);
  text.field_unless_empty("model_id", metric.model_id);
  text.field_unless_empty("run_id", metric.run_id);
  text.field("step", metric.step);
  text.field("timestamp", metric.timestamp);
  text.field("value", metric.value);
  text.close('}');
}

void add(Text& text, const track::RunInfo& info) {
  text.open('{');
  text.field("artifact_uri", info.artifact_uri);
  if (info.end_time) text.field("end_time", *info.end_time);
  text.field("experiment_id", info.experiment_id);
  text.field("lifecycle_stage", info.lifecycle_stage);
  text.field("run_id", info.id);
  text.field("run_name", info.name);
  text.field("run_uuid", info.id);
  text.field("start_time", info.start_time);
  text.field("status", info.status);
  text.field("user_id", info.user_id);
  text.close('}');
}

void add(Text& text, const track::DatasetInput& input) {
  text.open('{');
  text.name("dataset");
  text.open('{');
  const auto& [name, digest, source_type, source, schema, profile] = input.dataset;
  text.field("digest", digest);
  text.field("name", name);
  text.field_unless_empty("profile", profile);
  text.field_unless_empty("schema", schema);
  text.field("source", source);
  text.field("source_type", source_type);
  text.close('}');
  add_list(text, "tags", input.tags);
  text.close('}');
}

void add(Text& text, const track::ModelOutput& model) {
  text.open('{');
  text.field("model_id", model.model_id);
  text.field("step", model.step);
  text.close('}');
}

void add(Text& text, const track::Run& run) {
  text.open('{');
  text.name("data");
  text.open('{');
  add_list(text, "metrics", run.metrics);
  add_list(text, "params", run.params);
  add_list(text, "tags", run.tags);
  text.close('}');
  text.name("info");
  add(text, run.info);
  text.name("inputs");
  text.open('{');
  add_list(text, "dataset_inputs", run.datasets);
  if (!run.model_inputs.empty()) {
    text.name("model_inputs");
    text.open('[');
    for (const auto& model : run.model_inputs) {
      text.open('{');
      text.field("model_id", model);
      text.close('}');
    }
    text.close(']');
  }
  text.close('}');
  text.name("outputs");
  text.open('{');
  add_list(text, "model_outputs", run.model_outputs);
  text.close('}');
  text.close('}');
}

void add(Text& text, const track::LoggedModel& model) {
  text.open('{');
  text.name("data");
  text.open('{');
  add_list(text, "metrics", model.metrics);
  add_list(text, "params", model.params);
  text.close('}');
  text.name("info");
  text.open('{');
  text.field("artifact_uri", model.artifact_uri);
  text.field("creation_timestamp_ms", model.creation_time);
  text.field("experiment_id", model.experiment_id);
  text.field("last_updated_timestamp_ms", model.last_update_time);
  text.field("model_id", model.id);
  text.field_unless_empty("model_type", model.model_type);
  text.field("name", model.name);
  text.field_unless_empty("source_run_id", model.source_run_id);
  text.field("status", model.status);
  add_list(text, "tags", model.tags);
  text.close('}');
  text.close('}');
}

}  // namespace millrace::api::mlflow
