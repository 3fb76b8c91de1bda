#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include <fmt/format.h>

#include "api/oip/answer.h"
#include "api/oip/parse.h"
#include "api/oip/routes.h"
#include "api/status.h"
#include "core/codes/content_coding.h"
#include "core/files.h"
#include "serve/half.h"
#include "serve/json_fit.h"
#include "serve/testdata/models.h"

namespace millrace::api::oip {
namespace {
using serve::DType;

serve::Arm columns() {
  return {.deployment = "late",
          .inputs = {{"carrier", DType::bytes, {-1, 1}},
                     {"minutes", DType::int64, {-1, 1}},
                     {"big", DType::uint64, {-1}},
                     {"small", DType::int8, {-1}},
                     {"half", DType::fp32, {-1, 2}},
                     {"flag", DType::boolean, {-1}}},
          .outputs = {{"score", DType::fp32, {-1, 1}}, {"label", DType::int64, {-1}}}};
}

std::string body_of(const std::string& part, const std::string& instead) {
  std::string body =
      R"({"id":"a","inputs":[)"
      R"({"name":"carrier","shape":[2,1],"datatype":"BYTES","data":["UA","ü\n"]},)"
      R"({"name":"minutes","shape":[2,1],"datatype":"INT64","data":[[9007199254740993],[-9223372036854775808]]},)"
      R"({"data":[18446744073709551615,0],"name":"big","shape":[2],"datatype":"UINT64"},)"
      R"({"name":"small","shape":[2],"datatype":"INT8","data":[-128,127]},)"
      R"({"name":"half","shape":[2,2],"datatype":"FP32","data":[[0.1,1],[-2e3,3.25]]},)"
      R"({"name":"flag","shape":[2],"datatype":"BOOL","data":[true,false]}],)"
      R"("outputs":[{"name":"label"},{"name":"score"}],)"
      R"("parameters":{"millrace_unit":"N1","millrace_event_time":"2013-07-01T05:00:00Z","millrace_input":"sha256:x"}})";
  if (part.empty()) return body;
  const auto at = body.find(part);
  EXPECT_NE(at, std::string::npos) << part;
  if (at != std::string::npos) body.replace(at, part.size(), instead);
  return body;
}

Result<InferCall> parse(std::string body, std::optional<size_t> json_size = std::nullopt) {
  body.reserve(body.size() + 64);
  return parse_infer({body, json_size}, columns(), true);
}

TEST(OipParse, reads_nested_and_flat_data_of_every_kind_in_any_order_of_fields) {
  auto call = parse(body_of("", ""));
  ASSERT_TRUE(call) << call.error().text();
  const auto& in = call->request.inputs;
  EXPECT_EQ(in[0].texts, (std::vector<std::string>{"UA", "ü\n"}));
  EXPECT_EQ(in[1].as<int64_t>()[0], 9007199254740993);
  EXPECT_EQ(in[1].as<int64_t>()[1], std::numeric_limits<int64_t>::min());
  EXPECT_EQ(in[2].as<uint64_t>()[0], std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(in[3].as<int8_t>()[0], -128);
  EXPECT_FLOAT_EQ(in[4].as<float>()[2], -2000);
  EXPECT_EQ(in[5].data[1], std::byte{0});
  EXPECT_EQ(call->request.wanted, (std::vector<size_t>{1, 0}));
  EXPECT_EQ(call->request.unit, "N1");
  EXPECT_EQ(call->request.input, "sha256:x");
  EXPECT_EQ(to_iso(call->request.event_time), "2013-07-01T05:00:00.000000Z");
  EXPECT_EQ(call->request.request_id, "a");
  EXPECT_TRUE(call->request.json_answer);
}

struct Refused {
  const char* part;
  const char* instead;
  const char* field;
  const char* message;
};

TEST(OipParse, refuses_with_the_field) {
  const Refused cases[] = {
      {"\"id\":\"a\"", "\"id\":1", "id", "a text is expected"},
      {"\"id\":\"a\"", "\"id\":\"a\",\"id\":\"b\"", "id", "twice"},
      {"\"id\":\"a\"", "\"ids\":\"a\"", "ids", "no such field"},
      {"\"name\":\"carrier\"", "\"name\":\"carier\"", "inputs[0].name", "no input 'carier'"},
      {"\"name\":\"minutes\",\"shape\":[2,1],\"datatype\":\"INT64\",\"data\":[[9007199254740993],[-9223372036854775808]"
       "]",
       "\"name\":\"carrier\",\"shape\":[2,1],\"datatype\":\"BYTES\",\"data\":[\"a\",\"b\"]", "inputs[1].name",
       "given twice"},
      {",{\"name\":\"flag\",\"shape\":[2],\"datatype\":\"BOOL\",\"data\":[true,false]}", "", "inputs",
       "'flag' is missing"},
      {"\"shape\":[2,1],\"datatype\":\"BYTES\"", "\"datatype\":\"BYTES\"", "inputs[0].shape", "no shape"},
      {"\"datatype\":\"BYTES\",", "", "inputs[0].datatype", "no datatype"},
      {",\"data\":[\"UA\",\"ü\\n\"]", "", "inputs[0].data", "no data"},
      {"\"datatype\":\"BYTES\"", "\"datatype\":\"STRING\"", "inputs[0].datatype", "'STRING' is not served"},
      {"\"datatype\":\"BYTES\"", "\"datatype\":\"FP32\"", "inputs[0].datatype", "is BYTES, not FP32"},
      {"\"shape\":[2,1],\"datatype\":\"BYTES\"", "\"shape\":[2],\"datatype\":\"BYTES\"", "inputs[0].shape",
       "[-1,1], not [2]"},
      {"\"shape\":[2,1],\"datatype\":\"BYTES\"", "\"shape\":[-2,1],\"datatype\":\"BYTES\"", "inputs[0].shape",
       "whole numbers"},
      {"\"shape\":[2,1],\"datatype\":\"BYTES\"", "\"shape\":[2.0,1],\"datatype\":\"BYTES\"", "inputs[0].shape",
       "whole numbers"},
      {"\"shape\":[2,1],\"datatype\":\"BYTES\"", "\"shape\":[2,1,1,1,1,1,1,1,1],\"datatype\":\"BYTES\"",
       "inputs[0].shape", "more than 8"},
      {"\"shape\":[2,1],\"datatype\":\"BYTES\"", "\"shape\":[0,1],\"datatype\":\"BYTES\"", "inputs[0].shape", "empty"},
      {"\"shape\":[2,1],\"datatype\":\"BYTES\"", "\"shape\":[9223372036854775807,1],\"datatype\":\"BYTES\"",
       "inputs[0].data", "too many elements"},
      {"[\"UA\",\"ü\\n\"]", "[\"UA\"]", "inputs[0].data", "2 elements, the data has 1"},
      {"[\"UA\",\"ü\\n\"]", "[\"UA\",\"b\",\"c\"]", "inputs[0].data", "2 elements, the data has more"},
      {"[\"UA\",\"ü\\n\"]", "[\"UA\",1]", "inputs[0].data[1]", "BYTES takes texts, not 1"},
      {"[\"UA\",\"ü\\n\"]", "[\"UA\",null]", "inputs[0].data[1]", "not null"},
      {"[\"UA\",\"ü\\n\"]", "\"UA\"", "inputs[0].data", "a list is expected"},
      {"[[9007199254740993],[-9223372036854775808]]", "[[1,2]]", "inputs[1].data", "lists of 1 at depth 2"},
      {"[[9007199254740993],[-9223372036854775808]]", "[[1]]", "inputs[1].data", "lists of 2 at depth 1"},
      {"[[9007199254740993],[-9223372036854775808]]", "[[1],2]", "inputs[1].data", "lists 2 deep"},
      {"[[9007199254740993],[-9223372036854775808]]", "[[[1]],[[2]]]", "inputs[1].data[0]", "whole numbers"},
      {"[[9007199254740993],[-9223372036854775808]]", "[1,[2]]", "inputs[1].data[1]", "whole numbers"},
      {"-9223372036854775808", "9223372036854775808", "inputs[1].data[1]",
       "from -9223372036854775808 to 9223372036854775807, not 9223372036854775808"},
      {"-9223372036854775808", "1.0", "inputs[1].data[1]", "not 1.0"},
      {"-9223372036854775808", "\"1\"", "inputs[1].data[1]", "not \"1\""},
      {"18446744073709551615", "18446744073709551616", "inputs[2].data[0]", "not 18446744073709551616"},
      {"18446744073709551615", "-1", "inputs[2].data[0]", "UINT64 takes whole numbers from 0"},
      {"-128", "-129", "inputs[3].data[0]", "from -128 to 127, not -129"},
      {"-2e3", "1e39", "inputs[4].data[2]", "not 1e39"},
      {"-2e3", "1e400", "inputs[4].data[2]", "not 1e400"},
      {"-2e3", "NaN", "inputs[4].data[2]", "not NaN"},
      {"-2e3", "true", "inputs[4].data[2]", "not true"},
      {"[true,false]", "[1,0]", "inputs[5].data[0]", "BOOL takes true and false, not 1"},
      {"\"shape\":[2],\"datatype\":\"BOOL\",\"data\":[true,false]",
       "\"shape\":[1],\"datatype\":\"BOOL\",\"data\":[true]", "inputs[5].shape", "has 1 rows, 'carrier' has 2"},
      {"{\"name\":\"label\"}", "{\"name\":\"lable\"}", "outputs[0].name", "no output 'lable'"},
      {"{\"name\":\"label\"}", "{\"name\":\"score\"}", "outputs[1].name", "asked for twice"},
      {"{\"name\":\"label\"}", "{}", "outputs[0].name", "no name"},
      {"\"millrace_unit\"", "\"millrace_units\"", "parameters.millrace_units", "not known"},
      {"\"millrace_unit\":\"N1\"", "\"millrace_unit\":{\"a\":1}", "parameters.millrace_unit", "a text is expected"},
      {"2013-07-01T05:00:00Z", "yesterday", "parameters.millrace_event_time", "yesterday"},
      {"\"sha256:x\"}}", "\"sha256:x\"}} x", "body", "not a JSON object"},
      {"\"sha256:x\"}}", "\"sha256:x\"}}{}", "body", "followed by more"},
  };
  for (const auto& each : cases) {
    auto call = parse(body_of(each.part, each.instead));
    ASSERT_FALSE(call) << each.part << " -> " << each.instead;
    EXPECT_EQ(call.error().where().field, each.field) << each.instead << "\n" << call.error().text();
    EXPECT_NE(call.error().text().find(each.message), std::string::npos) << each.instead << "\n" << call.error().text();
    EXPECT_LT(http_status(call.error().code()), 500);
  }
}

TEST(OipParse, refuses_every_cut_of_a_body) {
  const std::string whole = body_of("", "");
  for (size_t size = 0; size < whole.size(); ++size) {
    auto call = parse(whole.substr(0, size));
    ASSERT_FALSE(call) << whole.substr(0, size);
    EXPECT_EQ(call.error().code(), Code::invalid) << size;
  }
}

TEST(OipParse, survives_any_changed_byte) {
  const std::string whole = body_of("", "");
  for (size_t at = 0; at < whole.size(); ++at)
    for (const char other : {'\0', '"', '{', ']', ',', '9', '\xff'}) {
      std::string changed = whole;
      changed[at] = other;
      auto call = parse(changed);
      EXPECT_TRUE(call || http_status(call.error().code()) < 500) << changed;
    }
}

Result<InferCall> parse_one(serve::DType type, const std::string& data) {
  const serve::Arm arm{.deployment = "m", .inputs = {{"x", type, {-1}}}, .outputs = {{"y", type, {-1}}}};
  std::string body =
      fmt::format(R"({{"inputs":[{{"name":"x","shape":[1],"datatype":"{}","data":[{}]}}]}})", name_of(type), data);
  body.reserve(body.size() + 64);
  return parse_infer({body, std::nullopt}, arm, true);
}

TEST(OipParse, takes_numbers_for_16_bit_floats_within_their_range) {
  EXPECT_EQ(parse_one(DType::fp16, "0.1")->request.inputs[0].as<serve::Half>()[0].bits, 0x2e66);
  EXPECT_EQ(parse_one(DType::fp16, "-65504")->request.inputs[0].as<serve::Half>()[0].bits, 0xfbff);
  EXPECT_EQ(parse_one(DType::bf16, "0.1")->request.inputs[0].as<serve::Brain>()[0].bits, 0x3dcd);
  EXPECT_EQ(parse_one(DType::bf16, "3e38")->request.inputs[0].as<serve::Brain>()[0].bits, 0x7f62);
  for (const auto& [type, data] : {std::pair{DType::fp16, "65520"},
                                   {DType::fp16, "-1e9"},
                                   {DType::fp16, "\"1\""},
                                   {DType::bf16, "3.4e38"},
                                   {DType::bf16, "1e39"},
                                   {DType::bf16, "null"}}) {
    auto call = parse_one(type, data);
    ASSERT_FALSE(call) << data;
    EXPECT_EQ(call.error().where().field, "inputs[0].data[0]");
    EXPECT_NE(
        call.error().text().find(type == DType::fp16 ? "FP16 takes numbers up to 65504" : "BF16 takes numbers up"),
        std::string::npos)
        << call.error().text();
  }
}

TEST(OipParse, bounds_depth) {
  EXPECT_FALSE(parse(body_of("[\"UA\",\"ü\\n\"]", std::string(100'000, '['))));
  EXPECT_FALSE(parse(std::string(100'000, '[')));
}

TEST(OipParse, reads_binary_tensors_beside_json_ones) {
  std::string raw;
  const int64_t minutes[] = {5, 6};
  raw.append(reinterpret_cast<const char*>(minutes), sizeof minutes);
  const std::string json = body_of("\"datatype\":\"INT64\",\"data\":[[9007199254740993],[-9223372036854775808]]",
                                   "\"datatype\":\"INT64\",\"parameters\":{\"binary_data_size\":16}");
  auto call = parse(json + raw, json.size());
  ASSERT_TRUE(call) << call.error().text();
  EXPECT_EQ(call->request.inputs[1].as<int64_t>()[1], 6);
  EXPECT_FALSE(parse(json + raw + "x", json.size()));
  EXPECT_FALSE(parse(json + raw.substr(1), json.size()));
  EXPECT_FALSE(parse(json + raw, json.size() - 1));
  const std::string both =
      body_of("\"datatype\":\"INT64\"", "\"datatype\":\"INT64\",\"parameters\":{\"binary_data_size\":16}");
  EXPECT_NE(parse(both + raw, both.size()).error().text().find("exclude each other"), std::string::npos);
}

TEST(OipParse, reads_binary_texts) {
  const std::string json = body_of("\"datatype\":\"BYTES\",\"data\":[\"UA\",\"ü\\n\"]",
                                   "\"datatype\":\"BYTES\",\"parameters\":{\"binary_data_size\":11}");
  const std::string raw("\3\0\0\0a\0b\0\0\0\0", 11);
  auto call = parse(json + raw, json.size());
  ASSERT_TRUE(call) << call.error().text();
  EXPECT_EQ(call->request.inputs[0].texts, (std::vector<std::string>{std::string("a\0b", 3), ""}));
  for (size_t at = 0; at < raw.size(); ++at) {
    std::string changed = raw;
    changed[at] = '\xff';
    (void)parse(json + changed, json.size());
  }
}

TEST(OipParse, knows_the_parameters_that_clients_send_by_themselves) {
  const auto with = [](const std::string& more) {
    return parse(body_of("\"millrace_unit\":\"N1\"", "\"millrace_unit\":\"N1\"," + more));
  };
  EXPECT_EQ(with(R"("timeout":1500)")->request.timeout, 1500);
  for (const char* good : {R"("priority":7)", R"("sequence_id":0)", R"("sequence_id":"")", R"("sequence_start":false)"})
    EXPECT_TRUE(with(good)) << good;
  for (const char* bad :
       {R"("timeout":-1)", R"("timeout":1.5)", R"("timeout":9223372036854775808)", R"("priority":"a")",
        R"("sequence_id":1)", R"("sequence_id":"s")", R"("sequence_end":true)", R"("headers":{})"}) {
    const auto refused = with(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code(), Code::invalid);
    EXPECT_TRUE(refused.error().where().field.starts_with("parameters.")) << bad;
  }
}

Result<InferCall> parse_raw_of(DType type, serve::Shape shape, const std::string& body, bool batched = true) {
  return parse_raw(body, {.inputs = {{"x", type, shape}}, .outputs = {{"y", type, shape}}}, batched);
}

TEST(OipRaw, the_shape_follows_from_the_bytes) {
  const std::string floats(24, '\0');
  EXPECT_EQ(parse_raw_of(DType::fp32, {-1, 3}, floats)->request.inputs[0].shape, (serve::Shape{2, 3}));
  EXPECT_EQ(parse_raw_of(DType::fp32, {-1, -1}, floats)->request.inputs[0].shape, (serve::Shape{1, 6}));
  EXPECT_EQ(parse_raw_of(DType::fp32, {2, 3}, floats, false)->request.inputs[0].shape, (serve::Shape{2, 3}));
  const auto texts = parse_raw_of(DType::bytes, {-1}, std::string("\2\0\0\0ab\0\0\0\0", 10));
  ASSERT_TRUE(texts) << texts.error().text();
  EXPECT_EQ(texts->request.inputs[0].texts, (std::vector<std::string>{"ab", ""}));
  EXPECT_EQ(texts->binary, std::vector<bool>{true});
  EXPECT_FALSE(texts->request.json_answer);
}

TEST(OipRaw, refuses_bytes_that_fill_no_shape) {
  for (const size_t size : {0U, 1U, 11U, 13U, 16U})
    EXPECT_EQ(parse_raw_of(DType::fp32, {-1, 3}, std::string(size, '\0')).error().code(), Code::invalid) << size;
  EXPECT_FALSE(parse_raw_of(DType::fp32, {-1, -1}, std::string(24, '\0'), false)) << "two dimensions are open";
  EXPECT_FALSE(parse_raw_of(DType::fp32, {-1, 0}, std::string(4, '\0')));
  EXPECT_FALSE(parse_raw_of(DType::boolean, {-1}, "\2"));
  const std::string texts("\2\0\0\0ab\3\0\0\0abc", 13);
  for (size_t size = 0; size < texts.size(); ++size)
    EXPECT_EQ(parse_raw_of(DType::bytes, {-1}, texts.substr(0, size)).ok(), size == 6) << size;
  EXPECT_FALSE(parse_raw("", columns(), true)) << "the model has several inputs";
}

TEST(OipParse, the_length_of_the_json_part_must_be_one) {
  EXPECT_EQ(*parse_json_size("", 5), std::nullopt);
  EXPECT_EQ(*parse_json_size("5", 5), std::optional<size_t>(5));
  EXPECT_EQ(*parse_json_size("0", 5), std::optional<size_t>(0)) << "no JSON";
  for (const char* wrong : {"6", "-1", "x", "5 ", "99999999999999999999"})
    EXPECT_FALSE(parse_json_size(wrong, 5)) << wrong;
}

TEST(OipAnswer, numbers_and_texts_read_back_exactly) {
  serve::Tensor f{.type = DType::fp32}, d{.type = DType::fp64}, i{.type = DType::int64}, b{.type = DType::uint8},
      t{.type = DType::bytes, .texts = {"a\"\\\n\x01ü"}};
  for (const float value : {0.1F, 16777216.0F, 1e-45F, 3.4e38F, -0.0F}) f.push(value);
  d.push(0.1);
  i.push(int64_t{9007199254740993});
  b.push(uint8_t{255});
  std::string out;
  for (const auto* tensor : {&f, &d, &i, &b, &t}) {
    append_json_data(out, *tensor);
    out += ' ';
  }
  EXPECT_EQ(out, "0.1,16777216,1e-45,3.4e+38,-0 0.1 9007199254740993 255 \"a\\\"\\\\\\u000a\\u0001ü\" ");
}

TEST(OipAnswer, numbers_of_16_bits_read_back_exactly) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    for (const DType type : {DType::fp16, DType::bf16}) {
      serve::Tensor tensor{.type = type, .shape = {1}};
      tensor.push(static_cast<uint16_t>(bits));
      if (!serve::fits_json(tensor)) continue;
      std::string out;
      append_json_data(out, tensor);
      const double back = std::stod(out);
      ASSERT_EQ(type == DType::fp16 ? serve::Half::of(back).bits : serve::Brain::of(back).bits, bits) << out;
    }
  }
}

struct OipRoutes : ::testing::Test {
  OipRoutes() {
    engines = *engine::load_duckdb(library_folder() + "/libduckdb.so");
    plane = *serve::DataPlane::open({.models = {{"linear", serve::testdata::path_of("linear")}}}, *engines, context);
    table = routes(*plane);
  }
  Reply call(const std::string& method, const std::string& pattern, std::map<std::string, std::string> args,
             std::string body = "", Pairs headers = {}) {
    for (const auto& route : table) {
      if (route.method != method || route.pattern != pattern) continue;
      Request request{.method = method,
                      .path = pattern,
                      .args = std::move(args),
                      .headers = std::move(headers),
                      .body = std::move(body)};
      request.body.reserve(request.body.size() + 64);
      return route.handler(request);
    }
    ADD_FAILURE() << "no route " << pattern;
    return {};
  }
  ManualClock clock;
  SeededRandom random{1};
  Context context{clock, random, silent_log()};
  std::unique_ptr<engine::Engines> engines;
  std::unique_ptr<serve::DataPlane> plane;
  Routes table;
};

constexpr const char* kBody = R"({"inputs":[{"name":"x","shape":[2,3],"datatype":"FP32","data":[1,2,3,4,5,6]}]})";

TEST_F(OipRoutes, answers_with_prediction_id_and_release) {
  const auto reply = call("POST", "/v2/models/{model}/infer", {{"model", "linear"}}, kBody);
  ASSERT_EQ(reply.status, 200) << reply.body;
  const auto json = *parse_json(reply.body, "answer");
  EXPECT_EQ(json["outputs"][0]["data"], Json({321.5, 654.5}));
  EXPECT_EQ(json["outputs"][0]["shape"], Json({2, 1}));
  EXPECT_EQ(json["parameters"]["millrace_prediction_id"].get<std::string>().size(), 36U);
  EXPECT_TRUE(json["parameters"]["millrace_release"].get<std::string>().starts_with("file:linear@"));
  EXPECT_FALSE(json.contains("id"));
}

TEST_F(OipRoutes, answers_binary_when_asked) {
  std::string body = kBody;
  body.insert(1, R"("parameters":{"binary_data_output":true},)");
  const auto reply = call("POST", "/v2/models/{model}/infer", {{"model", "linear"}}, body);
  ASSERT_EQ(reply.status, 200) << reply.body;
  ASSERT_EQ(reply.headers.at(0).first, "Inference-Header-Content-Length");
  const size_t size = std::stoul(reply.headers[0].second);
  ASSERT_EQ(reply.body.size(), size + 8);
  EXPECT_EQ((*parse_json(reply.body.substr(0, size), "answer"))["outputs"][0]["parameters"]["binary_data_size"], 8);
  float value = 0;
  std::memcpy(&value, reply.body.data() + size + 4, 4);
  EXPECT_FLOAT_EQ(value, 654.5F);
}

TEST_F(OipRoutes, errors_are_an_object_with_error) {
  const auto missing = call("GET", "/v2/models/{model}", {{"model", "none"}});
  EXPECT_EQ(missing.status, 404);
  EXPECT_NE((*parse_json(missing.body, "e"))["error"].get<std::string>().find("served: linear"), std::string::npos);
  EXPECT_EQ(call("POST", "/v2/models/{model}/infer", {{"model", "linear"}}, "{").status, 400);
  EXPECT_EQ(call("GET", "/v2/models/{model}/versions/{version}", {{"model", "linear"}, {"version", "7"}}).status, 404);
  for (const char* coding : {"gzip", "br"})
    EXPECT_EQ(
        call("POST", "/v2/models/{model}/infer", {{"model", "linear"}}, kBody, {{"content-encoding", coding}}).status,
        400)
        << "the body is not coded so, or the coding is not read";
}

TEST_F(OipRoutes, describes_health_models_and_counts) {
  EXPECT_EQ(call("GET", "/v2/health/ready", {}).status, 200);
  const auto json = *parse_json(call("GET", "/v2/models/{model}", {{"model", "linear"}}).body, "m");
  EXPECT_EQ(json["platform"], "onnx_onnxv1");
  EXPECT_EQ(json["inputs"][0]["shape"], Json({-1, 3}));
  (void)call("POST", "/v2/models/{model}/infer", {{"model", "linear"}}, kBody);
  const auto stats = *parse_json(call("GET", "/v2/models/{model}/stats", {{"model", "linear"}}).body, "s");
  EXPECT_EQ(stats["model_stats"][0]["inference_count"], 2);
  EXPECT_EQ(call("POST", "/v2/repository/index", {}).status, 200);
}

TEST_F(OipRoutes, a_header_names_the_unit_where_the_body_does_not) {
  const std::string named = std::string(kBody).insert(1, R"("parameters":{"millrace_unit":"N1"},)");
  const Pairs header{{"millrace-unit", "N2"}};
  EXPECT_EQ(call("POST", "/v2/models/{model}/infer", {{"model", "linear"}}, kBody, header).status, 200);
  EXPECT_EQ(call("POST", "/v2/models/{model}/infer", {{"model", "linear"}}, named, header).status, 200);
  EXPECT_EQ(
      call("POST", "/v2/models/{model}/infer", {{"model", "linear"}}, kBody, {{"millrace-unit", std::string(251, 'x')}})
          .status,
      413);
}

TEST_F(OipRoutes, unpacks_requests_and_packs_answers) {
  std::string rows = "1,2,3";
  for (int i = 1; i < 500; ++i) rows += ",1,2,3";
  const std::string body = R"({"inputs":[{"name":"x","shape":[500,3],"datatype":"FP32","data":[)" + rows + "]}]}";
  const auto reply = call("POST", "/v2/models/{model}/infer", {{"model", "linear"}}, *encode(Coding::gzip, body),
                          {{"content-encoding", "gzip"}, {"accept-encoding", "deflate"}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  const auto plain = decode(Coding::deflate, reply.body, 1 << 20);
  ASSERT_TRUE(plain) << plain.error().text();
  EXPECT_EQ((*parse_json(*plain, "answer"))["outputs"][0]["shape"], Json({500, 1}));
}

TEST_F(OipRoutes, describes_the_model_and_its_batches) {
  const auto config = *parse_json(call("GET", "/v2/models/{model}/config", {{"model", "linear"}}).body, "c");
  EXPECT_EQ(config["input"], Json::parse(R"([{"name":"x","data_type":"TYPE_FP32","dims":[-1,3]}])"));
  EXPECT_EQ(config["version_policy"]["specific"]["versions"], Json({1}));
  (void)call("POST", "/v2/models/{model}/infer", {{"model", "linear"}}, kBody);
  const auto stats = *parse_json(call("GET", "/v2/models/stats", {}).body, "s");
  EXPECT_EQ(stats["model_stats"][0]["batch_stats"][0]["batch_size"], 2);
  EXPECT_EQ(stats["model_stats"][0]["inference_stats"]["success"]["count"], 1);
  EXPECT_EQ(call("GET", "/v2/logging", {}).status, 501);
}

TEST_F(OipRoutes, loads_and_unloads_files) {
  const std::map<std::string, std::string> linear{{"model", "linear"}};
  EXPECT_EQ(call("POST", "/v2/repository/models/{model}/unload", linear).status, 200);
  EXPECT_EQ(call("POST", "/v2/models/{model}/infer", linear, kBody).status, 404);
  EXPECT_EQ(call("POST", "/v2/repository/index", {}, R"({"ready":true})").body, "[]");
  EXPECT_EQ(call("POST", "/v2/repository/models/{model}/load", linear, R"({"parameters":{"config":"{}"}})").status,
            400);
  EXPECT_EQ(call("POST", "/v2/repository/models/{model}/load", linear).status, 200);
  EXPECT_EQ(call("POST", "/v2/models/{model}/infer", linear, kBody).status, 200);
  EXPECT_EQ(call("POST", "/v2/repository/models/{model}/load", {{"model", "none"}}).status, 404);
}

}  // namespace
}  // namespace millrace::api::oip
