#include "api/grpc/module/write.h"

#include <algorithm>
#include <charconv>

#include "api/oip/packed.h"

namespace millrace::api::rpc {
namespace {
using inference::InferTensorContents;
using serve::DType;
using serve::Tensor;

template <class From, class Field>
void numbers(const Tensor& tensor, Field* out) {
  const auto values = tensor.as<From>();
  out->Reserve(static_cast<int>(values.size()));
  for (const From value : values) out->AddAlreadyReserved(value);
}

bool has_typed_contents(const Tensor& tensor) {
  switch (tensor.type) {
    case DType::boolean:
    case DType::uint8:
    case DType::uint16:
    case DType::uint32:
    case DType::uint64:
    case DType::int8:
    case DType::int16:
    case DType::int32:
    case DType::int64:
    case DType::fp32:
    case DType::fp64:
    case DType::bytes: return true;
    case DType::fp16:
    case DType::bf16: return false;
  }
  return false;
}

void write_contents(const Tensor& tensor, InferTensorContents& out) {
  switch (tensor.type) {
    case DType::boolean: return numbers<uint8_t>(tensor, out.mutable_bool_contents());
    case DType::uint8: return numbers<uint8_t>(tensor, out.mutable_uint_contents());
    case DType::uint16: return numbers<uint16_t>(tensor, out.mutable_uint_contents());
    case DType::uint32: return numbers<uint32_t>(tensor, out.mutable_uint_contents());
    case DType::uint64: return numbers<uint64_t>(tensor, out.mutable_uint64_contents());
    case DType::int8: return numbers<int8_t>(tensor, out.mutable_int_contents());
    case DType::int16: return numbers<int16_t>(tensor, out.mutable_int_contents());
    case DType::int32: return numbers<int32_t>(tensor, out.mutable_int_contents());
    case DType::int64: return numbers<int64_t>(tensor, out.mutable_int64_contents());
    case DType::fp32: return numbers<float>(tensor, out.mutable_fp32_contents());
    case DType::fp64: return numbers<double>(tensor, out.mutable_fp64_contents());
    case DType::bytes:
      for (const auto& text : tensor.texts) out.add_bytes_contents(text);
      return;
    case DType::fp16:
    case DType::bf16: return;
  }
}

std::string text_of(std::string_view name) { return std::string(name); }

template <class Out>
void write_specs(const std::vector<serve::TensorSpec>& specs, Out* out) {
  for (const auto& spec : specs) {
    auto* tensor = out->Add();
    tensor->set_name(spec.name);
    tensor->set_datatype(text_of(name_of(spec.type)));
    for (const int64_t dim : spec.shape) tensor->add_shape(dim);
  }
}

template <class Out>
void write_config_specs(const std::vector<serve::TensorSpec>& specs, Out* out) {
  for (const auto& spec : specs) {
    auto* tensor = out->Add();
    tensor->set_name(spec.name);
    inference::DataType type = inference::TYPE_STRING;
    if (spec.type != DType::bytes) inference::DataType_Parse("TYPE_" + text_of(name_of(spec.type)), &type);
    tensor->set_data_type(type);
    for (const int64_t dim : spec.shape) tensor->add_dims(dim);
  }
}

void counted(uint64_t count, uint64_t micros, inference::StatisticDuration* out) {
  out->set_count(count);
  out->set_ns(micros * 1000);
}

void add_version(const serve::ServedArm& arm, google::protobuf::RepeatedField<int64_t>& out) {
  int64_t number = 0;
  std::from_chars(arm.version.data(), arm.version.data() + arm.version.size(), number);
  out.Add(number);
}

void write_entry(const std::string& name, const std::string& version, const serve::Statistics& s,
                 inference::ModelStatistics& out) {
  const uint64_t answered = s.success, failed = s.failure, runs = s.executions, failed_us = s.failed_us,
                 all_us = s.request_us;
  out.set_name(name);
  out.set_version(version);
  out.set_last_inference(static_cast<uint64_t>(s.last_inference / 1000));
  out.set_inference_count(s.rows);
  out.set_execution_count(runs);
  auto* times = out.mutable_inference_stats();
  counted(answered, all_us - std::min(all_us, failed_us), times->mutable_success());
  counted(failed, failed_us, times->mutable_fail());
  counted(answered + failed, s.queue_us, times->mutable_queue());
  counted(answered, s.guard_us, times->mutable_compute_input());
  counted(answered, s.infer_us, times->mutable_compute_infer());
  counted(answered, s.log_us, times->mutable_compute_output());
  counted(0, 0, times->mutable_cache_hit());
  counted(0, 0, times->mutable_cache_miss());
  for (const auto& batch : s.batches.all()) {
    auto* size = out.add_batch_stats();
    size->set_batch_size(batch.size);
    counted(batch.count, batch.us.guard_us, size->mutable_compute_input());
    counted(batch.count, batch.us.infer_us, size->mutable_compute_infer());
    counted(batch.count, batch.us.log_us, size->mutable_compute_output());
  }
}

}  // namespace

void write_answer(const InferCall& call, const serve::InferReply& reply, inference::ModelInferResponse& out) {
  const auto& served = *reply.arm;
  out.set_model_name(served.arm.deployment);
  out.set_model_version(served.version);
  out.set_id(call.request.request_id);
  auto& parameters = *out.mutable_parameters();
  parameters["millrace_prediction_id"].set_string_param(reply.prediction_id);
  parameters["millrace_release"].set_string_param(served.release);
  parameters["millrace_arm"].set_string_param(served.arm.name);
  if (!reply.flags.empty()) parameters["millrace_flags"].set_string_param(to_text(serve::to_json(reply.flags)));
  if (reply.held) {
    parameters["millrace_case"].set_string_param(serve::case_id(reply.prediction_id));
    parameters["millrace_case_rule"].set_string_param(reply.held->rule);
  }
  const bool raw = call.raw || !std::all_of(reply.outputs.begin(), reply.outputs.end(), has_typed_contents);
  for (size_t i = 0; i < reply.outputs.size(); ++i) {
    const auto& tensor = reply.outputs[i];
    auto* output = out.add_outputs();
    output->set_name(served.arm.outputs[call.request.wanted[i]].name);
    output->set_datatype(text_of(name_of(tensor.type)));
    for (const int64_t dim : tensor.shape) output->add_shape(dim);
    if (!raw) {
      write_contents(tensor, *output->mutable_contents());
      continue;
    }
    auto* bytes = out.add_raw_output_contents();
    bytes->reserve(oip::raw_size(tensor));
    oip::append_raw(*bytes, tensor);
  }
}

void write_metadata(const serve::Target& target, inference::ModelMetadataResponse& out) {
  out.set_name(target->arm.deployment);
  out.add_versions(target.served->stable.version);
  if (const auto& canary = target.served->canary) out.add_versions(canary->version);
  out.set_platform(text_of(target->model().platform()));
  write_specs(target->arm.inputs, out.mutable_inputs());
  write_specs(target->arm.outputs, out.mutable_outputs());
}

void write_config(const serve::Target& target, inference::ModelConfig& out) {
  out.set_name(target->arm.deployment);
  out.set_platform(text_of(target->model().platform()));
  out.set_backend("millrace");
  auto& versions = *out.mutable_version_policy()->mutable_specific()->mutable_versions();
  add_version(target.served->stable, versions);
  if (const auto& canary = target.served->canary) add_version(*canary, versions);
  write_config_specs(target->arm.inputs, out.mutable_input());
  write_config_specs(target->arm.outputs, out.mutable_output());
  auto* group = out.add_instance_group();
  group->set_name(target->arm.deployment);
  group->set_count(1);
  group->set_kind(inference::ModelInstanceGroup::KIND_CPU);
}

void write_statistics(const serve::Place& place, std::string_view version, inference::ModelStatisticsResponse& out) {
  for (const auto& [label, statistics] : place.statistics.all())
    if (version.empty() || label.version == version)
      write_entry(place.name, label.version, *statistics, *out.add_model_stats());
}

}  // namespace millrace::api::rpc
