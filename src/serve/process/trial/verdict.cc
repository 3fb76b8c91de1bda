#include "serve/process/trial/verdict.h"

#include <algorithm>

#include "core/error_json.h"
#include "core/limits.h"
#include "core/limits/model_limits.h"

namespace millrace::serve::process {
namespace {

constexpr Code kOfFiles[] = {Code::invalid,     Code::rejected, Code::too_large,
                             Code::unsupported, Code::corrupt,  Code::unavailable};

Error garbage(std::string_view what) {
  return Error{Code::corrupt, "the process that tried the model file gave a broken answer: " + std::string(what)};
}

Result<TensorSpec> read_spec(const Json& value) {
  TensorSpec out;
  MILLRACE_TRY(out.name, get_string(value, "name"));
  MILLRACE_TRY(const auto type, get_string(value, "datatype"));
  const auto known = find_dtype(type);
  const auto* shape = find(value, "shape");
  if (!known || out.name.empty() || shape == nullptr || !shape->is_array()) return garbage("a tensor");
  out.type = *known;
  for (const auto& dim : *shape)
    if (!dim.is_number_integer() || dim.get<int64_t>() < -1 || !out.shape.push(dim.get<int64_t>()))
      return garbage("a shape");
  return out;
}

Result<std::vector<TensorSpec>> read_specs(const Json& document, std::string_view key) {
  const auto* list = find(document, key);
  if (list == nullptr || !list->is_array() || list->empty() || list->size() > limits::model_tensors)
    return garbage(key);
  std::vector<TensorSpec> out;
  for (const auto& each : *list) {
    MILLRACE_TRY(auto spec, read_spec(each));
    out.push_back(std::move(spec));
  }
  return out;
}

bool flag(const Json& document, std::string_view key) {
  const auto* value = find(document, key);
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

}  // namespace

Json to_json(const Task& task) {
  return {{"folder", task.runtime.folder},
          {"onnxruntime", task.runtime.onnxruntime},
          {"choice", task.runtime.choice},
          {"batching", task.runtime.batching},
          {"from", task.from},
          {"parent", task.parent},
          {"memory", task.memory},
          {"slots", task.slots},
          {"slot_bytes", task.slot_bytes},
          {"cpu_seconds", task.cpu_seconds}};
}

Result<Task> read_task(std::string_view text) {
  MILLRACE_TRY(const auto document, parse_json(text, "task"));
  Task out;
  MILLRACE_TRY(out.runtime.folder, get_string(document, "folder"));
  MILLRACE_TRY(out.runtime.onnxruntime, get_string(document, "onnxruntime"));
  MILLRACE_TRY(out.runtime.choice, get_string(document, "choice"));
  MILLRACE_TRY(out.runtime.batching, get_string(document, "batching"));
  MILLRACE_TRY(out.from, get_string(document, "from"));
  MILLRACE_TRY(const auto parent, get_integer(document, "parent"));
  MILLRACE_TRY(const auto memory, get_integer(document, "memory"));
  MILLRACE_TRY(const auto slots, get_integer(document, "slots"));
  MILLRACE_TRY(const auto slot_bytes, get_integer(document, "slot_bytes"));
  MILLRACE_TRY(out.cpu_seconds, get_integer(document, "cpu_seconds"));
  if (memory < 0 || slots < 0 || slot_bytes < 0) return Error{Code::invalid, "a task with a negative number"};
  out.parent = static_cast<int>(parent);
  out.memory = static_cast<uint64_t>(memory);
  out.slots = static_cast<size_t>(slots);
  out.slot_bytes = static_cast<size_t>(slot_bytes);
  return out;
}

std::string to_text(const Result<Verdict>& verdict) {
  if (!verdict) return millrace::to_text(Json{{"error", to_json(verdict.error())}});
  return millrace::to_text(Json{{"platform", verdict->platform},
                                {"inputs", serve::to_json(verdict->inputs)},
                                {"outputs", serve::to_json(verdict->outputs)},
                                {"about", verdict->about},
                                {"batched", verdict->batched},
                                {"confined", verdict->confined},
                                {"peak_bytes", verdict->peak_bytes},
                                {"duration_us", verdict->duration_us}});
}

Result<Verdict> read_verdict(std::string_view text) {
  auto document = parse_json(text, "verdict");
  if (!document) return garbage(document.error().message());
  if (const auto* refused = find(*document, "error")) return told_error(millrace::to_text(*refused));
  Verdict out;
  out.platform = string_or(*document, "platform", "");
  if (out.platform.empty()) return garbage("no platform");
  MILLRACE_TRY(out.inputs, read_specs(*document, "inputs"));
  MILLRACE_TRY(out.outputs, read_specs(*document, "outputs"));
  if (const auto* about = find(*document, "about"); about != nullptr && about->is_object()) out.about = *about;
  out.batched = flag(*document, "batched");
  out.confined = flag(*document, "confined");
  out.peak_bytes = std::max<int64_t>(integer_or(*document, "peak_bytes", 0), 0);
  out.duration_us = std::max<int64_t>(integer_or(*document, "duration_us", 0), 0);
  return out;
}

Error told_error(std::string_view json) {
  if (json.size() > limits::model_error_bytes) return garbage("an error longer than errors are");
  const auto document = parse_json(json, "error");
  if (!document || !document->is_object()) return garbage("an error that is none");
  Error told = error_of_json(*document);
  if (std::find(std::begin(kOfFiles), std::end(kOfFiles), told.code()) == std::end(kOfFiles))
    return garbage("an error of the code '" + std::string(name_of(told.code())) + "'");
  return told;
}

}  // namespace millrace::serve::process
