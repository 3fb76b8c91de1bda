#include "serve/together.h"

#include <gtest/gtest.h>

#include <numeric>

namespace millrace::serve {
namespace {

// Adds to each number what `beside` makes of the number of rows in the call.
class Sums final : public Model {
 public:
  explicit Sums(std::function<float(size_t rows)> beside) : beside_(std::move(beside)) {}
  std::string_view platform() const override { return "test"; }
  const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  bool batched() const override { return batched_; }
  Result<std::vector<Tensor>> run(std::span<const Tensor> inputs, std::span<const size_t>) const override {
    if (refuses_) return Error{Code::invalid, "not this value"};
    const auto rows = rows_in(inputs);
    Tensor out{.shape = {static_cast<int64_t>(forgets_a_row_ && rows > 1 ? rows - 1 : rows), 1}};
    for (int64_t i = 0; i < out.shape[0]; ++i) out.push(inputs[0].as<float>()[static_cast<size_t>(i)] + beside_(rows));
    return std::vector<Tensor>{out};
  }
  bool batched_ = true, refuses_ = false, forgets_a_row_ = false;
  std::vector<TensorSpec> inputs_{{"x", DType::fp32, {-1, 1}}}, outputs_{{"y", DType::fp32, {-1, 1}}};

 private:
  std::function<float(size_t)> beside_;
};

Tensor numbers(std::vector<float> values, int64_t columns) {
  Tensor out{.shape = {static_cast<int64_t>(values.size()) / columns, columns}};
  for (const float value : values) out.push(value);
  return out;
}

Tensor texts(std::vector<std::string> values) {
  Tensor out{.type = DType::bytes, .shape = {static_cast<int64_t>(values.size()), 1}};
  out.texts = std::move(values);
  return out;
}

TEST(Together, rows_are_joined_in_order_and_each_gets_its_own_back) {
  const std::vector<Tensor> one{numbers({1, 2, 3, 4}, 2), texts({"a", "b"})};
  const std::vector<Tensor> other{numbers({5, 6}, 2), texts({"c"})};
  const std::vector<std::span<const Tensor>> both{one, other};
  const auto joined = join_rows(both);
  EXPECT_EQ(joined[0].shape, (Shape{3, 2}));
  EXPECT_EQ(joined[0].data, numbers({1, 2, 3, 4, 5, 6}, 2).data);
  EXPECT_EQ(joined[1].texts, (std::vector<std::string>{"a", "b", "c"}));
  const auto parts = split_rows(joined, std::vector<size_t>{2, 1});
  ASSERT_TRUE(parts) << parts.error().text();
  for (size_t at = 0; at < 2; ++at) {
    EXPECT_EQ((*parts)[0][at].data, one[at].data);
    EXPECT_EQ((*parts)[0][at].texts, one[at].texts);
    EXPECT_EQ((*parts)[0][at].shape, one[at].shape);
    EXPECT_EQ((*parts)[1][at].data, other[at].data);
    EXPECT_EQ((*parts)[1][at].texts, other[at].texts);
    EXPECT_EQ((*parts)[1][at].shape, other[at].shape);
  }
  EXPECT_EQ(split_rows(joined, std::vector<size_t>{2, 2}).error().code(), Code::internal);
}

TEST(Together, only_what_differs_in_rows_alone_fits) {
  const std::vector<Tensor> one{numbers({1, 2}, 2)}, longer{numbers({1, 2, 3, 4}, 2)}, wider{numbers({1, 2, 3}, 3)};
  EXPECT_TRUE(fits_beside(one, longer));
  EXPECT_FALSE(fits_beside(one, wider));
  std::vector<Tensor> other_type{one};
  other_type[0].type = DType::int32;
  EXPECT_FALSE(fits_beside(one, other_type));
}

TEST(Together, a_call_has_room_for_256_rows_and_always_for_its_first_request) {
  const std::vector<Tensor> large{numbers(std::vector<float>(300, 1), 1)},
      small{numbers(std::vector<float>(128, 1), 1)};
  CallRoom room, other;
  EXPECT_TRUE(room.take(large));
  EXPECT_FALSE(room.take(small));
  EXPECT_TRUE(other.take(small));
  EXPECT_TRUE(other.take(small));
  EXPECT_FALSE(other.take(small));
}

TEST(Together, models_are_tried_before_their_requests_share_calls) {
  ManualClock clock;
  Sums same([](size_t) { return 0.5F; });
  EXPECT_EQ(why_alone(same, Batching::exact, clock), "");
  EXPECT_EQ(why_alone(same, Batching::off, clock), "batching is off");
  const Sums nearly([](size_t rows) { return rows > 4 ? 1e-6F : 0.0F; });
  EXPECT_EQ(why_alone(nearly, Batching::exact, clock), "a row beside 4 others is answered otherwise than alone");
  EXPECT_EQ(why_alone(nearly, Batching::close, clock), "");
  const Sums counting([](size_t rows) { return static_cast<float>(rows); });
  EXPECT_EQ(why_alone(counting, Batching::close, clock), "a row beside 1 others is answered otherwise than alone");
  same.inputs_[0].shape = {-1, (1 << 14) + 1};
  EXPECT_EQ(why_alone(same, Batching::exact, clock), "a row is too large to try");
  same.inputs_[0].shape = {-1, 1};
  same.forgets_a_row_ = true;
  EXPECT_NE(why_alone(same, Batching::exact, clock).find("[1,1] for 2 rows"), std::string::npos);
  same.refuses_ = true;
  EXPECT_NE(why_alone(same, Batching::exact, clock).find("not this value"), std::string::npos);
  same.batched_ = false;
  EXPECT_EQ(why_alone(same, Batching::exact, clock), "its inputs have no rows in common");
  const Sums slow([&](size_t) { return clock.advance(1'000'000), 0.0F; });
  EXPECT_NE(why_alone(slow, Batching::exact, clock).find("take long"), std::string::npos);
}

TEST(Together, the_ways_have_names) {
  EXPECT_EQ(*read_batching("close"), Batching::close);
  EXPECT_EQ(read_batching("always").error().hint(), "off, exact or close");
}

}  // namespace
}  // namespace millrace::serve
