#include <gtest/gtest.h>

#include <cmath>

#include "api/scoring/frame.h"
#include "api/scoring/tensors.h"

namespace millrace::api::scoring {
namespace {
using serve::DType;

Result<Frame> json(std::string body) {
  body.reserve(body.size() + 64);
  return read_json(body);
}

serve::Arm two() {
  return {.deployment = "m",
          .inputs = {{"amount", DType::fp32, {-1}}, {"count", DType::int64, {-1, 1}}},
          .outputs = {{"y", DType::fp32, {-1}}}};
}

constexpr const char* kBodies[] = {
    R"({"dataframe_split":{"columns":["count","amount"],"index":[0,1],"data":[[1,0.5],[2,1.5]]}})",
    R"({"dataframe_records":[{"count":1,"amount":0.5},{"amount":1.5,"count":2}]})",
    R"({"instances":[{"count":1,"amount":0.5},{"amount":1.5,"count":2}]})",
    R"({"inputs":{"count":[[1],[2]],"amount":[0.5,1.5]},"params":{"millrace_unit":"N1"}})",
};

TEST(ScoringFrame, every_form_becomes_the_same_tensors) {
  for (const char* body : kBodies) {
    const auto frame = json(body);
    ASSERT_TRUE(frame) << body << frame.error().text();
    const auto request = to_request(*frame, two(), true);
    ASSERT_TRUE(request) << body << request.error().text();
    EXPECT_EQ(request->inputs[0].as<float>()[1], 1.5F) << body;
    EXPECT_EQ(request->inputs[1].as<int64_t>()[1], 2) << body;
    EXPECT_EQ(request->inputs[1].shape, (serve::Shape{2, 1})) << body;
  }
  EXPECT_EQ(json(kBodies[3])->unit, "N1");
  const auto csv = read_csv("count,amount\r\n1,0.5\n\n\"2\",1.5");
  ASSERT_TRUE(csv) << csv.error().text();
  EXPECT_EQ(to_request(*csv, two(), true)->inputs[1].as<int64_t>()[1], 2);
}

TEST(ScoringFrame, refuses_every_cut_and_survives_any_changed_byte) {
  for (const std::string whole : kBodies) {
    for (size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(json(whole.substr(0, size))) << size;
    for (size_t at = 0; at < whole.size(); ++at)
      for (const char other : {'\0', '"', '{', '[', ']', ',', '9', '\xff'}) {
        std::string changed = whole;
        changed[at] = other;
        const auto frame = json(changed);
        if (frame) (void)to_request(*frame, two(), true);
      }
  }
}

TEST(ScoringFrame, errors_name_column_and_row_and_no_value) {
  const auto refused = [](const std::string& body) {
    const auto frame = json(body);
    const auto request = frame ? to_request(*frame, two(), true) : Result<serve::InferRequest>(frame.error());
    return request ? "" : request.error().text();
  };
  EXPECT_NE(refused(R"({"inputs":{"amount":[1,2],"count":[3,"secret"]}})").find("'count' in row 1 is no INT64 value"),
            std::string::npos);
  EXPECT_EQ(refused(R"({"inputs":{"amount":[1,2],"count":[3,"secret"]}})").find("secret"), std::string::npos);
  EXPECT_NE(refused(R"({"inputs":{"amount":[1]}})").find("missing inputs ['count']"), std::string::npos);
  EXPECT_NE(refused(R"({"inputs":{"amount":[1,[2]],"count":[1,2]}})").find("not all of one length"), std::string::npos);
  EXPECT_NE(refused(R"({"dataframe_records":[{"a":1,"a":2}]})").find("a key twice"), std::string::npos);
  EXPECT_NE(refused(R"({"dataframe_records":[{"a":[1,2]},{"b":2}]})").find("not all of one length"), std::string::npos);
  EXPECT_NE(refused("{\"inputs\":" + std::string(9, '[') + "1" + std::string(9, ']') + "}").find("more than 8 deep"),
            std::string::npos);
  EXPECT_NE(refused(R"({"inputs":[1,2]})").find("name them"), std::string::npos);
}

TEST(ScoringFrame, reads_csv_as_it_is_written) {
  const auto frame = read_csv("\"a,1\",\"b\"\"\"\n\"x\ny\",\n");
  ASSERT_TRUE(frame) << frame.error().text();
  EXPECT_EQ(frame->columns[0].name, "a,1");
  EXPECT_EQ(frame->columns[1].name, "b\"");
  EXPECT_EQ(frame->columns[0].values[0].text, "x\ny");
  EXPECT_EQ(frame->columns[1].values[0].text, "");
  for (const char* bad : {"", "\n\n", "a,b\n1", "a\n1,2", "\"a", "\"a\"b\n1", "a\n\xff"})
    EXPECT_FALSE(read_csv(bad)) << bad;
}

TEST(ScoringFrame, missing_fields_are_nan_for_floats_only) {
  const serve::Arm floats{.inputs = {{"x", DType::fp32, {-1, 2}}}, .outputs = {{"y", DType::fp32, {-1}}}};
  const auto request = to_request(*read_csv("a,b\n1,\nNA,null"), floats, true);
  ASSERT_TRUE(request) << request.error().text();
  EXPECT_EQ(request->inputs[0].as<float>()[0], 1);
  EXPECT_TRUE(std::isnan(request->inputs[0].as<float>()[1]));
  EXPECT_TRUE(std::isnan(request->inputs[0].as<float>()[2]));
  EXPECT_FALSE(to_request(*read_csv("amount,count\n1,"), two(), true));
}

}  // namespace
}  // namespace millrace::api::scoring
