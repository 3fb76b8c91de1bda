#include "serve/process/wire.h"

#include <gtest/gtest.h>

#include <cstring>

#include "core/clock.h"
#include "core/limits.h"
#include "core/limits/model_limits.h"

namespace millrace::serve::process {
namespace {

constexpr DType kTypes[] = {DType::boolean, DType::uint8, DType::uint16, DType::uint32, DType::uint64,
                            DType::int8,    DType::int16, DType::int32,  DType::int64,  DType::fp32,
                            DType::fp64,    DType::bytes, DType::fp16,   DType::bf16};

Tensor filled(DType type, Shape shape) {
  Tensor out{.type = type, .shape = shape};
  const size_t count = *shape.elements();
  if (type == DType::bytes)
    for (size_t i = 0; i < count; ++i) out.texts.push_back(std::string(i, 'a') + std::string("\0\xff", 2));
  else
    for (size_t i = 0; i < count * size_of(type); ++i)
      out.data.push_back(type == DType::boolean ? std::byte(i % 2) : std::byte(i * 7));
  return out;
}

static_assert(std::size(kTypes) == kDTypes);

void expect_same(const Tensor& one, const Tensor& other) {
  EXPECT_EQ(one.type, other.type);
  EXPECT_EQ(one.shape, other.shape);
  EXPECT_EQ(one.data, other.data);
  EXPECT_EQ(one.texts, other.texts);
}

std::vector<Tensor> of_every_type() {
  std::vector<Tensor> out;
  for (const auto type : kTypes)
    for (const Shape& shape : {Shape{3, 2}, Shape{0, 2}, Shape{}}) out.push_back(filled(type, shape));
  return out;
}

std::vector<TensorSpec> specs_of(const std::vector<Tensor>& tensors) {
  std::vector<TensorSpec> out;
  for (const auto& each : tensors) out.push_back({.name = "y", .type = each.type, .shape = each.shape});
  return out;
}

std::vector<size_t> all(size_t count) {
  std::vector<size_t> out(count);
  for (size_t i = 0; i < count; ++i) out[i] = i;
  return out;
}

struct Wire : ::testing::Test {
  std::vector<std::byte> room = std::vector<std::byte>(1 << 16);
};

TEST_F(Wire, carries_requests_of_every_type) {
  const auto inputs = of_every_type();
  const std::vector<size_t> wanted{4, 0, 4};
  const auto used = write_request(room, inputs, wanted);
  ASSERT_TRUE(used) << used.error().text();
  auto asked = read_request(room);
  ASSERT_TRUE(asked) << asked.error().text();
  EXPECT_EQ(asked->wanted, wanted);
  ASSERT_EQ(asked->inputs.size(), inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) expect_same(asked->inputs[i], inputs[i]);
}

TEST_F(Wire, carries_answers_of_every_type_and_errors) {
  const auto outputs = of_every_type();
  const auto specs = specs_of(outputs);
  const auto wanted = all(outputs.size());
  const size_t used = write_answer(room, outputs);
  auto answer = read_answer(room, specs, wanted);
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(answer->used, used);
  ASSERT_TRUE(answer->said);
  for (size_t i = 0; i < outputs.size(); ++i) expect_same((*answer->said)[i], outputs[i]);

  write_answer(room, Error{Code::invalid, "the index 99 is out of range"}.hint("smaller"));
  answer = read_answer(room, specs, wanted);
  ASSERT_TRUE(answer) << answer.error().text();
  ASSERT_FALSE(answer->said);
  EXPECT_EQ(answer->said.error().text(), "the index 99 is out of range. Hint: smaller");
  EXPECT_EQ(answer->said.error().code(), Code::invalid);
}

TEST_F(Wire, what_does_not_fit_is_too_large) {
  room.resize(1 << 10);
  const Tensor large = filled(DType::fp64, {1'000});
  const size_t wanted[] = {0};
  const auto request = write_request(room, {&large, 1}, wanted);
  ASSERT_FALSE(request);
  EXPECT_EQ(request.error().code(), Code::too_large);
  write_answer(room, std::vector<Tensor>{large});
  const auto answer = read_answer(room, specs_of({large}), wanted);
  ASSERT_TRUE(answer) << answer.error().text();
  ASSERT_FALSE(answer->said);
  EXPECT_EQ(answer->said.error().code(), Code::too_large);

  Tensor many{.type = DType::bytes, .shape = {static_cast<int64_t>(limits::model_texts) + 1}};
  many.texts.resize(limits::model_texts + 1);
  const auto texts = write_request(room, {&many, 1}, wanted);
  ASSERT_FALSE(texts);
  EXPECT_EQ(texts.error().code(), Code::too_large);
}

TEST_F(Wire, an_answer_to_another_question_is_none) {
  const auto tensor = filled(DType::fp32, {2});
  const size_t one[] = {0}, two[] = {0, 0};
  write_answer(room, std::vector<Tensor>{tensor});
  EXPECT_TRUE(read_answer(room, specs_of({tensor}), one));
  EXPECT_FALSE(read_answer(room, specs_of({tensor}), two));
  EXPECT_FALSE(read_answer(room, specs_of({filled(DType::fp64, {2})}), one));
  const size_t used = *write_request(room, {&tensor, 1}, one);
  EXPECT_FALSE(read_answer(std::span(room).first(used), specs_of({tensor}), one));
}

TEST_F(Wire, no_cut_and_no_change_of_bytes_breaks_the_reader) {
  const auto outputs = of_every_type();
  const auto specs = specs_of(outputs);
  const auto wanted = all(outputs.size());
  const size_t used = write_answer(room, outputs);
  constexpr size_t kBehind = 6;  // bytes of the last value's place that it does not fill
  for (size_t size = 0; size < used - kBehind; ++size) {
    const std::vector<std::byte> cut(room.begin(), room.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_FALSE(read_answer(cut, specs, wanted)) << size;
  }
  SeededRandom random(7);
  const std::vector<std::byte> good(room.begin(), room.begin() + static_cast<ptrdiff_t>(used));
  size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = good;
    for (uint64_t change = random.next() % 4 + 1; change > 0; --change)
      bytes[random.next() % used] = static_cast<std::byte>(random.next());
    const auto answer = read_answer(bytes, specs, wanted);
    if (!answer) ++refused;
    if (answer && answer->said) {
      for (const auto& tensor : *answer->said) ASSERT_EQ(tensor.elements(), *tensor.shape.elements());
    }
  }
  EXPECT_GT(refused, 1'000U);
}

TEST_F(Wire, numbers_that_would_overflow_are_refused) {
  const auto tensor = filled(DType::fp32, {2});
  const size_t wanted[] = {0};
  const size_t used = write_answer(room, std::vector<Tensor>{tensor});
  const std::vector<std::byte> good(room.begin(), room.begin() + static_cast<ptrdiff_t>(used));
  for (size_t at = 16; at + 8 <= 16 + 24 + 16; at += 8)
    for (const uint64_t value : {uint64_t{1} << 63, ~uint64_t{0}, uint64_t{1} << 40, uint64_t{1} << 61}) {
      auto bytes = good;
      std::memcpy(bytes.data() + at, &value, sizeof value);
      const auto answer = read_answer(bytes, specs_of({tensor}), wanted);
      if (answer) {
        ASSERT_TRUE(answer->said);
        expect_same((*answer->said)[0], tensor);
      }
    }
}

}  // namespace
}  // namespace millrace::serve::process
