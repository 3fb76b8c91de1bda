#include "data/inputs/dialect.h"

#include <gtest/gtest.h>

namespace millrace::data {
namespace {

CsvDialect of(std::string_view text, const Reading& reading = {}) { return find_dialect(text, reading, true); }

TEST(CsvDialect, is_the_delimiter_with_which_records_agree) {
  EXPECT_EQ(of("a,b\n1,2\n").delimiter, ',');
  EXPECT_EQ(of("a;b\n1,5;2,5\n").delimiter, ';') << "a decimal comma is no delimiter of the header";
  EXPECT_EQ(of("a\tb, c\td\n1\t2\t3\n").delimiter, '\t');
  EXPECT_EQ(of("a|b;c|d\n1|2|3\n4|5;6|7\n").delimiter, '|');
  EXPECT_EQ(of("first, last;age\nx;1\ny;2\n").delimiter, ';') << "a comma in one name only";
  EXPECT_EQ(of("one\n1,2\n").delimiter, ',');
  EXPECT_EQ(of("").delimiter, ',');
}

TEST(CsvDialect, keeps_the_delimiter_of_a_file_with_a_ragged_line) {
  EXPECT_EQ(of("a,b,c\n1,2,3\n1,2\n4,5,6\n").delimiter, ',');
}

TEST(CsvDialect, reads_only_whole_records_of_a_first_part) {
  EXPECT_EQ(find_dialect("a;b\n1;2\n3,4,5", {}, false).delimiter, ';');
}

TEST(CsvDialect, finds_quote_and_escape) {
  EXPECT_EQ(of("'a','b'\n'1,2','3'\n").quote, '\'');
  EXPECT_EQ(of("a,b\nit's,o'clock\n").quote, '"');
  EXPECT_EQ(of("a,b\n\"x \\\"y\\\" z\",1\n").escape, '\\');
  EXPECT_EQ(of("a,b\n\"x \"\"y\"\" z\",1\n").escape, '"');
  EXPECT_EQ(of("a,b\n\"C:\\\",1\n\"say \"\"x\"\"\",2\n").escape, '"') << "a field that ends with a backslash";
}

TEST(CsvDialect, believes_what_is_said) {
  const auto said = of("a,b;c\n", {.delimiter = ';', .quote = '\0'});
  EXPECT_EQ(said.delimiter, ';');
  EXPECT_EQ(said.quote, '\0');
}

TEST(NextRecord, takes_quotes_off_and_moves_behind_the_line_end) {
  std::string_view rest = "\"a\"\"b\",\"c\nd\"\r\ne";
  EXPECT_EQ(next_record(rest, {}), (std::vector<std::string>{"a\"b", "c\nd"}));
  EXPECT_EQ(rest, "e");
  EXPECT_EQ(next_record(rest, {}), (std::vector<std::string>{"e"}));
  rest = "\"open";
  EXPECT_EQ(next_record(rest, {}), std::nullopt);
}

}  // namespace
}  // namespace millrace::data
