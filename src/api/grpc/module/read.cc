#include "api/grpc/module/read.h"

#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "api/oip/call.h"
#include "api/oip/packed.h"
#include "api/oip/parameters.h"

namespace millrace::api::rpc {
namespace {
using google::protobuf::RepeatedField;
using inference::InferTensorContents;
using oip::bad;
using serve::DType;
using serve::Tensor;

size_t filled(const InferTensorContents& it) {
  return static_cast<size_t>(it.bool_contents_size()) + it.int_contents_size() + it.int64_contents_size() +
         it.uint_contents_size() + it.uint64_contents_size() + it.fp32_contents_size() + it.fp64_contents_size() +
         it.bytes_contents_size();
}

// The typed contents of one input.
class Contents {
 public:
  Contents(const InferTensorContents& from, size_t number, Tensor& out) : from_(from), number_(number), out_(out) {}

  Result<void> read() {
    switch (out_.type) {
      case DType::boolean: return numbers<uint8_t>(from_.bool_contents(), "bool_contents");
      case DType::uint8: return numbers<uint8_t>(from_.uint_contents(), "uint_contents");
      case DType::uint16: return numbers<uint16_t>(from_.uint_contents(), "uint_contents");
      case DType::uint32: return numbers<uint32_t>(from_.uint_contents(), "uint_contents");
      case DType::uint64: return numbers<uint64_t>(from_.uint64_contents(), "uint64_contents");
      case DType::int8: return numbers<int8_t>(from_.int_contents(), "int_contents");
      case DType::int16: return numbers<int16_t>(from_.int_contents(), "int_contents");
      case DType::int32: return numbers<int32_t>(from_.int_contents(), "int_contents");
      case DType::int64: return numbers<int64_t>(from_.int64_contents(), "int64_contents");
      case DType::fp32: return numbers<float>(from_.fp32_contents(), "fp32_contents");
      case DType::fp64: return numbers<double>(from_.fp64_contents(), "fp64_contents");
      case DType::bytes: return texts();
      case DType::fp16:
      case DType::bf16: break;
    }
    return bad(fmt::format("{} has no typed contents", name_of(out_.type)), oip::input_field(number_, "contents"))
        .hint("send it in raw_input_contents");
  }

 private:
  std::string field(std::string_view name) const { return oip::input_field(number_, fmt::format("contents.{}", name)); }

  Result<void> count(size_t given, std::string_view name) const {
    const auto expected = out_.shape.elements();
    if (!expected) return bad(fmt::format("the shape {} has too many elements", out_.shape.text()), field(name));
    if (filled(from_) != given)
      return bad(fmt::format("{} takes {} and nothing else, another field has elements", name_of(out_.type), name),
                 oip::input_field(number_, "contents"));
    if (given == *expected) return {};
    return bad(fmt::format("the shape {} has {} elements, the data has {}", out_.shape.text(), *expected, given),
               field(name));
  }

  template <class To, class From>
  Result<void> numbers(const RepeatedField<From>& from, std::string_view name) {
    const auto size = static_cast<size_t>(from.size());
    MILLRACE_DO(count(size, name));
    out_.data.resize(size * sizeof(To));
    if constexpr (sizeof(To) == sizeof(From)) {
      std::memcpy(out_.data.data(), from.data(), out_.data.size());
    } else {
      for (size_t i = 0; i < size; ++i) {
        const From value = from[static_cast<int>(i)];
        if (!std::in_range<To>(value))
          return bad(fmt::format("{} takes whole numbers from {} to {}, not {}", name_of(out_.type),
                                 std::numeric_limits<To>::min(), std::numeric_limits<To>::max(), value),
                     fmt::format("{}[{}]", field(name), i));
        const auto narrow = static_cast<To>(value);
        std::memcpy(out_.data.data() + i * sizeof(To), &narrow, sizeof(To));
      }
    }
    return {};
  }

  Result<void> texts() {
    MILLRACE_DO(count(static_cast<size_t>(from_.bytes_contents_size()), "bytes_contents"));
    out_.texts.assign(from_.bytes_contents().begin(), from_.bytes_contents().end());
    return {};
  }

