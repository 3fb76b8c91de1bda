#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "core/files.h"
#include "engine/engine.h"
#include "serve/guard.h"
#include "serve/guard/cells.h"
#include "serve/half.h"

namespace millrace::serve {
namespace {

struct GuardTest : ::testing::Test {
  GuardTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "guard.XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    engines = *engine::load_duckdb(library_folder() + "/libduckdb.so");
  }
  ~GuardTest() override { EXPECT_TRUE(remove_tree(folder)); }

  // `below` stands below the one schema object: properties, quality.
  std::unique_ptr<const Guard> guard(const std::string& below, const std::vector<TensorSpec>& inputs) {
    const std::string text =
        "apiVersion: v3.1.0\nkind: DataContract\nid: t\nversion: 1.0.0\nstatus: active\nschema:\n  - name: t\n" + below;
    EXPECT_TRUE(write_file(folder + "/t.odcs.yaml", text));
    auto loaded = load_guard(folder + "/t.odcs.yaml", inputs, *engines);
    if (!loaded) ADD_FAILURE() << loaded.error().text();
    return loaded ? std::move(*loaded) : nullptr;
  }

  std::string folder;
  std::unique_ptr<engine::Engines> engines;
};

template <class T>
Tensor column(DType type, std::initializer_list<T> values) {
  Tensor out{.type = type, .shape = {static_cast<int64_t>(values.size())}};
  for (const T value : values) out.push(value);
  return out;
}
Tensor texts(std::vector<std::string> values) {
  return {.type = DType::bytes, .shape = {static_cast<int64_t>(values.size())}, .texts = std::move(values)};
}

constexpr auto kMinutes = R"(    properties:
      - {name: minutes, logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 1439}}
      - {name: carrier, logicalType: string, logicalTypeOptions: {minLength: 2, maxLength: 2}}
)";
const std::vector<TensorSpec> kInputs{{"minutes", DType::int64, {-1}}, {"carrier", DType::bytes, {-1}}};

TEST_F(GuardTest, clamps_numbers_to_their_bounds_and_says_so) {
  const auto it = guard(kMinutes, kInputs);
  const Tensor in[] = {column<int64_t>(DType::int64, {-5, 7, 5000}), texts({"AA", "UA", "B6"})};
  EXPECT_EQ(it->check(in)->field, "minutes");
  const auto clamped = it->judge(in, GuardMode::clamp);
  ASSERT_FALSE(clamped.refusal);
  ASSERT_EQ(clamped.inputs.size(), 2U);
  EXPECT_EQ(clamped.inputs[0].as<int64_t>()[0], 0);
  EXPECT_EQ(clamped.inputs[0].as<int64_t>()[1], 7);
  EXPECT_EQ(clamped.inputs[0].as<int64_t>()[2], 1439);
  ASSERT_EQ(clamped.flags.size(), 2U);
  EXPECT_EQ(clamped.flags[1].field, "minutes");
  EXPECT_EQ(clamped.flags[1].row, 2U);
  EXPECT_TRUE(clamped.flags[1].clamped);
}

TEST_F(GuardTest, what_has_no_nearest_value_is_refused_also_by_clamp) {
  const auto it = guard(kMinutes, kInputs);
  const Tensor in[] = {column<int64_t>(DType::int64, {5000}), texts({"AAA"})};
  const auto verdict = it->judge(in, GuardMode::clamp);
  ASSERT_TRUE(verdict.refusal);
  EXPECT_EQ(verdict.refusal->field, "carrier");
  EXPECT_TRUE(verdict.flags.empty() && verdict.inputs.empty());
}

TEST_F(GuardTest, flag_answers_everything_as_it_came) {
  const auto it = guard(kMinutes, kInputs);
  const Tensor in[] = {column<int64_t>(DType::int64, {5000, 1}), texts({"AAA", "UA"})};
  const auto verdict = it->judge(in, GuardMode::flag);
  EXPECT_FALSE(verdict.refusal);
  EXPECT_TRUE(verdict.inputs.empty());
  ASSERT_EQ(verdict.flags.size(), 2U);
  EXPECT_EQ(verdict.flags[0].field, "minutes");
  EXPECT_EQ(verdict.flags[1].field, "carrier");
  EXPECT_FALSE(verdict.flags[1].clamped);
}

TEST_F(GuardTest, tells_a_bounded_number_of_flags_and_counts_all) {
  const auto it = guard(kMinutes, kInputs);
  Tensor many{.type = DType::int64, .shape = {1000}};
  for (int i = 0; i < 1000; ++i) many.push(int64_t{-1});
  const Tensor in[] = {many, texts(std::vector<std::string>(1000, "UA"))};
  const auto verdict = it->judge(in, GuardMode::flag);
  EXPECT_EQ(verdict.flags.size(), kTold);
  EXPECT_EQ(verdict.flagged, 1000U);
}

