#include "serve/onnx/runtime.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "serve/half.h"
#include "serve/onnx/model_file.h"
#include "serve/testdata/models.h"

namespace millrace::serve {
namespace {

using testdata::bytes_of;

std::unique_ptr<Runtime> runtime() { return make_onnx_runtime(library_folder() + "/libonnxruntime.so", silent_log()); }

Result<std::shared_ptr<const Model>> load(const std::string& name) {
  return runtime()->load(bytes_of(name), name + ".onnx");
}

template <class T>
Tensor numbers(DType type, Shape shape, std::initializer_list<T> values) {
  Tensor out{.type = type, .shape = shape};
  for (const T value : values) out.push(value);
  return out;
}

Tensor texts(Shape shape, std::vector<std::string> values) {
  return {.type = DType::bytes, .shape = shape, .texts = std::move(values)};
}

TEST(OnnxRuntime, the_library_is_there_and_says_its_version) {
  EXPECT_TRUE(runtime()->describe("").starts_with("onnxruntime 1.")) << runtime()->describe("");
}

TEST(OnnxRuntime, runs_a_batch) {
  auto model = load("linear");
  ASSERT_TRUE(model) << model.error().text();
  const Tensor x = numbers<float>(DType::fp32, {2, 3}, {1, 2, 3, 4, 5, 6});
  const size_t wanted[] = {0};
  auto out = (*model)->run({&x, 1}, wanted);
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ((*out)[0].shape, (Shape{2, 1}));
  EXPECT_FLOAT_EQ((*out)[0].as<float>()[0], 321.5F);
  EXPECT_FLOAT_EQ((*out)[0].as<float>()[1], 654.5F);
  EXPECT_TRUE((*model)->batched());
}

TEST(OnnxRuntime, takes_and_gives_named_columns_of_several_types) {
  auto model = load("columns");
  ASSERT_TRUE(model) << model.error().text();
  ASSERT_EQ((*model)->inputs().size(), 3U);
  EXPECT_EQ((*model)->inputs()[0].name, "carrier");
  EXPECT_EQ((*model)->inputs()[0].type, DType::bytes);
  const std::string with_nul("U\0A", 3);
  const Tensor in[] = {texts({3, 1}, {"UA", with_nul, ""}), numbers<int64_t>(DType::int64, {3, 1}, {10, 20, 30}),
                       numbers<float>(DType::fp32, {3, 1}, {0.5F, 0.25F, 0})};
  const size_t wanted[] = {1, 0};
  auto out = (*model)->run(in, wanted);
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ((*out)[0].texts, (std::vector<std::string>{"UA", with_nul, ""}));
  EXPECT_FLOAT_EQ((*out)[1].as<float>()[0], 12.5F);
  EXPECT_FLOAT_EQ((*out)[1].as<float>()[1], 20.25F);
}

TEST(OnnxRuntime, serves_every_type) {
  auto model = load("every_type");
  ASSERT_TRUE(model) << model.error().text();
  std::vector<Tensor> in;
  std::vector<size_t> wanted;
  for (const auto& spec : (*model)->inputs()) {
    Tensor tensor{.type = spec.type, .shape = {2}};
    if (spec.type == DType::bytes)
      tensor.texts = {"a", "b"};
    else
      tensor.data.assign(2 * size_of(spec.type), std::byte{1});
    wanted.push_back(in.size());
    in.push_back(std::move(tensor));
  }
  auto out = (*model)->run(in, wanted);
  ASSERT_TRUE(out) << out.error().text();
  for (size_t i = 0; i < in.size(); ++i) {
    EXPECT_EQ((*out)[i].type, in[i].type);
    EXPECT_EQ((*out)[i].data, in[i].data);
    EXPECT_EQ((*out)[i].texts, in[i].texts);
  }
}

TEST(OnnxRuntime, computes_in_16_bits) {
  auto model = load("half");
  ASSERT_TRUE(model) << model.error().text();
  EXPECT_EQ((*model)->inputs()[0].type, DType::fp16);
  const size_t wanted[] = {0};
  const Tensor in = numbers<Half>(DType::fp16, {2, 1}, {Half::of(0.5), Half::of(2048)});
  auto out = (*model)->run({&in, 1}, wanted);
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ((*out)[0].as<Half>()[0].number(), 1.5);
  EXPECT_EQ((*out)[0].as<Half>()[1].number(), 2048) << "2049 is halfway to 2050, and 2048 is the even one";
}

TEST(OnnxRuntime, tells_the_shapes_that_outputs_have_not_those_declared) {
  auto model = load("lying");
  ASSERT_TRUE(model) << model.error().text();
  EXPECT_EQ((*model)->outputs()[0].shape.text(), "[-1]");
}

TEST(OnnxRuntime, a_failing_run_is_an_error_and_the_model_goes_on) {
  auto model = load("indexed");
  ASSERT_TRUE(model) << model.error().text();
  const size_t wanted[] = {0};
  const Tensor bad = numbers<int64_t>(DType::int64, {1}, {99});
  auto refused = (*model)->run({&bad, 1}, wanted);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::invalid);
  const Tensor good = numbers<int64_t>(DType::int64, {1}, {1});
  auto out = (*model)->run({&good, 1}, wanted);
  ASSERT_TRUE(out);
  EXPECT_FLOAT_EQ((*out)[0].as<float>()[0], 6);
}

void expect_refused(const std::string& name, Code code, std::string_view part) {
  auto model = load(name);
  ASSERT_FALSE(model) << name;
  EXPECT_EQ(model.error().code(), code) << model.error().text();
  EXPECT_NE(model.error().text().find(part), std::string::npos) << model.error().text();
  EXPECT_NE(model.error().text().find(name + ".onnx"), std::string::npos) << model.error().text();
}

TEST(OnnxRuntime, refuses_data_in_other_files) {
  expect_refused("external", Code::invalid, "the tensor 'w' of the model lies in another file");
  expect_refused("external_inside", Code::invalid, "lies in another file");
}

TEST(OnnxRuntime, refuses_operators_and_types_that_it_does_not_know) {
  expect_refused("unknown_op", Code::invalid, "NoSuchOperator");
  expect_refused("eighth", Code::unsupported, "element type");
}

TEST(OnnxRuntime, refuses_every_cut_of_a_model) {
  const std::string whole = bytes_of("columns");
  auto ort = runtime();
  for (size_t size = 0; size < whole.size(); ++size) {
    auto model = ort->load(std::string_view(whole).substr(0, size), "cut.onnx");
    if (model) continue;  // a cut at the end of a field after the graph is a whole model again
    EXPECT_NE(model.error().code(), Code::internal) << size;
  }
  EXPECT_FALSE(ort->load("", "empty.onnx"));
  EXPECT_FALSE(ort->load("not a model", "text.onnx"));
  EXPECT_EQ(ort->load("not a model", "text.onnx").error().code(), Code::corrupt);
}

TEST(OnnxRuntime, a_missing_library_is_unavailable_with_a_hint) {
  auto absent = make_onnx_runtime("/nonexistent/libonnxruntime.so", silent_log());
  auto model = absent->load(bytes_of("linear"), "linear.onnx");
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code(), Code::unavailable);
  EXPECT_FALSE(model.error().hint().empty());
}

TEST(OnnxModelFile, counts_what_it_saw) {
  auto facts = onnx::inspect(bytes_of("linear"), "linear.onnx");
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->ir_version, 8);
  EXPECT_EQ(facts->nodes, 2U);
  EXPECT_EQ(facts->initializers, 2U);
}

TEST(OnnxModelFile, bounds_nesting) {
  std::string inner;
  const auto wrap = [](char tag, const std::string& bytes) {
    std::string out(1, tag);
    for (size_t size = bytes.size();; size >>= 7) {
      out.push_back(static_cast<char>((size & 0x7f) | (size > 0x7f ? 0x80 : 0)));
      if (size <= 0x7f) break;
    }
    return out + bytes;
  };
  for (int i = 0; i < 200; ++i)
    inner = wrap('\x0a', wrap('\x2a', wrap('\x32', inner)));  // node { attribute { graph ... } }
  auto facts = onnx::inspect("\x08\x08" + wrap('\x3a', inner), "deep.onnx");
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().code(), Code::too_large);
}

}  // namespace
}  // namespace millrace::serve
