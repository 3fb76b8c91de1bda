#include "data/inputs/inputs.h"

#include <fmt/format.h>

#include "data/inputs/decode.h"
#include "data/inputs/json_lines.h"
#include "data/inputs/postgres_table.h"
#include "data/testing.h"

namespace millrace::data {
namespace {

TEST(Inputs, notices_a_file_that_is_another_by_now) {
  const millrace::testing::Folder folder;
  Inputs inputs("");
  const auto path = testing::write(folder, "a.csv", "a\n1\n");
  ASSERT_TRUE(inputs.watch(path, "a.csv"));
  EXPECT_TRUE(inputs.unchanged());
  testing::write(folder, "a.csv", "a\n2\n");  // the same size, renamed into place
  const auto changed = inputs.unchanged();
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code(), Code::conflict);
  EXPECT_EQ(changed.error().where().file, "a.csv");
}

TEST(CheckText, names_the_byte_and_the_line_wherever_blocks_end) {
  const millrace::testing::Folder folder;
  for (const size_t before : {size_t{3}, size_t{(1 << 20) - 1}, size_t{1 << 20}, size_t{(2 << 20) - 2}}) {
    std::string text(before, 'x');
    text[1] = '\n';
    EXPECT_TRUE(check_text(testing::write(folder, "good", text + "é€😀\n"), "good")) << before;
    for (const std::string bad : {"\xff", "\xc3", "\xe2\x82", "\xf0\x9f\x98"}) {
      const auto refused = check_text(testing::write(folder, "bad", text + bad + "x\n"), "bad");
      ASSERT_FALSE(refused) << before;
      EXPECT_NE(refused.error().message().find(fmt::format("byte {} is", before + 1)), std::string::npos)
          << refused.error().text();
      EXPECT_EQ(refused.error().where().line, 2);
      EXPECT_FALSE(check_text(testing::write(folder, "bad", text + bad), "bad")) << "at the end, " << before;
    }
    EXPECT_FALSE(check_text(testing::write(folder, "bad", text + std::string(1, '\0')), "bad"));
  }
}

TEST(ToUtf8, decodes_across_blocks_and_names_the_byte_that_is_none) {
  const millrace::testing::Folder folder;
  Inputs inputs(folder.path());
  std::string text;
  for (int i = 0; i < 600'000; ++i) text += "\xe9x";
  const auto copy = to_utf8(testing::write(folder, "latin1", text), "latin1", "latin1", inputs);
  ASSERT_TRUE(copy) << copy.error().text();
  EXPECT_EQ(*file_size(*copy), 1'800'000);
  EXPECT_TRUE(check_text(*copy, "copy"));
  const auto bad =
      to_utf8(testing::write(folder, "bad", std::string("a\0b\0\x00\xd8x\0", 8)), "bad", "utf-16le", inputs);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), Code::corrupt);
  EXPECT_NE(bad.error().message().find("byte 5"), std::string::npos) << bad.error().text();
  EXPECT_EQ(to_utf8(testing::write(folder, "x", "x"), "x", "klingon", inputs).error().code(), Code::invalid);
  EXPECT_EQ(to_utf8(testing::write(folder, "x", "x"), "x", "utf-8//IGNORE", inputs).error().code(), Code::invalid);
}

TEST(JsonLines, types_are_what_all_values_of_a_key_are) {
  const millrace::testing::Folder folder;
  const auto path = testing::write(
      folder, "rows.jsonl",
      "{\"i\": 1, \"n\": 1, \"s\": \"x\", \"b\": true, \"m\": 1, \"z\": null, \"big\": 9007199254740993}\n\n"
      "{\"n\": 1.5, \"i\": null, \"m\": \"1\", \"late\": [1], \"big\": 0.5}\r\n");
  const auto columns = scan_json_lines(path, "rows.jsonl");
  ASSERT_TRUE(columns) << columns.error().text();
  std::string all;
  for (const auto& column : *columns) all += column.name + " " + column.type + ", ";
  EXPECT_EQ(all, "i BIGINT, n DOUBLE, s VARCHAR, b BOOLEAN, m JSON, z VARCHAR, big JSON, late JSON, ");
}

TEST(JsonLines, refuse_lines_that_are_too_long_and_too_many_keys) {
  const millrace::testing::Folder folder;
  const auto path =
      testing::write(folder, "long.jsonl", "{\"a\": \"" + std::string(limits::json_line_bytes, 'x') + "\"}\n");
  EXPECT_NE(scan_json_lines(path, "long.jsonl").error().message().find("longer than"), std::string::npos);
  std::string keys = "{";
  for (size_t i = 0; i <= limits::input_columns; ++i) keys += fmt::format("{}\"k{}\": 1", i == 0 ? "" : ",", i);
  EXPECT_NE(scan_json_lines(testing::write(folder, "keys.jsonl", keys + "}\n"), "keys").error().message().find("keys"),
            std::string::npos);
}

TEST(Reading, refuses_words_that_cannot_be) {
  Reading reading;
  EXPECT_TRUE(set_reading(reading, "delimiter", "tab"));
  EXPECT_EQ(reading.delimiter, '\t');
  EXPECT_TRUE(set_reading(reading, "format", "ndjson"));
  EXPECT_EQ(reading.format, "jsonl");
  EXPECT_EQ(set_reading(reading, "format", "parqet").error().hint(), "did you mean 'parquet'?");
  for (const char* bad : {"", ",,", "\n", "none", "é"}) EXPECT_FALSE(set_reading(reading, "delimiter", bad)) << bad;
}

TEST(PostgresUrl, parts_the_table_from_the_rest_and_shows_no_secret) {
  const auto table =
      read_postgres_url("postgresql://ann:hush@db.example:5433/shop?sslmode=require&table=raw.%22My.Table%22");
  ASSERT_TRUE(table) << table.error().text();
  EXPECT_EQ(table->url, "postgresql://ann:hush@db.example:5433/shop?sslmode=require");
  EXPECT_EQ(table->schema, "raw");
  EXPECT_EQ(table->name, "My.Table");
  EXPECT_EQ(table->label.find("hush"), std::string::npos) << table->label;
  EXPECT_EQ(table->label.find("ann"), std::string::npos) << table->label;
  for (const char* bad : {"postgresql://db/shop", "postgresql://db/shop?table=", "postgresql://db/shop?table=a.b.c"})
    EXPECT_EQ(read_postgres_url(bad).error().code(), Code::invalid) << bad;
}

}  // namespace
}  // namespace millrace::data
