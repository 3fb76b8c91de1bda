#include "data/rows/row_check.h"

#include <cmath>

#include <fmt/format.h>

#include "data/rows/key_set.h"
#include "data/testing.h"

namespace millrace::data {
namespace {

// Kinds that run row by row, on columns of every type.
constexpr auto kNasty = R"(properties:
  - {name: id, logicalType: integer, required: true}
  - {name: big, logicalType: integer, logicalTypeOptions: {minimum: -9223372036854775807, multipleOf: 3}}
  - {name: x, logicalType: number, logicalTypeOptions: {minimum: -1.5, exclusiveMaximum: 1.0e300}}
  - {name: free, logicalType: number, logicalTypeOptions: {multipleOf: 2}}
  - name: s
    logicalType: string
    logicalTypeOptions: {minLength: 1, maxLength: 6, pattern: '^[\wé\s.]+$'}
    quality: [{type: library, metric: nullValues, unit: percent, mustBeLessThan: 50}, {type: library, metric: missingValues, arguments: {missingValues: [a, null]}, mustBe: 0}]
  - {name: kind, logicalType: string, quality: [{type: library, metric: invalidValues, arguments: {validValues: [a, B, "it's", 'c\d']}, mustBe: 0}]}
  - {name: day, logicalType: date, logicalTypeOptions: {minimum: '1950-01-01', exclusiveMaximum: '9999-12-31'}}
  - {name: at, logicalType: timestamp, logicalTypeOptions: {maximum: '2013-01-01T05:00:00Z'}}
  - {name: t, logicalType: time}
  - {name: ger, logicalType: date, logicalTypeOptions: {format: dd.MM.yyyy}, quality: [{type: library, metric: invalidValues, arguments: {validValues: ['2013-01-31']}, mustBe: 0}]}
  - {name: ok, logicalType: boolean, classification: restricted, quality: [{type: library, metric: invalidValues, arguments: {validValues: [true]}, mustBe: 0}]}
  - {name: any}
quality:
  - {id: order, type: custom, engine: millrace, implementation: {metric: expression, expression: "x IS NULL OR free IS NULL OR x <= free * 2 + 1e0"}}
  - {id: words, type: custom, engine: millrace, implementation: {metric: expression, expression: "NOT (length(s) > 3 AND kind IN ('a', 'B')) OR big BETWEEN 0 AND 99 OR CASE WHEN ok THEN day >= DATE '1960-01-01' ELSE abs(id) % 2 = 0 END"}}
  - {id: nulls, type: custom, engine: millrace, implementation: {metric: expression, expression: "coalesce(x, free) > 1.5 OR nullif(kind, 'B') NOT IN ('a', s) OR kind IS NOT DISTINCT FROM s", between: [0, 1], by: [kind]}}
  - {id: texts, type: custom, engine: millrace, implementation: {metric: expression, expression: "starts_with(s, 'a') OR ends_with(s, 's') OR contains(kind, '''') OR day = '2013-01-31' OR \"at\" < TIMESTAMP '2013-01-01 05:00:00' OR floor(free) = -3"}}
  - {id: fresh, type: custom, engine: millrace, implementation: {metric: freshness, column: at, unit: d, between: [0, 100000]}}
  - {id: share, type: custom, engine: millrace, implementation: {metric: conditional_rate, where: "kind = 'a'", condition: "x > 0", between: [0, 0.3], by: [ok]}}
  - {id: lowest, type: custom, engine: millrace, implementation: {metric: statistic, column: x, statistic: min, between: [0, 0]}}
  - {id: highest, type: custom, engine: millrace, implementation: {metric: statistic, column: x, statistic: max, between: [0, 0]}}
  - {id: mean, type: custom, engine: millrace, implementation: {metric: statistic, column: free, statistic: mean, between: [0, 0]}}
  - {id: sum, type: custom, engine: millrace, implementation: {metric: statistic, column: free, statistic: sum, between: [0, 0]}}
  - {id: sliced, type: custom, engine: millrace, implementation: {metric: null_rate, column: free, between: [0, 0.01], by: [kind, day]}}
  - {id: many, type: custom, engine: millrace, implementation: {metric: row_count, per: day, column: day, between: [0, 10]}}
  - {id: rows, metric: rowCount, mustBeGreaterThan: 1}
  - {id: again, type: custom, engine: millrace, implementation: {metric: unique, columns: [kind, day]}}
  - {id: once, type: custom, engine: millrace, implementation: {metric: unique, columns: [x]}}
  - {id: order_of_columns, type: custom, engine: millrace, implementation: {metric: column_order}}
  - {id: lost, type: custom, engine: millrace, implementation: {metric: foreign_key, columns: [kind], reference: {dataset: kinds, columns: [k]}, between: [0, 0.1], by: [ok]}}
  - {id: days, type: custom, engine: millrace, implementation: {metric: foreign_key, columns: [day, t], reference: {dataset: days, columns: [d, t]}, between: [0, 0.1]}}
)";

using Values = std::vector<std::string>;

const std::vector<std::pair<std::string, Values>>& values() {
  static const std::vector<std::pair<std::string, Values>> all{
      {"id",
       {"1", "2", "+7", "7.00", "7.", "1.9", "x", "", "9223372036854775807", "9223372036854775808", " 3", "1e3", "-0",
        "007", "-9223372036854775807"}},
      {"big",
       {"9223372036854775807", "-9223372036854775808", "-9223372036854775809", "9223372036854775806", "0", "3", "-3",
        "4", "", "1e400", "+", "-", ".0"}},
      {"x", {"nan",    "-NaN", "+inf",    "-Infinity", "-0.0",   "0",        "1e400",         "-1e400",
             "1e-400", ".5",   "7.",      "1,5",       "",       "-1.5",     "-1.5000000001", "1e300",
             "0x10",   "1d",   "infinit", "1e",        "1e1000", "4.9e-324", "2.5E+1",        "."}},
      {"free", {"1", "-2.5e-3", "nan", "inf", "", "3.25", "-0.0", "1e-5", "4", "-2.5"}},
      {"s",
       {"", "a", "é", "e\xCC\x81", "\xF0\x9F\x98\x80", "tab\t", "a b", "zwei\nZeilen", "\xC2\xA0", "Straße", "sieben.",
        "ünder", "quote\"d", "back\\s"}},
      {"kind", {"a", "B", "b", "it's", "c\\d", "cd", ""}},
      {"day",
       {"2013-01-31", "1969-12-31", "1900-02-28", "2012-02-29", "2013-02-29", "2013-2-1", "0001-01-01", "9999-12-31",
        "", "20130101", "2013-13-01", "2013-00-10"}},
      {"at",
       {"2013-01-01T05:00:00Z",
        "2013-01-01 05:00",
        "1969-12-31T23:59:59.999999",
        "2016-12-31T23:59:60Z",
        "2013-01-01T24:00:00",
        "2013-01-01T05:00:00+05:30",
        "2013-01-01T05:00+0530",
        "2013-01-01T05:00-08",
        "2013-01-01T05:00:00+20:00",
        "2013-01-01T05:00:00+14:59",
        "2013-01-01T05:00:00+15:00",
        "2013-01-01",
        "2013-01-01T05:00:00.123456789",
        "",
        "now",
        "2013-01-01T05:00Z",
        "2013-02-30T05:00Z",
        "2013-01-01T05:00:00.",
        "2013-01-01T05",
        "2013-01-01Z"}},
      {"t", {"05:00", "23:59:59.999999", "24:00", "23:59:60", "5:00", "", "05:00:00.1", "05:00:00.1234567"}},
      {"ger", {"31.01.2013", "31.02.2013", "1.1.2013", "2013-01-31", "", "01.01.1900"}},
      {"ok", {"true", "FALSE", "1", "0", "yes", "", "tRUE"}},
      {"any", {"1", "", "x", "1.0"}}};
  return all;
}

std::string csv_field(const std::string& value) {
  if (value.find_first_of(",\n\"") == std::string::npos) return value;
  std::string out = "\"";
  for (const char c : value) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string nasty_csv(size_t rows) {
  SeededRandom chance(7);
  std::string out;
  for (const auto& [name, list] : values()) out += (out.empty() ? "" : ",") + name;
  out += "\n";
  for (size_t row = 0; row < rows; ++row) {
    std::string line;
    for (const auto& [name, list] : values())
      line += (name == "id" ? "" : ",") + csv_field(row < list.size() ? list[row] : list[chance.next() % list.size()]);
    out += line + "\n";
  }
  return out;
}

// Where two findings differ. The row executor has no histogram where only the batch itself could tell its edges.
void find_differences(const Json& one, const Json& other, const std::string& place, std::vector<std::string>& out) {
  const auto differ = [&] { out.push_back(fmt::format("{}: {} {}", place, to_text(one), to_text(other))); };
  if (one.is_object() && other.is_object()) {
    for (const auto& [key, value] : one.items()) {
      if (key == "engine" || (key == "histogram" && !other.contains(key))) continue;
      if (!other.contains(key))
        out.push_back(place + "/" + key + " is missing");
      else
        find_differences(value, other[key], place + "/" + key, out);
    }
    for (const auto& [key, value] : other.items())
      if (!one.contains(key)) out.push_back(place + "/" + key + " is new");
  } else if (one.is_array() && other.is_array() && one.size() == other.size()) {
    for (size_t i = 0; i < one.size(); ++i) find_differences(one[i], other[i], fmt::format("{}/{}", place, i), out);
  } else if (one.is_number_float() && other.is_number()) {
    const double a = one.get<double>(), b = other.get<double>();
    if (a != b && !(std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b)))) differ();
  } else if (one != other) {
    differ();
  }
}

