#include "data/contracts/contract_write.h"

#include "data/contracts/contract.h"
#include "data/testing.h"

namespace millrace::data {
namespace {

TEST(ContractWrite, what_is_read_back_is_the_same_document) {
  for (const auto* name : {"flights", "weather", "planes", "airports", "airlines", "late_request"}) {
    const auto contract =
        load_contract(fmt::format("{}/examples/flights/contracts/{}.odcs.yaml", testing::source_root(), name));
    ASSERT_TRUE(contract.ok());
    const auto again = parse_contract(write_contract(contract->document), name);
    ASSERT_TRUE(again.ok()) << again.error().text();
    EXPECT_EQ(again->digest, contract->digest) << name;
    EXPECT_EQ(write_contract(again->document), write_contract(contract->document));
  }
}

TEST(ContractWrite, texts_that_look_like_something_else_stay_texts) {
  for (const std::string text :
       {"null", "No",  "~",   "1.0.0", "1e5",   "0x1f",       "",      " a",   "a ",  "a: b",
        "a #b", "- a", "[a]", "it's",  "\"q\"", "two\nlines", "tab\t", "\x7f", "é",   "2013-01-01",
        "*x",   "&x",  "!x",  "%x",    "@x",    "a, b",       "{",     "---",  "yes", "?"}) {
    const Json document{{"apiVersion", "v3.1.0"}, {"kind", "DataContract"}, {"id", "t"},
                        {"version", text},        {"status", "active"},     {"schema", {{{"name", "t"}}}},
                        {"tags", {text, "b"}}};
    const auto contract = parse_contract(write_contract(document), "t");
    ASSERT_TRUE(contract.ok()) << text << ": " << contract.error().text() << write_contract(document);
    EXPECT_EQ(to_text(contract->document), to_text(document)) << write_contract(document);
  }
}

TEST(ContractWrite, numbers_keep_their_value_and_kind) {
  Json document{{"apiVersion", "v3.1.0"}, {"kind", "DataContract"}, {"id", "t"},
                {"version", "1"},         {"status", "active"},     {"schema", {{{"name", "t"}}}}};
  document["customProperties"] = {
      {{"property", "p"}, {"value", {1, -2, 0.1, 1e300, 5e-324, 1e15, true, nullptr, {{"a", Json::array()}}}}}};
  const auto contract = parse_contract(write_contract(document), "t");
  ASSERT_TRUE(contract.ok()) << contract.error().text();
  EXPECT_EQ(to_text(contract->document), to_text(document));
}

TEST(ContractWrite, keys_come_in_the_standards_order) {
  const auto contract = parse_contract(
      "schema: [{properties: [{logicalType: integer, name: a, required: true}], name: t}]\nstatus: draft\nversion: "
      "1.0.0\nid: t\nkind: "
      "DataContract\napiVersion: v3.1.0\n",
      "t");
  ASSERT_TRUE(contract.ok());
  EXPECT_EQ(write_contract(contract->document),
            "apiVersion: v3.1.0\nkind: DataContract\nid: t\nversion: '1.0.0'\nstatus: draft\nschema:\n  - name: t\n    "
            "properties:\n"
            "      - {name: a, logicalType: integer, required: true}\n");
}

}  // namespace
}  // namespace millrace::data