  const InferTensorContents& from_;
  const size_t number_;
  Tensor& out_;
};

oip::ParameterValue value_of(const inference::InferParameter& parameter) {
  switch (parameter.parameter_choice_case()) {
    case inference::InferParameter::kBoolParam: return parameter.bool_param();
    case inference::InferParameter::kInt64Param: return parameter.int64_param();
    case inference::InferParameter::kStringParam: return std::string_view(parameter.string_param());
    case inference::InferParameter::kDoubleParam: return parameter.double_param();
    case inference::InferParameter::kUint64Param: return parameter.uint64_param();
    default: return {};
  }
}

// Asks for the mark on the last answer of a stream, which every answer has.
constexpr std::string_view kFinalMark = "triton_enable_empty_final_response";

Result<void> no_parameters(const google::protobuf::Map<std::string, inference::InferParameter>& parameters,
                           const std::string& at) {
  for (const auto& [name, value] : parameters) {
    const std::string field = fmt::format("{}.{}", at, std::string_view(name).substr(0, oip::kTextBytes));
    if (name.starts_with("shared_memory_"))
      return Error{Code::unsupported, "shared memory is not served"}.at_field(field).hint(
          "send the tensor in the message");
    if (name == "classification")
      return Error{Code::unsupported, "outputs are not turned into classes"}.at_field(field).hint(
          "ask for the output as it is");
    return bad("this parameter is not known", field).hint("none is known here");
  }
  return {};
}

Result<void> read_raw_input(const std::string& raw, int number, Tensor& out) {
  auto done = oip::read_raw(raw, "", out);
  if (done) return done;
  auto error = std::move(done).error();
  const std::string inside = error.where().field;
  return std::move(error).at_field(fmt::format("raw_input_contents[{}]{}", number, inside));
}

Result<void> read_input(const inference::ModelInferRequest& request, int number, oip::CallBuilder& call) {
  const auto& input = request.inputs(number);
  const auto at = static_cast<size_t>(number);
  if (input.parameters_size() > 0) MILLRACE_DO(no_parameters(input.parameters(), oip::input_field(at, "parameters")));
  if (input.name().size() > oip::kTextBytes) return oip::check_text(input.name(), oip::input_field(at, "name"));
  MILLRACE_TRY(const auto type, oip::read_datatype(input.datatype(), at));
  serve::Shape shape;
  for (const int64_t dim : input.shape()) MILLRACE_DO(oip::push_dimension(shape, dim, at));
  MILLRACE_TRY(Tensor* const tensor, call.input(at, input.name(), type, shape));
  if (request.raw_input_contents_size() == 0) return Contents(input.contents(), at, *tensor).read();
  if (input.has_contents())
    return bad("contents and raw_input_contents exclude each other", oip::input_field(at, "contents"));
  return read_raw_input(request.raw_input_contents(number), number, *tensor);
}

}  // namespace

Result<InferCall> read_infer(const inference::ModelInferRequest& request, const serve::Arm& arm, bool batched) {
  InferCall out;
  MILLRACE_DO(oip::check_text(request.id(), "id"));
  out.request.request_id = request.id();
  out.request.json_answer = false;
  out.raw = request.raw_input_contents_size() > 0;
  for (const auto& [name, value] : request.parameters())
    if (name != kFinalMark) MILLRACE_DO(oip::read_parameter(name, value_of(value), kFinalMark, out.request));
  if (request.inputs_size() == 0) return bad("the request has no inputs", "inputs");
  if (out.raw && request.raw_input_contents_size() != request.inputs_size())
    return bad(fmt::format("there are {} inputs and {} raw tensors", request.inputs_size(),
                           request.raw_input_contents_size()),
               "raw_input_contents")
        .hint("one for each input, in their order");
  oip::CallBuilder call(arm, batched, out.request);
  for (int i = 0; i < request.inputs_size(); ++i) MILLRACE_DO(read_input(request, i, call));
  for (int i = 0; i < request.outputs_size(); ++i) {
    const auto at = static_cast<size_t>(i);
    MILLRACE_DO(no_parameters(request.outputs(i).parameters(), oip::output_field(at, "parameters")));
    if (const auto& name = request.outputs(i).name(); name.size() > oip::kTextBytes)
      return oip::check_text(name, oip::output_field(at, "name")).error();
    MILLRACE_DO(call.output(at, request.outputs(i).name()));
  }
  MILLRACE_DO(call.finish());
  return out;
}

}  // namespace millrace::api::rpc
