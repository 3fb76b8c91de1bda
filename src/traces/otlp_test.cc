#include "traces/otlp.h"

#include <gtest/gtest.h>

#include "traces/testing.h"
#include "traces/usage.h"
#include "traces/wire.h"

namespace millrace::traces {
namespace {

using testing::MadeSpan;
using testing::otlp_message;
using testing::wire_bytes;
using testing::wire_number;
using testing::wire_varint;

TEST(Wire, reads_every_type_and_nothing_beyond_the_end) {
  const auto message = wire_number(1, 300) + wire_bytes(2, "ab") + testing::wire_fixed(3, 7);
  WireReader reader(message);
  EXPECT_EQ(reader.next()->value, 300U);
  EXPECT_EQ(reader.next()->bytes, "ab");
  EXPECT_EQ(reader.next()->value, 7U);
  EXPECT_TRUE(reader.done());
  for (size_t cut = 1; cut < message.size(); ++cut) {
    const auto part = message.substr(0, cut);
    WireReader short_reader(part);
    while (!short_reader.done())
      if (!short_reader.next()) break;
  }
  for (const std::string bad : {"\x08", "\x0b", "\x0c", "\x0e",
                                "\x12\x05"
                                "ab",
                                "\x09\x01"}) {
    WireReader bad_reader(bad);
    EXPECT_FALSE(bad_reader.next()) << testing::wire_varint(bad.size());
  }
  const std::string zero("\0\1", 2), endless(11, '\xff');
  EXPECT_FALSE(WireReader(zero).next());
  EXPECT_FALSE(WireReader(endless).next());
  EXPECT_FALSE(WireReader(wire_varint(2) + wire_varint(UINT64_MAX)).next());
}

TEST(Otlp, a_span_keeps_what_it_came_with) {
  const auto read = read_otlp_protobuf(
      otlp_message({MadeSpan{.name = "chat", .attributes = {{"mlflow.spanType", "LLM"}, {"k", "v"}}}}, "svc"));
  ASSERT_TRUE(read) << read.error().text();
  ASSERT_EQ(read->size(), 1U);
  const auto& span = read->front().span;
  EXPECT_EQ(span.trace_id, "tr-00000000000000000000000000000001");
  EXPECT_EQ(span.id, "0000000000000001");
  EXPECT_TRUE(span.is_root());
  EXPECT_EQ(span.name, "chat");
  EXPECT_EQ(span.type, "LLM");
  EXPECT_EQ(span.status, "OK");
  EXPECT_EQ(span.end_ns, 1'250'000'000);
  EXPECT_EQ(span.content["trace_id"], "AAAAAAAAAAAAAAAAAAAAAQ==");
  EXPECT_EQ(attribute_of(span.content, "k"), "v");
  EXPECT_EQ(attribute_of(span.content, "mlflow.traceRequestId"), span.trace_id);
  EXPECT_EQ(read->front().resource, (std::vector<std::pair<std::string, Json>>{{"service.name", "svc"}}));
}

TEST(Otlp, json_and_protobuf_are_one) {
  const auto json = parse_json(R"({"resourceSpans": [{"resource": {"attributes": [{"key": "service.name",
    "value": {"stringValue": "svc"}}]}, "scopeSpans": [{"spans": [{"traceId": "00000000000000000000000000000001",
    "spanId": "0000000000000001", "name": "root", "startTimeUnixNano": "1000000000", "endTimeUnixNano": 1250000000,
    "status": {"code": 1}, "unknown": [1], "attributes": [{"key": "k", "value": {"stringValue": "v"}}]}]}]}]})",
                               "test");
  const auto one = read_otlp_json(*json);
  ASSERT_TRUE(one) << one.error().text();
  const auto other = read_otlp_protobuf(otlp_message({MadeSpan{.attributes = {{"k", "v"}}}}, "svc"));
  EXPECT_EQ(one->front().span.content, other->front().span.content);
  EXPECT_EQ(one->front().resource, other->front().resource);
}

