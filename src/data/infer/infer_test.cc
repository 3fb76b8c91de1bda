#include "data/infer/infer.h"

#include <cmath>

#include <fmt/format.h>
#include <re2/re2.h>

#include "data/contracts/contract_write.h"
#include "data/infer/parts.h"
#include "data/testing.h"

namespace millrace::data {
namespace {

// What comes out of `rows` (CSV) as the property of that name.
struct Inferred {
  millrace::testing::Folder folder;
  InferOptions options{.name = "t"};
  Json document;
  std::string problem;

  void from(const std::vector<std::string>& texts) {
    std::vector<std::string> files;
    for (size_t i = 0; i < texts.size(); ++i)
      files.push_back(testing::write(folder, fmt::format("rows-{}.csv", i), texts[i]));
    auto session = testing::engines().open({.temp_folder = "", .readable = {folder.path()}});
    ASSERT_TRUE((*session)->lock_down().ok());
    auto found = infer_contract(**session, files, options);
    if (found)
      document = std::move(*found);
    else
      problem = found.error().text();
  }
  const Json& object() const { return document["schema"][0]; }
  Json property(const std::string& name) const {
    for (const auto& one : object()["properties"])
      if (one["name"] == name) return one;
    return Json::object();
  }
  Json rule(const std::string& name) const {
    for (const auto& one : object().value("quality", Json::array()))
      if (one["name"] == name) return one;
    for (const auto& column : object()["properties"])
      for (const auto& one : column.value("quality", Json::array()))
        if (one["name"] == name) return one;
    return Json();
  }
  Json option(const std::string& column, const std::string& name) const {
    const auto options = property(column).value("logicalTypeOptions", Json::object());
    return options.value(name, Json());
  }
  static Json custom(const Json& element, const std::string& name) {
    for (const auto& one : element.value("customProperties", Json::array()))
      if (one["property"] == name) return one["value"];
    return Json();
  }
  // The contract on the rows that it came from.
  Result<CheckReport> check(const std::string& rows) const {
    testing::Trial trial;
    return trial.run_text(write_contract(document), testing::write(trial.folder, "rows.csv", rows));
  }
};

// `row` gives the line of each number from 0; deterministic, so a failure shows again.
template <class Row>
std::string csv(const std::string& header, int rows, const Row& row) {
  std::string out = header + "\n";
  for (int i = 0; i < rows; ++i) out += row(i) + "\n";
  return out;
}

// A shuffled number below `n`, the same for the same i.
int mixed(int i, int n) {
  uint64_t x = static_cast<uint64_t>(i) * 0x9E3779B97F4A7C15ULL + 0xD1B54A32D192ED03ULL;
  x ^= x >> 32, x *= 0xD6E8FEB86659FD93ULL, x ^= x >> 32;
  return static_cast<int>(x % static_cast<uint64_t>(n));
}

TEST(Infer, the_most_particular_type_that_all_values_have) {
  Inferred t;
  t.from({csv("i,n,b,d,at,clock,zip,text,mostly,empty", 1000, [](int i) {
    return fmt::format("{},{}.5,{},2013-01-{:02},2013-01-01T{:02}:00:00Z,{:02}:30,0{},w{} x,{},", i % 7, i,
                       i % 2 ? "true" : "false", i % 28 + 1, i % 24, i % 24, 1000 + i, i,
                       i == 500 ? "oops" : std::to_string(i % 9));
  })});
  ASSERT_EQ(t.problem, "");
  const std::pair<const char*, const char*> wanted[] = {
      {"i", "integer"},  {"n", "number"},   {"b", "boolean"},   {"d", "date"},         {"at", "timestamp"},
      {"clock", "time"}, {"zip", "string"}, {"text", "string"}, {"mostly", "integer"}, {"empty", "string"}};
  for (const auto& [name, type] : wanted) EXPECT_EQ(t.property(name)["logicalType"], type) << name;
  EXPECT_LT(Inferred::custom(t.property("mostly"), "confidence")["type"].get<double>(), 0.999);
  EXPECT_GT(Inferred::custom(t.property("i"), "confidence")["type"].get<double>(), 0.996);
}

TEST(Infer, required_needs_rows_enough_to_say_so) {
  const auto row = [](int i) { return fmt::format("{},{}", i % 5, i % 10 == 0 ? "" : "3"); };
  Inferred many, few;
  many.from({csv("a,gaps", 1000, row)});
  few.from({csv("a,gaps", 30, row)});
  EXPECT_EQ(many.property("a")["required"], true);
  EXPECT_FALSE(many.property("gaps").contains("required"));
  EXPECT_FALSE(few.property("a").contains("required"));
  // Wilson's upper end of 100 in 1000 is 0.1202; twice that and half a per cent is the room.
  EXPECT_EQ(to_text(many.rule("gaps_null_rate")["implementation"]),
            R"({"between":[0,0.25],"column":"gaps","metric":"null_rate"})");
  EXPECT_EQ(Inferred::custom(many.rule("gaps_null_rate"), "support"), 1000);
}

TEST(Infer, one_column_or_several_together_identify_a_row) {
  Inferred single, pair, three, none;
  single.from({csv("x,order_id", 400, [](int i) { return fmt::format("{},{}", i % 5, 7 * i); })});
  EXPECT_EQ(single.property("order_id")["primaryKey"], true);
  EXPECT_FALSE(single.property("x").contains("primaryKey"));
  EXPECT_EQ(single.option("order_id", "maximum"), Json());  // it grows
  pair.from({csv("a,b,x", 600, [](int i) { return fmt::format("{},{},{}", i / 20, i % 20, mixed(i, 3)); })});
  EXPECT_EQ(pair.property("a")["primaryKeyPosition"], 1);
  EXPECT_EQ(pair.property("b")["primaryKeyPosition"], 2);
  EXPECT_FALSE(pair.property("x").contains("primaryKey"));
  EXPECT_GT(Inferred::custom(pair.property("a"), "confidence")["primaryKey"].get<double>(), 0.99);
  three.from({csv("a,b,c", 1000, [](int i) { return fmt::format("{},{},{}", i / 100, i / 10 % 10, i % 10); })});
  for (const auto* name : {"a", "b", "c"}) EXPECT_EQ(three.property(name)["primaryKey"], true) << name;
  none.from({csv("a,b", 400, [](int i) { return fmt::format("{},{}", mixed(i, 9), mixed(i + 5000, 9)); })});
  for (const auto* name : {"a", "b"}) EXPECT_FALSE(none.property(name).contains("primaryKey")) << name;
}

TEST(Infer, ranges_leave_room_where_the_data_has_a_tail_and_none_where_it_has_an_end) {
  Inferred t;
  t.from({csv("tail,die,x,month,wild", 5000, [](int i) {
    const double u = (mixed(i, 100'000) + 0.5) / 100'000;
    return fmt::format("{:.6f},{},{},{},{}", -std::log(u), mixed(i, 6) + 1, mixed(i + 7, 1000) - 500, 3,
                       i == 9 ? 99'999 : mixed(i, 50));
  })});
  EXPECT_EQ(t.option("die", "minimum"), 1);
  EXPECT_EQ(t.option("die", "maximum"), 6);
  EXPECT_EQ(t.option("tail", "minimum"), 0);
  EXPECT_GT(t.option("tail", "maximum").get<double>(),
            13);  // the largest is about log(5000) = 8.5, and as far again from the 99 %
  EXPECT_LT(t.option("tail", "maximum").get<double>(), 25);
  EXPECT_LT(t.option("x", "minimum").get<int>(), -499);
  EXPECT_EQ(t.option("month", "maximum"), 12);
  EXPECT_LT(t.option("wild", "maximum").get<int>(), 100);  // one value far from all others is no range
  EXPECT_LT(Inferred::custom(t.property("wild"), "confidence")["range"].get<double>(), 0.9999);
}

TEST(Infer, what_moves_with_time_has_no_range) {
  Inferred t;
  t.from({csv("at,number,level", 800, [](int i) {
    return fmt::format("2013-{:02}-{:02},{},{}", i / 80 + 1, i % 80 / 3 + 1, 5000 + i / 2, mixed(i, 40));
  })});
  EXPECT_EQ(t.option("number", "maximum"), Json());
  EXPECT_EQ(t.option("level", "maximum"), 39);
}

TEST(Infer, few_values_are_a_set_and_those_seen_once_say_that_more_will_come) {
  Inferred closed, open;
  closed.from({csv("s", 900, [](int i) { return std::string(1, static_cast<char>('a' + i % 3)); })});
  EXPECT_EQ(to_text(closed.rule("s_set")["arguments"]["validValues"]), R"(["a","b","c"])");
  EXPECT_EQ(closed.rule("s_set")["mustBe"], 0);
  EXPECT_EQ(closed.rule("s_set")["severity"], "warning");  // 900 rows are not sure to a thousandth
  open.from({csv(
      "s", 900, [](int i) { return i == 44 ? std::string("rare") : std::string(1, static_cast<char>('a' + i % 3)); })});
  EXPECT_EQ(open.rule("s_set")["unit"], "percent");
  EXPECT_GT(open.rule("s_set")["mustBeLessOrEqualTo"].get<double>(), 0.1);
}

TEST(Infer, texts_that_are_formed_alike_get_a_pattern_and_others_a_length) {
  Inferred t;
  t.from({csv("tail,code,uuid,words", 1000, [](int i) {
    return fmt::format("N{}{},{:03}-{:c}{:c},{:08x}-{:04x},{}", 100 + mixed(i, 900), i % 3 ? "" : "AB", i, 'A' + i % 26,
                       'A' + i / 40 % 26, mixed(i, 1 << 30), mixed(i + 9, 65536),
                       std::string(static_cast<size_t>(3 + mixed(i, 12)), 'x') + std::to_string(i % 2 ? 1 : 22) +
                           (i % 5 ? " of it" : "!"));
  })});
  const auto pattern = [&](const std::string& column) {
    return string_or(t.rule(column + "_pattern").value("arguments", Json::object()), "pattern", "");
  };
  EXPECT_EQ(pattern("tail"), "^(?:N[0-9]{3}|N[0-9]{3}[A-Z]{2})$");
  EXPECT_EQ(pattern("code"), "^[0-9]{3}-[A-Z]{2}$");
  EXPECT_EQ(pattern("uuid"), "^[0-9A-Za-z]{8}-[0-9A-Za-z]{4}$");
}

TEST(Infer, shapes_become_patterns_that_hold_for_them) {
  using infer::pattern_of;
  EXPECT_EQ(pattern_of({{"AA99", 5}}, "A"), "^A[A-Z][0-9]{2}$");
  EXPECT_EQ(pattern_of({{"9.9", 5}, {"99.9", 5}}, ""), "^[0-9]{1,3}\\.[0-9]$");
  EXPECT_EQ(pattern_of({{"aaa", 5}, {"aaaaa", 5}}, ""), "");  // any word
  EXPECT_EQ(pattern_of({{"aé9", 5}}, ""), "");                // letters that shapes do not know
  EXPECT_EQ(pattern_of({{std::string(30, '-') + "9", 1}}, "").substr(0, 2), "^-");
  EXPECT_EQ(pattern_of({{"a9", 1}, {"9a", 1}, {"a-9", 1}, {"9-a", 1}, {"a.9", 1}, {"a_9", 1}, {"a:9", 1}}, ""),
            "");  // too many forms
  EXPECT_TRUE(re2::RE2::FullMatch("(a)9", pattern_of({{"(a)9", 3}}, "(")));
}

TEST(Infer, keys_of_another_dataset_are_found_by_name_or_by_their_values) {
  Inferred t;
  const auto airports =
      testing::write(t.folder, "airports.csv", "faa,name\nEWR,Newark\nJFK,Kennedy\nLGA,Guardia\nBOS,Boston\n");
  const auto planes =
      testing::write(t.folder, "planes.csv", csv("tail", 80, [](int i) { return fmt::format("N{}", i); }));
  t.options.references = {{"airports", {airports}}, {"planes", {planes}}};
  t.from({csv("origin,tail,small", 600, [](int i) {
    const char* all[] = {"EWR", "JFK", "LGA", "BOS"};
    return fmt::format("{},N{},{}", all[i % 4], i % 100, i % 3);
  })});
  EXPECT_EQ(to_text(t.rule("origin_in_airports")["implementation"]["reference"]),
            R"({"columns":["faa"],"dataset":"airports"})");
  EXPECT_EQ(to_text(t.rule("origin_in_airports")["implementation"]["between"]), "[0,0]");
  // A fifth of the planes is not known.
  const auto limit = t.rule("tail_in_planes")["implementation"]["between"][1].get<double>();
  EXPECT_GT(limit, 0.3);
  EXPECT_LT(limit, 0.4);
  EXPECT_EQ(t.rule("small_in_planes"), Json());
}

TEST(Infer, a_history_tells_volume_and_freshness) {
  Inferred t;
  std::vector<std::string> days;
  for (int day = 1; day <= 5; ++day)
    days.push_back(
        csv("at,x", 100 + day, [&](int i) { return fmt::format("2013-01-{:02}T{:02}:00:00,{}", day, i % 24, i); }));
  t.from(days);
  const auto volume = t.rule("volume")["implementation"]["between"];
  EXPECT_LE(volume[0].get<int>(), 97);
  EXPECT_GE(volume[1].get<int>(), 109);
  EXPECT_EQ(to_text(t.rule("freshness")["implementation"]),
            R"({"between":[-24,36],"column":"at","metric":"freshness","unit":"h"})");
  EXPECT_EQ(t.rule("freshness")["severity"], "info");  // five batches are few
}

TEST(Infer, the_contract_is_one_and_holds_for_its_own_rows) {
  const auto rows = csv("id,group,amount,code,at", 2000, [](int i) {
    return fmt::format("{},{},{}.25,K-{:04},2013-02-{:02}", i, i % 4, mixed(i, 900), mixed(i, 9999), i % 28 + 1);
  });
  Inferred t;
  t.from({rows});
  ASSERT_EQ(t.problem, "");
  const auto contract = parse_contract(write_contract(t.document), "inferred.yaml");
  ASSERT_TRUE(contract.ok()) << contract.error().text();
  EXPECT_EQ(to_text(contract->document), to_text(t.document));
  const auto report = t.check(rows);
  ASSERT_TRUE(report.ok()) << report.error().text();
  EXPECT_TRUE(report->passed()) << to_pretty(report->to_json()["alerts"]);
  EXPECT_EQ(report->verdict, "accepted");
  // And says no to rows that are not like them.
  auto broken = rows;
  for (size_t at = broken.find(",K-"), n = 0; at != std::string::npos && n < 100; at = broken.find(",K-", at), ++n)
    broken.replace(at, 3, ",Q_");
  EXPECT_FALSE(t.check(broken)->passed());
}

TEST(Infer, refuses_what_nothing_can_be_learnt_from) {
  Inferred none, differ, name, taken;
  none.from({"a,b\n"});
  EXPECT_NE(none.problem.find("there is no row to infer a contract from"), std::string::npos) << none.problem;
  differ.from({"a,b\n1,2\n", "a,c\n1,2\n"});
  EXPECT_NE(differ.problem.find("the column 'c' is in"), std::string::npos) << differ.problem;
  name.options.name = "no/name";
  name.from({"a\n1\n"});
  EXPECT_NE(name.problem.find("'no/name' is not a contract's name"), std::string::npos) << name.problem;
  taken.from({"millrace_row\n1\n"});
  EXPECT_NE(taken.problem.find("names with 'millrace_'"), std::string::npos) << taken.problem;
}

}  // namespace
}  // namespace millrace::data
