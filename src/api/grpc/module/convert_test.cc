#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "api/grpc/module/read.h"
#include "api/grpc/module/write.h"

namespace millrace::api::rpc {
namespace {
using inference::ModelInferRequest;
using serve::DType;

constexpr DType kTyped[] = {DType::boolean, DType::uint8, DType::uint16, DType::uint32, DType::uint64, DType::int8,
                            DType::int16,   DType::int32, DType::int64,  DType::fp32,   DType::fp64,   DType::bytes};

serve::Arm every_type() {
  serve::Arm arm{.deployment = "every"};
  for (const DType type : kTyped) arm.inputs.push_back({std::string(name_of(type)), type, {-1}});
  arm.outputs = arm.inputs;
  return arm;
}

template <class T>
void edges(T* out) {
  using Value = std::remove_cvref_t<decltype((*out)[0])>;
  out->Add(std::numeric_limits<Value>::lowest());
  out->Add(std::numeric_limits<Value>::max());
}

// Two elements of every type, at the edges of its range.
ModelInferRequest typed() {
  ModelInferRequest out;
  for (const DType type : kTyped) {
    auto& input = *out.add_inputs();
    input.set_name(std::string(name_of(type)));
    input.set_datatype(std::string(name_of(type)));
    input.add_shape(2);
    auto& to = *input.mutable_contents();
    switch (type) {
      case DType::boolean: edges(to.mutable_bool_contents()); break;
      case DType::uint8:
      case DType::uint16:
        to.add_uint_contents(0);
        to.add_uint_contents(type == DType::uint8 ? 255 : 65'535);
        break;
      case DType::uint32: edges(to.mutable_uint_contents()); break;
      case DType::uint64: edges(to.mutable_uint64_contents()); break;
      case DType::int8:
      case DType::int16:
        to.add_int_contents(type == DType::int8 ? -128 : -32'768);
        to.add_int_contents(type == DType::int8 ? 127 : 32'767);
        break;
      case DType::int32: edges(to.mutable_int_contents()); break;
      case DType::int64: edges(to.mutable_int64_contents()); break;
      case DType::fp32: edges(to.mutable_fp32_contents()); break;
      case DType::fp64: edges(to.mutable_fp64_contents()); break;
      default: to.add_bytes_contents("ü\n"), to.add_bytes_contents(std::string("\0\xff", 2));
    }
  }
  return out;
}

serve::InferReply reply_of(const InferCall& call, const serve::ServedArm& arm) {
  serve::InferReply out{.prediction_id = "p", .arm = &arm};
  for (const size_t each : call.request.wanted) out.outputs.push_back(call.request.inputs[each]);
  return out;
}

TEST(GrpcConvert, typed_contents_of_every_type_come_back_exactly) {
  const serve::ServedArm arm{.arm = every_type(), .version = "1", .release = "r"};
  const auto request = typed();
  const auto call = read_infer(request, arm.arm, true);
  ASSERT_TRUE(call) << call.error().text();
  EXPECT_FALSE(call->raw);
  EXPECT_FALSE(call->request.json_answer);
  inference::ModelInferResponse answer;
  write_answer(*call, reply_of(*call, arm), answer);
  ASSERT_EQ(answer.outputs_size(), request.inputs_size());
  EXPECT_EQ(answer.raw_output_contents_size(), 0);
  for (int i = 0; i < request.inputs_size(); ++i)
    EXPECT_EQ(answer.outputs(i).contents().SerializeAsString(), request.inputs(i).contents().SerializeAsString()) << i;
}

TEST(GrpcConvert, sixteen_bit_floats_are_raw_both_ways) {
  serve::ServedArm arm{.arm = {.deployment = "half"}, .version = "1"};
  arm.arm.inputs = {{"x", DType::fp32, {-1}}, {"h", DType::fp16, {-1}}};
  arm.arm.outputs = arm.arm.inputs;
  ModelInferRequest request;
  for (const auto* name : {"x", "h"}) {
    auto& input = *request.add_inputs();
    input.set_name(name);
    input.set_datatype(*name == 'x' ? "FP32" : "FP16");
    input.add_shape(1);
  }
  request.mutable_inputs(0)->mutable_contents()->add_fp32_contents(1);
  const auto refused = read_infer(request, arm.arm, true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().where().field, "inputs[1].contents");
  request.mutable_inputs(0)->clear_contents();
  request.add_raw_input_contents(std::string(4, '\1'));
  request.add_raw_input_contents("\1\2");
  const auto call = read_infer(request, arm.arm, true);
  ASSERT_TRUE(call) << call.error().text();
  inference::ModelInferResponse answer;
  write_answer(*call, reply_of(*call, arm), answer);
  ASSERT_EQ(answer.raw_output_contents_size(), 2);
  EXPECT_EQ(answer.raw_output_contents(1), "\1\2");
  // An answer that holds one is raw as a whole, also where the request was typed.
  answer.Clear();
  write_answer({.request = call->request, .raw = false}, reply_of(*call, arm), answer);
  EXPECT_EQ(answer.raw_output_contents_size(), 2);
}

TEST(GrpcConvert, names_the_element_that_overflows) {
  const auto arm = every_type();
  for (const auto& [at, value] : {std::pair{5, 128}, {5, -129}, {6, 32'768}, {6, -32'769}}) {
    auto request = typed();
    request.mutable_inputs(at)->mutable_contents()->set_int_contents(1, value);
    const auto call = read_infer(request, arm, true);
    ASSERT_FALSE(call);
    EXPECT_EQ(call.error().where().field, "inputs[" + std::to_string(at) + "].contents.int_contents[1]");
    EXPECT_NE(call.error().message().find("not " + std::to_string(value)), std::string::npos);
  }
}

// No bytes that a client may send reach beyond what they say: the sanitizers watch.
TEST(GrpcConvert, damaged_messages_are_read_or_refused) {
  const auto arm = every_type();
  auto raw = typed();
  for (auto& input : *raw.mutable_inputs()) {
    raw.add_raw_input_contents(std::string(16, '\0'));
    input.clear_contents();
  }
  google::protobuf::SetLogHandler(nullptr);  // a line for each text that is not UTF-8
  std::mt19937 chance(7);
  size_t refused = 0, unreadable = 0;
  for (const auto& whole : {typed().SerializeAsString(), raw.SerializeAsString()}) {
    for (int i = 0; i < 4'000; ++i) {
      auto bytes = whole;
      for (size_t changes = 1 + chance() % 3; changes > 0; --changes)
        bytes[chance() % bytes.size()] = static_cast<char>(chance());
      if (chance() % 4 == 0) bytes.resize(chance() % bytes.size());
      ModelInferRequest request;
      if (!request.ParseFromString(bytes)) {
        ++unreadable;
        continue;
      }
      if (const auto call = read_infer(request, arm, true); !call) {
        ++refused;
        EXPECT_TRUE(call.error().code() != Code::internal && !call.error().where().field.empty());
      }
    }
  }
  EXPECT_GT(refused, 100U);
  EXPECT_GT(unreadable, 100U);
}

}  // namespace
}  // namespace millrace::api::rpc