void expect_same(const Result<CheckReport>& duckdb, const Result<CheckReport>& rows) {
  ASSERT_TRUE(duckdb.ok()) << duckdb.error().text();
  ASSERT_TRUE(rows.ok()) << rows.error().text();
  EXPECT_EQ(rows->to_json()["engine"], "row");
  std::vector<std::string> differences;
  find_differences(duckdb->to_json(), rows->to_json(), "", differences);
  EXPECT_TRUE(differences.empty()) << fmt::format("{}", fmt::join(differences, "\n"));
}

struct Both {
  testing::Trial duckdb, rows;
  Both() {
    rows.by_rows = true;
    const auto kinds = testing::write(duckdb.folder, "kinds.csv", "k\na\nB\nit's\n\n");
    const auto days =
        testing::write(duckdb.folder, "days.csv", "d,t\n2013-01-31,05:00\n1969-12-31,23:59:59.999999\nx,05:00\n");
    duckdb.references = {{"kinds", {kinds}}, {"days", {days}}};
    rows.references = {
        {"kinds", {testing::write(rows.folder, "kinds.csv", "k\na\nB\nit's\n\n")}},
        {"days",
         {testing::write(rows.folder, "days.csv", "d,t\n2013-01-31,05:00\n1969-12-31,23:59:59.999999\nx,05:00\n")}}};
  }
};

