#include "serve/prediction.h"

#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "core/limits.h"
#include "serve/half.h"

namespace millrace::serve {
namespace {

constexpr std::string_view kOutcomes[] = {"answered", "refused", "failed"};

// The outcome shares its byte with the version of the record: its low and its high four bits.
constexpr uint8_t kVersionBit = 4;
constexpr uint8_t kOutcomeMask = (1 << kVersionBit) - 1;
constexpr uint8_t kTimed = 1;    // since this version a duration follows the outcome
constexpr uint8_t kFlagged = 2;  // since this version flags follow the tensors; written only where there are any
constexpr uint8_t kCased = 3;    // since this version a case follows the flags; written only where there is one
constexpr size_t kHeadAt = 3 * sizeof(uint64_t);  // of that byte

class Writer {
 public:
  template <class T>
  void number(T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(std::string_view value) {
    number(static_cast<uint32_t>(value.size()));
    bytes.append(value);
  }
  void tensor(const Tensor& tensor) {
    number(static_cast<uint8_t>(tensor.type));
    number(static_cast<uint8_t>(tensor.shape.rank()));
    for (const int64_t dim : tensor.shape) number(dim);
    if (tensor.type == DType::bytes) {
      for (const auto& each : tensor.texts) text(each);
    } else {
      bytes.append(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size());
    }
  }
  void flags(const std::vector<Flag>& flags) {
    number(static_cast<uint16_t>(flags.size()));
    for (const auto& flag : flags) {
      text(flag.field);
      text(flag.rule);
      number(flag.row);
      number(static_cast<uint8_t>(flag.clamped));
    }
  }
  void held(const Case& held) {
    text(held.rule);
    number(held.matched);
    number(static_cast<uint16_t>(held.rows.size()));
    for (const uint32_t row : held.rows) number(row);
  }
  std::string bytes;
};

// Reads what Writer wrote; after the first short or impossible value `good` is false and all that follows is empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}
  bool good = true;
  bool done() const { return good && left_.empty(); }

  std::string_view take(size_t size) {
    if (!good || size > left_.size()) return good = false, std::string_view{};
    const auto out = left_.substr(0, size);
    left_.remove_prefix(size);
    return out;
  }
  template <class T>
  T number() {
    T value{};
    const auto from = take(sizeof value);
    if (good) std::memcpy(&value, from.data(), sizeof value);
    return value;
  }
  std::string text() { return std::string(take(number<uint32_t>())); }
  Tensor tensor() {
    Tensor out;
    const auto type = number<uint8_t>();
    const auto rank = number<uint8_t>();
    if (type >= kDTypes || rank > kMaxRank) return good = false, out;
    out.type = static_cast<DType>(type);
    for (uint8_t i = 0; i < rank; ++i) out.shape.push(number<int64_t>());
    const auto count = out.shape.elements();
    if (!count || *count > left_.size()) return good = false, out;  // an element takes at least a byte
    if (out.type == DType::bytes) {
      for (size_t i = 0; i < *count && good; ++i) out.texts.push_back(text());
    } else {
      const auto bytes = take(*count * size_of(out.type));
      const auto* from = reinterpret_cast<const std::byte*>(bytes.data());
      out.data.assign(from, from + bytes.size());
    }
    return out;
  }

