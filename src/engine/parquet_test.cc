#include "engine/parquet.h"

#include "core/hash.h"
#include "engine/testing.h"

namespace millrace::engine {
namespace {

using Kind = Column::Kind;

Columns some_columns(size_t rows) {
  Columns columns{{"id", Kind::integer},
                  {"score", Kind::number},
                  {"unit", Kind::text},
                  {"late", Kind::boolean},
                  {"at", Kind::timestamp}};
  for (size_t i = 0; i < rows; ++i) {
    if (i % 7 == 3) {
      for (Column& column : columns) column.push_null();
      continue;
    }
    columns[0].push_integer(static_cast<int64_t>(i));
    columns[1].push_number(static_cast<double>(i) / 4);
    columns[2].push_text("unit " + std::to_string(i % 100));
    columns[3].push_boolean(i % 2 == 0);
    columns[4].push_time(1'372'654'800'000'000 + static_cast<int64_t>(i));
  }
  return columns;
}

TEST(Parquet, is_read_back_by_the_engine) {
  const Scratch scratch;
  ASSERT_TRUE(write_parquet(scratch / "x.parquet", some_columns(5), {{"sealed", "sha256:1"}}).ok());
  const auto engine = open_engine();
  const auto table = engine->query("SELECT * FROM read_parquet(" + quote_text(scratch / "x.parquet") + ")");
  ASSERT_TRUE(table.ok()) << table.error().text();
  std::string types, second, fourth;
  for (size_t i = 0; i < table->columns(); ++i) {
    types += table->name(i) + ":" + table->type(i) + " ";
    second += table->text(1, i) + " ";
    fourth += table->text(3, i);
  }
  EXPECT_EQ(types, "id:integer score:number unit:text late:boolean at:timestamp ");
  EXPECT_EQ(second, "1 0.25 unit 1 false 2013-07-01T05:00:00.000001Z ");
  EXPECT_EQ(fourth, "");
  EXPECT_EQ(read_parquet_info(scratch / "x.parquet")->metadata.at("sealed"), "sha256:1");
}

TEST(Parquet, spans_row_groups_and_repeats_byte_for_byte) {
  const Scratch scratch;
  const Columns columns = some_columns(300'000);
  ASSERT_TRUE(write_parquet(scratch / "a", columns).ok());
  ASSERT_TRUE(write_parquet(scratch / "b", columns).ok());
  const auto info = read_parquet_info(scratch / "a");
  ASSERT_TRUE(info.ok()) << info.error().text();
  EXPECT_EQ(info->rows, 300'000);
  EXPECT_EQ(info->row_groups, 3);
  EXPECT_EQ(info->columns, (std::vector<std::string>{"id", "score", "unit", "late", "at"}));
  EXPECT_EQ(digest_of_file(scratch / "a").value(), digest_of_file(scratch / "b").value());
}

TEST(Parquet, of_no_rows_is_a_file_of_no_rows) {
  const Scratch scratch;
  ASSERT_TRUE(write_parquet(scratch / "x", some_columns(0)).ok());
  EXPECT_EQ(parquet_rows(scratch / "x").value(), 0);
}

TEST(Parquet, replaces_the_whole_file_or_nothing) {
  const Scratch scratch;
  ASSERT_TRUE(write_parquet(scratch / "x", some_columns(3)).ok());
  Columns bad = some_columns(3);
  bad[2].push_text("one more");
  EXPECT_EQ(write_parquet(scratch / "x", bad).error().text(), "field unit: column unit has 4 rows, id has 3");
  EXPECT_EQ(parquet_rows(scratch / "x").value(), 3);
  ASSERT_TRUE(write_parquet(scratch / "x", some_columns(9)).ok());
  EXPECT_EQ(parquet_rows(scratch / "x").value(), 9);
  EXPECT_FALSE(write_parquet(scratch / "none/x", some_columns(1)).ok());
}

TEST(Parquet, refuses_what_it_cannot_hold) {
  const Scratch scratch;
  Columns text{{"t", Kind::text}};
  text[0].push_text("\xff\xfe");
  EXPECT_EQ(write_parquet(scratch / "x", text).error().message(), "row 0 of column t is not UTF-8");
  EXPECT_EQ(write_parquet(scratch / "x", {{"a", Kind::text}, {"a", Kind::text}}).error().message(),
            "two columns have the name a");
  EXPECT_EQ(write_parquet(scratch / "x", {}).error().code(), Code::invalid);
  EXPECT_FALSE(exists(scratch / "x"));
}

TEST(Parquet, names_the_file_that_is_cut_or_malformed) {
  const Scratch scratch;
  ASSERT_TRUE(write_parquet(scratch / "x", some_columns(2'000)).ok());
  const std::string whole = read_file(scratch / "x", 1 << 20).value();
  EXPECT_EQ(parquet_rows(scratch / "absent").error().code(), Code::not_found);
  const auto expect_invalid = [&](std::string bytes) {
    ASSERT_TRUE(write_file(scratch / "y", bytes).ok());
    const auto rows = parquet_rows(scratch / "y");
    ASSERT_FALSE(rows.ok()) << bytes.size();
    EXPECT_EQ(rows.error().code(), Code::invalid);
    EXPECT_NE(rows.error().message().find("is not a whole Parquet file"), std::string::npos);
    EXPECT_EQ(rows.error().where().file, scratch / "y");
  };
  for (const size_t size : {0ul, 1ul, 4ul, 11ul, 12ul, whole.size() / 2, whole.size() - 1})
    expect_invalid(whole.substr(0, size));
  expect_invalid("a,b\n1,2\n");
  expect_invalid("PAR1" + std::string(100, '\xee') + "PAR1");
  expect_invalid(whole.substr(0, 100) + whole.substr(whole.size() / 2));  // its middle is lost
  std::string flipped = whole;
  flipped[whole.size() - 8] = '\x7f';  // the footer's length
  expect_invalid(flipped);
}

TEST(Parquet, from_the_engine_repeats_byte_for_byte) {
  const Scratch scratch;
  const auto copy = [&](const std::string& name, int threads) {
    const auto engine = open_engine({.threads = threads});
    const auto done = engine->execute(
        "COPY (SELECT range AS id, hash(range) % 1000 AS h, md5((range % 5000)::VARCHAR) AS t, CASE WHEN range % 11 = "
        "0 THEN NULL ELSE range / 7 END AS x "
        "FROM range(500000) ORDER BY id) TO " +
        quote_text(scratch / name) + " (" + std::string(copy_options()) + ")");
    EXPECT_TRUE(done.ok()) << done.error().text();
    return digest_of_file(scratch / name).value();
  };
  const std::string first = copy("a", 2);
  EXPECT_EQ(copy("b", 2), first);
  EXPECT_EQ(copy("c", 1), first);
  EXPECT_EQ(copy("other-name", 4), first);
  const auto info = read_parquet_info(scratch / "a");
  EXPECT_EQ(info->rows, 500'000);
  EXPECT_EQ(info->metadata.size(), 0u);
  EXPECT_EQ(info->writer.substr(0, 13), "DuckDB versio") << "the file names its writer and nothing else";
}

}  // namespace
}  // namespace millrace::engine