TEST(RowCheck, finds_in_nasty_rows_what_duckdb_finds) {
  Both both;
  const auto csv = nasty_csv(3000);
  const auto duckdb = both.duckdb.run(kNasty, csv), rows = both.rows.run(kNasty, csv);
  expect_same(duckdb, rows);
  ASSERT_TRUE(rows.ok());
  for (const auto* rule :
       {"id.required", "id.type",   "big.range", "big.multiple", "x.range", "free.multiple", "s.pattern", "s.length",
        "kind.set",    "day.range", "at.range",  "at.type",      "t.type",  "ger.type",      "ger.set",   "ok.set",
        "order",       "words",     "nulls",     "texts",        "lost",    "days"}) {
    const auto* finding = testing::find_rule(*rows, rule);
    ASSERT_NE(finding, nullptr) << rule;
    EXPECT_GT(finding->failing, 0) << rule;
  }
  EXPECT_EQ(rows->verdict, "quarantined");
}

TEST(RowCheck, reads_texts_as_sql_reads_them) {
  // Each value is a row; equal counts, extremes and sums over many of them leave no room for another reading.
  SeededRandom chance(11);
  constexpr std::string_view kLetters = "0123456789019.-+:eTZ infatrue";
  std::string csv = "i,n,b,d,at,t\n";
  const Values seeds{"2013-01-31", "2013-01-31T05:00:00Z", "05:00:00.25", "1234567890123456789", "-1.25e10", "true",
                     "infinity",   "2013-01-31 05:00+0130"};
  for (int row = 0; row < 20'000; ++row) {
    std::string value = seeds[chance.next() % seeds.size()];
    for (size_t change = chance.next() % 3; change > 0 && !value.empty(); --change) {
      const size_t at = chance.next() % value.size();
      if (chance.next() % 3 == 0)
        value.erase(at, 1);
      else
        value[at] = kLetters[chance.next() % kLetters.size()];
    }
    csv += fmt::format("{0},{0},{0},{0},{0},{0}\n", value);
  }
  constexpr auto kTypes =
      "properties: [{name: i, logicalType: integer}, {name: n, logicalType: number}, {name: b, logicalType: boolean}, "
      "{name: d, logicalType: date}, "
      "{name: at, logicalType: timestamp}, {name: t, logicalType: time}]";
  Both both;
  expect_same(both.duckdb.run(kTypes, csv), both.rows.run(kTypes, csv));
}