 private:
  std::string_view left_;
};

template <class T>
void add_number(T value, Json& out) {
  if (std::isnan(value))
    out.push_back("NaN");
  else if (std::isinf(value))
    out.push_back(value > 0 ? "Infinity" : "-Infinity");
  else
    out.push_back(value);
}

template <class T>
void add_numbers(const Tensor& tensor, Json& out) {
  for (const T value : tensor.as<T>()) {
    if constexpr (std::is_floating_point_v<T>)
      add_number(value, out);
    else if constexpr (std::is_integral_v<T>)
      out.push_back(value);
    else
      add_number(value.number(), out);
  }
}

Result<std::vector<TensorSpec>> read_specs(const Json& json, std::string_view key) {
  const Error wrong{Code::corrupt, fmt::format("the description of an arm has no usable '{}'", key)};
  const Json* list = find(json, key);
  if (list == nullptr || !list->is_array() || list->size() > limits::model_tensors) return wrong;
  std::vector<TensorSpec> out;
  for (const auto& each : *list) {
    const auto type = find_dtype(string_or(each, "datatype", ""));
    const Json* shape = find(each, "shape");
    if (!type || shape == nullptr || !shape->is_array()) return wrong;
    TensorSpec spec{.name = string_or(each, "name", ""), .type = *type};
    for (const auto& dim : *shape)
      if (!dim.is_number_integer() || !spec.shape.push(dim.get<int64_t>())) return wrong;
    out.push_back(std::move(spec));
  }
  return out;
}

}  // namespace

std::string_view name_of(Outcome outcome) { return kOutcomes[static_cast<size_t>(outcome)]; }

std::string Arm::release_node() const {
  if (release > 0) return fmt::format("release:{}@{}", deployment, release);
  return fmt::format("file:{}@{}", deployment,
                     digest.substr(std::min(digest.size(), std::string_view("sha256:").size()), 12));
}

Json Arm::to_json() const {
  return {{"deployment", deployment},
          {"workspace", workspace},
          {"release", release},
          {"arm", name},
          {"model", model},
          {"version", version},
          {"digest", digest},
          {"contract", contract},
          {"inputs", serve::to_json(inputs)},
          {"outputs", serve::to_json(outputs)}};
}

Json to_json(const std::vector<Flag>& flags) {
  Json out = Json::array();
  for (const auto& flag : flags)
    out.push_back({{"field", flag.field},
                   {"rule", flag.rule},
                   {"row", flag.row},
                   {"verdict", std::string(name_of(flag.clamped ? GuardMode::clamp : GuardMode::flag))}});
  return out;
}

std::string case_id(std::string_view prediction_id) { return fmt::format("case-{}", prediction_id); }

Json to_json(const Case& held) { return {{"rule", held.rule}, {"rows", held.rows}, {"matched", held.matched}}; }

Result<Case> case_of_json(const Json& json) {
  const Error damaged{Code::corrupt, "a case is not as it was written"};
  const auto matched = integer_or(json, "matched", 0);
  Case out{.rule = string_or(json, "rule", ""), .rows = {}, .matched = static_cast<uint32_t>(matched)};
  const auto* rows = find(json, "rows");
  if (out.rule.empty() || matched < 1 || rows == nullptr || !rows->is_array() || rows->size() > kCaseRows)
    return damaged;
  for (const auto& row : *rows) {
    if (!row.is_number_unsigned()) return damaged;
    out.rows.push_back(row.get<uint32_t>());
  }
  return out;
}

Result<Arm> Arm::of_json(const Json& json) {
  Arm out{.deployment = string_or(json, "deployment", ""),
          .workspace = string_or(json, "workspace", ""),
          .release = integer_or(json, "release", 0),
          .name = string_or(json, "arm", ""),
          .model = string_or(json, "model", ""),
          .version = integer_or(json, "version", 0),
          .digest = string_or(json, "digest", ""),
          .contract = string_or(json, "contract", "")};
  MILLRACE_TRY(out.inputs, read_specs(json, "inputs"));
  MILLRACE_TRY(out.outputs, read_specs(json, "outputs"));
  return out;
}

std::string encode(uint64_t arm_key, const PredictionFacts& facts, std::span<const Tensor> inputs,
                   std::span<const size_t> wanted, std::span<const Tensor> outputs) {
  Writer out;
  out.bytes.reserve(512 + 64 * inputs.size());
  out.number(arm_key);
  out.number(facts.event_time);
  out.number(facts.arrived_at);
  const uint8_t version = facts.held ? kCased : facts.flags.empty() ? kTimed : kFlagged;
  out.number(static_cast<uint8_t>(static_cast<uint8_t>(facts.outcome) | version << kVersionBit));
  out.number(facts.duration_us);
  for (const auto* text : {&facts.id, &facts.unit, &facts.input, &facts.request_id, &facts.field, &facts.rule})
    out.text(*text);
  out.number(static_cast<uint16_t>(inputs.size()));
  for (const auto& tensor : inputs) out.tensor(tensor);
  out.number(static_cast<uint16_t>(outputs.size()));
  for (size_t i = 0; i < outputs.size(); ++i) {
    out.number(static_cast<uint16_t>(wanted[i]));
    out.tensor(outputs[i]);
  }
  if (version >= kFlagged) out.flags(facts.flags);
  if (version >= kCased) out.held(*facts.held);
  return std::move(out.bytes);
}

Result<Decoded> decode(std::string_view payload) {
  Reader in(payload);
  Decoded out;
  Prediction& it = out.prediction;
  out.arm_key = in.number<uint64_t>();
  it.event_time = in.number<int64_t>();
  it.arrived_at = in.number<int64_t>();
  const auto head = in.number<uint8_t>();
  const uint8_t outcome = head & kOutcomeMask, version = head >> kVersionBit;
  in.good &= outcome < std::size(kOutcomes) && version <= kCased;
  it.outcome = static_cast<Outcome>(outcome);
  if (version >= kTimed) it.duration_us = in.number<int64_t>();
  for (auto* text : {&it.id, &it.unit, &it.input, &it.request_id, &it.field, &it.rule}) *text = in.text();
  const auto inputs = in.number<uint16_t>();
  for (uint16_t i = 0; i < inputs && in.good; ++i) it.inputs.push_back(in.tensor());
  const auto outputs = in.number<uint16_t>();
  for (uint16_t i = 0; i < outputs && in.good; ++i) {
    it.wanted.push_back(in.number<uint16_t>());
    it.outputs.push_back(in.tensor());
  }
  if (version >= kFlagged) {
    const auto flags = in.number<uint16_t>();
    for (uint16_t i = 0; i < flags && in.good; ++i) {
      Flag flag{.field = in.text(), .rule = in.text(), .row = in.number<uint32_t>()};
      flag.clamped = in.number<uint8_t>() != 0;
      it.flags.push_back(std::move(flag));
    }
  }
  if (version >= kCased) {
    Case held{.rule = in.text(), .rows = {}, .matched = in.number<uint32_t>()};
    const auto rows = in.number<uint16_t>();
    for (uint16_t i = 0; i < rows && in.good; ++i) held.rows.push_back(in.number<uint32_t>());
    it.held = std::move(held);
  }
  if (!in.done()) return Error{Code::corrupt, "a record of the prediction log is not as it was written"};
  return out;
}

bool has_case(std::string_view payload) {
  return payload.size() > kHeadAt && (static_cast<uint8_t>(payload[kHeadAt]) >> kVersionBit) >= kCased;
}

Json tensor_json(const Tensor& tensor) {
  Json out = Json::array();
  switch (tensor.type) {
    case DType::boolean:
      for (const auto each : tensor.data) out.push_back(each != std::byte{0});
      break;
    case DType::uint8: add_numbers<uint8_t>(tensor, out); break;
    case DType::uint16: add_numbers<uint16_t>(tensor, out); break;
    case DType::uint32: add_numbers<uint32_t>(tensor, out); break;
    case DType::uint64: add_numbers<uint64_t>(tensor, out); break;
    case DType::int8: add_numbers<int8_t>(tensor, out); break;
    case DType::int16: add_numbers<int16_t>(tensor, out); break;
    case DType::int32: add_numbers<int32_t>(tensor, out); break;
    case DType::int64: add_numbers<int64_t>(tensor, out); break;
    case DType::fp32: add_numbers<float>(tensor, out); break;
    case DType::fp64: add_numbers<double>(tensor, out); break;
    case DType::bytes: out = tensor.texts; break;
    case DType::fp16: add_numbers<Half>(tensor, out); break;
    case DType::bf16: add_numbers<Brain>(tensor, out); break;
  }
  return out;
}

Json case_json(const Case& held, std::string_view prediction_id) {
  Json out = to_json(held);
  out["id"] = case_id(prediction_id);
  return out;
}

size_t Prediction::rows() const {
  if (inputs.empty() || inputs[0].shape.rank() == 0) return 1;
  return std::max<size_t>(1, static_cast<size_t>(inputs[0].shape[0]));
}

Json Prediction::to_json(const Arm& arm) const {
  const auto described = [](const TensorSpec& spec, const Tensor& tensor) {
    return Json{{"datatype", std::string(name_of(tensor.type))},
                {"shape", std::vector<int64_t>(tensor.shape.begin(), tensor.shape.end())},
                {"data", tensor_json(tensor)},
                {"name", spec.name}};
  };
  Json in = Json::array(), out = Json::array();
  for (size_t i = 0; i < inputs.size() && i < arm.inputs.size(); ++i) in.push_back(described(arm.inputs[i], inputs[i]));
  for (size_t i = 0; i < outputs.size(); ++i)
    if (wanted[i] < arm.outputs.size()) out.push_back(described(arm.outputs[wanted[i]], outputs[i]));
  return {{"id", id},
          {"event_time", to_iso(event_time)},
          {"arrived_at", to_iso(arrived_at)},
          {"status", std::string(name_of(outcome))},
          {"unit", unit},
          {"input", input},
          {"request_id", request_id},
          {"field", field},
          {"rule", rule},
          {"duration_us", duration_us < 0 ? Json(nullptr) : Json(duration_us)},
          {"flags", serve::to_json(flags)},
          {"case", held ? case_json(*held, id) : Json(nullptr)},
          {"inputs", std::move(in)},
          {"outputs", std::move(out)},
          {"release", arm.release_node()},
          {"arm", arm.name},
          {"model", arm.model},
          {"version", arm.version},
          {"digest", arm.digest},
          {"contract", arm.contract},
          {"deployment", arm.deployment},
          {"workspace", arm.workspace}};
}

}  // namespace millrace::serve
