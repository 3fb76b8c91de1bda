#include "serve/process/trial/verdict.h"

#include <gtest/gtest.h>

#include "core/limits.h"
#include "core/limits/model_limits.h"

namespace millrace::serve::process {
namespace {

Verdict sample() {
  return {.platform = "onnx_onnxv1",
          .inputs = {{.name = "x", .type = DType::fp32, .shape = {-1, 3}}},
          .outputs = {{.name = "label", .type = DType::int64, .shape = {-1}}, {.name = "t", .type = DType::bytes}},
          .about = {{"runtime", "native"}},
          .batched = true,
          .confined = true,
          .peak_bytes = 1 << 20,
          .duration_us = 1'234};
}

TEST(Verdict, is_read_as_it_was_written) {
  const auto read = read_verdict(to_text(Result<Verdict>(sample())));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->platform, "onnx_onnxv1");
  EXPECT_EQ(serve::to_json(read->inputs), serve::to_json(sample().inputs));
  EXPECT_EQ(serve::to_json(read->outputs), serve::to_json(sample().outputs));
  EXPECT_EQ(read->about, sample().about);
  EXPECT_TRUE(read->batched && read->confined);
  EXPECT_EQ(read->peak_bytes, 1 << 20);
  EXPECT_EQ(read->duration_us, 1'234);
}

TEST(Verdict, a_refusal_is_the_error_that_the_child_had) {
  const Error why = Error{Code::unsupported, "no such operator"}.at({.file = "a.onnx"}).hint("another opset");
  const auto read = read_verdict(to_text(Result<Verdict>(why)));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().text(), why.text());
  EXPECT_EQ(read.error().code(), Code::unsupported);
}

TEST(Verdict, what_is_no_verdict_is_a_broken_answer) {
  std::string many = R"({"platform":"p","outputs":[{"name":"y","datatype":"FP32","shape":[1]}],"inputs":[)";
  for (size_t i = 0; i <= limits::model_tensors; ++i)
    many += std::string(i == 0 ? "" : ",") + R"({"name":"x","datatype":"FP32","shape":[1]})";
  for (const std::string& text : std::vector<std::string>{
           "", "{}", "[]", "null", "{\"error\": 7}", "not json", std::string(100'000, '['), many + "]}",
           R"({"platform":"p","inputs":[],"outputs":[]})",
           R"({"platform":"p","inputs":[{"name":"x","datatype":"FP7","shape":[1]}],"outputs":[]})",
           R"({"platform":"p","inputs":[{"name":"x","datatype":"FP32","shape":[-2]}],"outputs":[]})",
           R"({"platform":"p","inputs":[{"name":"x","datatype":"FP32","shape":[1,1,1,1,1,1,1,1,1]}],"outputs":[]})",
           R"({"platform":"p","inputs":[{"name":"","datatype":"FP32","shape":[1]}],"outputs":[]})",
           R"({"error":{"code":"internal","detail":"x"}})", R"({"error":{"code":"denied","detail":"x"}})"}) {
    const auto read = read_verdict(text);
    ASSERT_FALSE(read) << text.substr(0, 100);
    EXPECT_EQ(read.error().code(), Code::corrupt) << text.substr(0, 100);
    EXPECT_NE(read.error().text().find("broken answer"), std::string::npos) << read.error().text();
  }
}

TEST(Verdict, an_error_longer_than_errors_are_is_not_told_on) {
  const std::string text = R"({"code":"invalid","detail":")" + std::string(limits::model_error_bytes, 'x') + "\"}";
  EXPECT_LT(told_error(text).text().size(), 200U);
}

TEST(Task, is_read_as_it_was_written) {
  const Task task{.runtime = {.folder = "/lib", .onnxruntime = "/lib/a.so", .choice = "native", .batching = "close"},
                  .from = "m.onnx",
                  .parent = 7,
                  .memory = 1ULL << 40,
                  .cpu_seconds = 31,
                  .slots = 16,
                  .slot_bytes = 4'096};
  const auto read = read_task(millrace::to_text(to_json(task)));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(to_json(*read), to_json(task));
  EXPECT_FALSE(read_task("{}"));
}

}  // namespace
}  // namespace millrace::serve::process