TEST(RowCheck, reads_the_csv_that_duckdb_reads) {
  const std::string object = "properties: [{name: a, logicalType: integer}, {name: b, logicalType: string}]";
  for (const std::string csv :
       {"a,b\n1,x\n\n2,\"y\"\n", "a,b\r\n1,x\r\n2,\"y\r\nz\"\r\n",
        "\xEF\xBB\xBF"
        "a,b\n1,\"\"\n,\n",
        "a;b\n1;'x;y'\n2;'it''s'\n", "a,b\n1,x", "a,b\n", "a\tb\n1\tsay \"it\"\n",
        "a,b\n1,\"back\\\"slash\"\n2,\"x\\\"y\"\n", "b,a\nx,1\ny,z\n", "a,b,c\n1,2,3\n", "a\n1\n"}) {
    Both both;
    SCOPED_TRACE(csv);
    expect_same(both.duckdb.run(object, csv), both.rows.run(object, csv));
  }
  Both both;
  expect_same(both.duckdb.run("properties: [{name: a, logicalType: integer, required: true}]", "a\n1\n\n2\n\n"),
              both.rows.run("properties: [{name: a, logicalType: integer, required: true}]", "a\n1\n\n2\n\n"));
}

TEST(RowCheck, names_file_and_line_of_csv_that_cannot_be_read) {
  const std::string object = "properties: [{name: a, logicalType: integer}, {name: b, logicalType: string}]";
  const auto error_of = [&](const std::string& csv) {
    Both both;
    auto report = both.rows.run(object, csv);
    EXPECT_FALSE(report.ok()) << csv;
    return report.ok() ? Error{Code::internal, ""} : report.error();
  };
  auto error = error_of("a,b\n1,x\n2,y,z\n");
  EXPECT_EQ(error.message(), "the line has 3 fields, the header 2: '2,y,z'");
  EXPECT_EQ(error.where().text(), "rows.csv:3");
  error = error_of("a,b\n1,\"x\ny\"\n2,\"y\"z\n");
  EXPECT_EQ(error.message(), "a quoted field does not end as it should");
  EXPECT_EQ(error.where().line, 4);
  EXPECT_EQ(error_of("a,b\n1,\"x\n2,y\n").message(), "a quoted field does not end as it should");
  EXPECT_EQ(error_of("a,b\n1,\xff\n").where().line, 2);
}

TEST(RowCheck, reads_json_lines_as_duckdb_does) {
  const std::string object =
      "properties: [{name: i, logicalType: integer, required: true}, {name: n, logicalType: number}, {name: s, "
      "logicalType: string}, "
      "{name: b, logicalType: boolean}, {name: d, logicalType: date}, {name: o, logicalType: object}]";
  for (const std::string lines : {R"({"i":1,"n":1.5,"s":"x","b":true,"d":"2013-01-31","o":{"a":1}}
{"i":2,"n":2,"s":null,"b":false,"d":"2013-02-30","o":null}

{"n":1e3,"i":3,"s":"","b":null,"d":null}
)",
                                  R"({"i":"7","n":"1.5","s":"x","b":"true","d":"2013-01-31","o":[1]}
{"i":"x","n":"","s":"y","b":"0","d":"","o":{}}
)",
                                  R"({"i":"7","n":true,"s":"x","b":1,"d":5,"o":1}
{"i":2.0,"n":2.5,"s":7,"b":true,"d":"2013-01-31","o":"a"}
{"i":2.5,"n":"nan","s":"z","b":"true","d":null,"o":[2]}
{"i":18446744073709551615,"n":18446744073709551615,"s":null,"b":null,"d":"x","o":{"b":[true]}}
)"}) {
    Both both;
    SCOPED_TRACE(lines);
    const auto duckdb = both.duckdb.run_file(object, testing::write(both.duckdb.folder, "rows.jsonl", lines));
    expect_same(duckdb, both.rows.run_file(object, testing::write(both.rows.folder, "rows.jsonl", lines)));
  }
}