TEST(Otlp, values_of_every_type_become_plain) {
  const auto any = [](const std::string& bytes) {
    const auto span = wire_bytes(1, std::string(15, '\0') + '\1') + wire_bytes(2, std::string(7, '\0') + '\1') +
                      wire_bytes(9, wire_bytes(1, "x") + wire_bytes(2, bytes));
    const auto read = read_otlp_protobuf(wire_bytes(1, wire_bytes(2, wire_bytes(2, span))));
    return read ? attribute_of(read->front().span.content, "x") : Json(read.error().text());
  };
  EXPECT_EQ(any(wire_number(2, 1)), true);
  EXPECT_EQ(any(wire_number(3, static_cast<uint64_t>(-5))), -5);
  EXPECT_EQ(any(testing::wire_fixed(4, 0x3fe0000000000000)), 0.5);
  EXPECT_EQ(any(testing::wire_fixed(4, 0x7ff8000000000000)), "NaN");
  EXPECT_EQ(any(wire_bytes(7, "\xff\xfe")), "//4=");
  EXPECT_EQ(any(wire_bytes(5, wire_bytes(1, wire_number(3, 1)) + wire_bytes(1, ""))), Json::array({1, nullptr}));
  EXPECT_EQ(any(wire_bytes(6, wire_bytes(1, wire_bytes(1, "a") + wire_bytes(2, wire_number(3, 2))))), Json({{"a", 2}}));
  EXPECT_EQ(any(wire_number(3, 1) + wire_bytes(1, "last")), "last");
  EXPECT_NE(any(wire_bytes(1, "\xff")).get<std::string>().find("not UTF-8"), std::string::npos);
  EXPECT_NE(any(wire_number(1, 5)).get<std::string>().find("another type"), std::string::npos);
}

TEST(Otlp, hostile_messages_are_refused) {
  std::string deep;
  for (int i = 0; i < 300; ++i) deep = wire_bytes(5, wire_bytes(1, deep));
  MadeSpan no_trace, late;
  no_trace.trace = 0;
  late.end_ns = UINT64_MAX;
  const auto attribute = [](const std::string& any) {
    return wire_bytes(1, wire_bytes(2, wire_bytes(2, wire_bytes(9, wire_bytes(2, any)))));
  };
  std::string many;
  for (size_t i = 0; i <= bounds::values; ++i) many += wire_bytes(1, "");
  for (const auto& message :
       {std::string(), std::string("\xff\xff\xff"), std::string("{}"), attribute(deep), attribute(wire_bytes(5, many)),
        otlp_message({no_trace}), otlp_message({late}), otlp_message(std::vector<MadeSpan>(bounds::spans + 1))})
    EXPECT_FALSE(read_otlp_protobuf(message)) << message.size();
  for (const std::string text :
       {"[]", "{}", R"({"resourceSpans": {}})", R"({"resourceSpans": [1]})",
        R"({"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "xyz", "spanId": "1"}]}]}]})",
        R"({"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": 5}]}]}]})",
        R"({"resourceSpans": [], "resource_spans": []})",
        R"({"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": "-1"}]}]}]})",
        R"({"resourceSpans": [{"scopeSpans": [{"spans": [{"name": {}}]}]}]})"})
    EXPECT_FALSE(read_otlp_json(*parse_json(text, "test"))) << text;
}

TEST(Otlp, bodies_are_unpacked_to_a_bound) {
  const std::string gzip("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\xc8\x04\x00\xac\x2a\x93\xd8\x02\x00\x00\x00",
                         22);
  EXPECT_EQ(*inflate(gzip, "gzip"), "hi");
  EXPECT_EQ(*inflate(gzip.substr(10, 4), "deflate"), "hi");
  EXPECT_FALSE(inflate(gzip.substr(0, 15), "gzip"));
  EXPECT_FALSE(inflate("no", "gzip"));
  EXPECT_FALSE(inflate(gzip + "x", "gzip"));
  EXPECT_FALSE(inflate("", "deflate"));
  EXPECT_FALSE(inflate(gzip, "br"));
}

TEST(Otlp, ids_are_read_from_hexadecimal_digits) {
  EXPECT_EQ(*bytes_of_hex("00fF"), std::string("\0\xff", 2));
  EXPECT_FALSE(bytes_of_hex("0"));
  EXPECT_FALSE(bytes_of_hex("0g"));
}

TEST(Usage, a_span_stands_for_all_below_it) {
  const Json used{{"input_tokens", 2}, {"cost", 0.5}};
  EXPECT_EQ(total_usage({{"a", "", used}, {"b", "a", nullptr}, {"c", "b", used}}), used);
  EXPECT_EQ(total_usage({{"a", "", nullptr}, {"b", "a", used}, {"c", "a", used}}),
            Json({{"input_tokens", 4}, {"cost", 1.0}}));
  EXPECT_EQ(total_usage({{"a", "gone", used}}), used);
  EXPECT_EQ(total_usage({}), Json::object());
  EXPECT_EQ(total_usage({{"a", "b", nullptr}, {"b", "a", nullptr}, {"c", "a", used}}), used);
}

}  // namespace
}  // namespace millrace::traces