// Bounds that the type cannot hold exactly, bounds that are themselves not allowed, and every width.
TEST_F(GuardTest, a_clamped_value_holds_the_contract_in_every_type) {
  constexpr auto kOpen = R"(    properties:
      - {name: x, logicalType: number, logicalTypeOptions: {exclusiveMinimum: 0.1, maximum: 0.7}}
)";
  const auto check = [&](DType type, const Tensor& low, const Tensor& high) {
    const auto it = guard(kOpen, {{"x", type, {-1}}});
    for (const auto& [tensor, bound] : {std::pair(low, 0.1), std::pair(high, 0.7)}) {
      const auto verdict = it->judge({&tensor, 1}, GuardMode::clamp);
      ASSERT_FALSE(verdict.refusal) << name_of(type) << ": " << verdict.refusal->message;
      EXPECT_FALSE(it->check(verdict.inputs)) << name_of(type);
      const double value = cell_of(verdict.inputs[0], 0).number;
      EXPECT_NEAR(value, bound, 0.005) << name_of(type);
      EXPECT_EQ(verdict.inputs[0].elements(), 1U);
    }
  };
  check(DType::fp64, column<double>(DType::fp64, {-3}), column<double>(DType::fp64, {1e300}));
  check(DType::fp32, column<float>(DType::fp32, {0.1F - 1}), column<float>(DType::fp32, {HUGE_VALF}));
  check(DType::fp16, column<Half>(DType::fp16, {Half::of(-3)}), column<Half>(DType::fp16, {Half::of(9)}));
  check(DType::bf16, column<Brain>(DType::bf16, {Brain::of(-3)}), column<Brain>(DType::bf16, {Brain::of(9)}));
  const auto whole = guard(R"(    properties:
      - {name: x, logicalType: number, logicalTypeOptions: {exclusiveMinimum: 2, maximum: 200.5}}
)",
                           {{"x", DType::uint8, {-1}}});
  const Tensor in = column<uint8_t>(DType::uint8, {1, 2, 3, 200, 255});
  const auto verdict = whole->judge({&in, 1}, GuardMode::clamp);
  ASSERT_FALSE(verdict.refusal) << verdict.refusal->message;
  const auto out = verdict.inputs[0].as<uint8_t>();
  EXPECT_EQ(std::vector<int>(out.begin(), out.end()), (std::vector<int>{3, 3, 3, 200, 200}));
}

TEST_F(GuardTest, nan_is_never_clamped) {
  const auto it = guard(R"(    properties:
      - {name: x, logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 1}}
)",
                        {{"x", DType::fp32, {-1}}});
  const Tensor in = column<float>(DType::fp32, {NAN});
  EXPECT_TRUE(it->judge({&in, 1}, GuardMode::clamp).refusal);
  EXPECT_EQ(it->judge({&in, 1}, GuardMode::flag).flags.size(), 1U);
}

constexpr auto kOrder = R"(    properties:
      - {name: low, logicalType: number}
      - {name: high, logicalType: number}
    quality:
      - {id: order, type: custom, engine: millrace, implementation: {metric: expression, expression: low <= high}}
)";

TEST_F(GuardTest, asks_conditions_between_fields_row_by_row) {
  const auto it = guard(kOrder, {{"low", DType::fp32, {-1, 1}}, {"high", DType::fp32, {-1}}});
  EXPECT_TRUE(it->left_out().empty()) << it->left_out()[0];
  Tensor low = column<float>(DType::fp32, {1, 5, 2});
  low.shape = {3, 1};
  const Tensor in[] = {low, column<float>(DType::fp32, {2, 4, 2})};
  const auto refused = it->check(in);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->rule, "order");
  EXPECT_EQ(refused->field, "high, low");
  EXPECT_EQ(refused->row, 1U);
  EXPECT_NE(refused->message.find("low <= high"), std::string::npos);
  EXPECT_TRUE(it->judge(in, GuardMode::clamp).refusal) << "a row has no nearest one";
  EXPECT_EQ(it->judge(in, GuardMode::flag).flags.size(), 1U);
}

TEST_F(GuardTest, a_matrix_has_its_columns_in_the_contracts_order) {
  const auto it = guard(kOrder, {{"x", DType::fp32, {-1, 2}}});
  Tensor in{.type = DType::fp32, .shape = {2, 2}};
  for (const float value : {1.0F, 2.0F, 4.0F, 3.0F}) in.push(value);
  const auto refused = it->check({&in, 1});
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->row, 1U);
}

TEST_F(GuardTest, says_which_conditions_it_cannot_ask) {
  const auto wide = guard(kOrder, {{"low", DType::fp32, {-1, 4}}, {"high", DType::fp32, {-1}}});
  ASSERT_EQ(wide->left_out().size(), 1U);
  EXPECT_NE(wide->left_out()[0].find("one value a row"), std::string::npos);
  const auto unknown = guard(R"(    properties:
      - {name: low, logicalType: number}
    quality:
      - {id: odd, type: custom, engine: millrace, implementation: {metric: expression, expression: round(low) > 0}}
)",
                             {{"low", DType::fp32, {-1}}});
  ASSERT_EQ(unknown->left_out().size(), 1U);
  EXPECT_NE(unknown->left_out()[0].find("odd: "), std::string::npos);
}

TEST(GuardMode, has_three_names) {
  for (const auto mode : {GuardMode::reject, GuardMode::clamp, GuardMode::flag})
    EXPECT_EQ(find_guard_mode(name_of(mode)), mode);
  EXPECT_EQ(find_guard_mode("pass"), std::nullopt);
}

}  // namespace
}  // namespace millrace::serve