TEST(RowCheck, refuses_rules_that_need_more_than_a_row) {
  const std::string id =
      "properties: [{name: a, logicalType: integer%}]\nquality: [{id: q, type: custom, engine: millrace, "
      "implementation: {@}}]";
  const auto refused = [&](const std::string& property, const std::string& implementation) {
    auto object = id;
    object.replace(object.find('%'), 1, property);
    object.replace(object.find('@'), 1, implementation);
    Both both;
    const auto report = both.rows.run(object, "a\n1\n");
    EXPECT_FALSE(report.ok()) << implementation;
    return report.ok() ? std::string() : report.error().text();
  };
  const std::string plain = "metric: expression, expression: 'a > 0'";
  EXPECT_NE(refused("", "metric: statistic, column: a, statistic: median, between: [0, 1]")
                .find("the statistic median of the rule q does not run on row"),
            std::string::npos);
  EXPECT_NE(refused("", "metric: expression, expression: 'round(a) > 0'").find("the function 'round'"),
            std::string::npos);
  EXPECT_NE(refused("", "metric: expression, expression: 'a + 1'").find("the expression is integer, not a condition"),
            std::string::npos);
  EXPECT_NE(refused("", "metric: expression, expression: \"a = 'x'\"").find("integer and 'x' cannot be compared"),
            std::string::npos);
  EXPECT_NE(refused("", "metric: sequence, column: a").find("does not run on row"), std::string::npos);
}

TEST(RowCheck, an_integer_beyond_64_bits_is_an_error_of_the_rule) {
  Both both;
  const std::string object =
      "properties: [{name: a, logicalType: integer}]\nquality: [{id: q, type: custom, engine: millrace, "
      "implementation: {metric: expression, expression: 'a * a > 0'}}]";
  const std::string csv = "a\n1\n9223372036854775807\n";
  EXPECT_FALSE(both.duckdb.run(object, csv).ok());
  const auto report = both.rows.run(object, csv);
  ASSERT_FALSE(report.ok());
  EXPECT_NE(report.error().text().find("the rule q cannot be computed for row 2 of rows.csv"), std::string::npos)
      << report.error().text();
}

TEST(RowCheck, refuses_more_slices_than_it_keeps) {
  const std::string object =
      "properties: [{name: a, logicalType: integer}]\nquality: [{id: q, type: custom, engine: millrace, "
      "implementation: "
      "{metric: null_rate, column: a, between: [0, 1], by: [a]}}]";
  std::string csv = "a\n";
  for (int row = 0; row < 10'000; ++row) csv += fmt::format("{}\n", row);
  Both both;
  EXPECT_TRUE(both.rows.run(object, csv).ok());
  const auto duckdb = both.duckdb.run(object, csv + "x\n"), rows = both.rows.run(object, csv + "x\n");
  ASSERT_FALSE(rows.ok());
  EXPECT_EQ(rows.error().code(), Code::too_large);
  EXPECT_EQ(rows.error().text(), duckdb.error().text());
}

TEST(KeySet, stops_at_its_limit_and_keeps_what_it_has) {
  KeySet keys;
  EXPECT_TRUE(keys.add("a"));
  EXPECT_FALSE(keys.add(std::string(limits::row_key_bytes, 'b')));
  EXPECT_TRUE(keys.add("a"));
  EXPECT_TRUE(keys.add("c"));
  EXPECT_EQ(keys.size(), 2u);
  EXPECT_FALSE(keys.has("b"));
}

TEST(KeySet, keys_are_equal_as_values_are) {
  const auto key = [](std::initializer_list<Cell> parts) {
    std::string out;
    for (const auto& part : parts) append_key(part, out);
    return out;
  };
  EXPECT_EQ(key({Cell::of(0.0), Cell::of(std::nan(""))}), key({Cell::of(-0.0), Cell::of(-std::nan("1"))}));
  EXPECT_NE(key({Cell::of("ab"), Cell::of("c")}), key({Cell::of("a"), Cell::of("bc")}));
  EXPECT_NE(key({Cell::of(int64_t{1})}), key({Cell::of(1.0)}));
  EXPECT_EQ(key({Cell{}}), key({Cell::wrong()}));
}

// Bytes that come some at a time.
class Drops final : public Reader {
 public:
  Drops(std::string bytes, size_t most) : bytes_(std::move(bytes)), most_(most) {}
  Result<size_t> read(char* to, size_t room) override {
    const size_t count = std::min({room, most_, bytes_.size() - at_});
    bytes_.copy(to, count, at_);
    at_ += count;
    return count;
  }

 private:
  std::string bytes_;
  size_t most_, at_ = 0;
};

Result<CheckReport> stream(const std::string& object, const std::string& bytes, size_t most) {
  Drops drops(bytes, most);
  const RowStream from{.bytes = &drops, .reading = {}, .label = "rows.csv"};
  Both both;
  both.rows.stream = &from;
  return both.rows.run(object, "unused\n");
}

TEST(RowCheck, columns_out_of_the_contracts_order_are_counted) {
  Both both;
  const std::string object =
      "properties: [{name: a, logicalType: integer}, {name: b, logicalType: integer}, {name: c, logicalType: "
      "integer}]\n"
      "quality: [{id: order, type: custom, engine: millrace, implementation: {metric: column_order}}]";
  for (const auto* csv : {"c,a,b\n1,2,3\n", "c,b,a\n1,2,3\n", "a,b,c\n1,2,3\n"}) {
    const auto duckdb = both.duckdb.run(object, csv);
    expect_same(duckdb, both.rows.run(object, csv));
    expect_same(duckdb, stream(object, csv, 4));
  }
  EXPECT_EQ(testing::find_rule(*stream(object, "c,b,a\n1,2,3\n", 4), "order")->value, 2);
}

TEST(RowCheck, a_stream_is_judged_as_the_file_however_it_comes) {
  Both both;
  const auto csv = nasty_csv(300);
  const auto duckdb = both.duckdb.run(kNasty, csv);
  for (const size_t most : {1, 7, 1000, 1 << 20}) expect_same(duckdb, stream(kNasty, csv, most));
}

TEST(RowCheck, a_stream_of_json_lines_tells_its_keys_at_the_end) {
  const std::string object = "properties: [{name: i, logicalType: integer}, {name: s, logicalType: string}]";
  auto report = stream(object, "{\"i\":1}\n{\"i\":\"2\",\"s\":\"x\"}\n", 3);
  ASSERT_TRUE(report.ok()) << report.error().text();
  EXPECT_EQ(report->rows, 2);
  EXPECT_EQ(testing::find_rule(*report, "i.type")->failing, 1) << "a text is never a number";
  report = stream(object, "{\"i\":1,\"t\":2}\n", 3);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->verdict, "rejected");
  EXPECT_EQ(testing::find_rule(*report, "schema.columns")->value, 2);
  EXPECT_EQ(report->rows, 1);
}

TEST(RowCheck, a_stream_that_cannot_be_read_says_where) {
  const std::string object = "properties: [{name: i, logicalType: integer}]";
  const auto error_of = [&](const std::string& bytes) {
    const auto report = stream(object, bytes, bytes.size() > 100 ? 1 << 16 : 2);
    return report.ok() ? std::string() : report.error().text();
  };
  EXPECT_NE(error_of("").find("is empty"), std::string::npos);
  EXPECT_NE(error_of("i\n1\n\xc3").find("not UTF-8: byte 5"), std::string::npos);
  EXPECT_NE(error_of(std::string("i\n1\n\0\n", 6)).find("zero byte"), std::string::npos);
  EXPECT_NE(error_of("\x1F\x8B\x08\n").find("packed with gzip"), std::string::npos);
  EXPECT_NE(error_of("PAR1\n").find("CSV or JSON lines only"), std::string::npos);
  EXPECT_NE(error_of("{\"i\":1}\n{\"i\":").find("rows.csv:2"), std::string::npos);
  EXPECT_NE(error_of("{\"i\":1,\"i\":2}\n").find("stands twice"), std::string::npos);
  EXPECT_NE(error_of("i\n\"" + std::string(17 << 20, 'x')).find("a record is longer than"), std::string::npos);
}

}  // namespace
}  // namespace millrace::data
