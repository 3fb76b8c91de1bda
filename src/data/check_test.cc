#include "data/check.h"

#include <set>

#include <fmt/format.h>

#include "core/hash.h"
#include "data/checks/check_kind.h"
#include "data/testing.h"

namespace millrace::data {
namespace {

// Writes the result of a query as Parquet and answers the path.
std::string parquet(const millrace::testing::Folder& folder, const std::string& query) {
  auto session = testing::engines().open({.writable = {folder.path()}});
  const auto path = folder / "rows.parquet";
  const auto done = (*session)->execute(fmt::format("COPY ({}) TO '{}' (FORMAT parquet)", query, path));
  EXPECT_TRUE(done.ok()) << (done.ok() ? "" : done.error().text());
  return path;
}

TEST(CheckBatch, parquet_types_that_hold_the_contracts_type_are_read) {
  testing::Trial trial;
  const auto path =
      parquet(trial.folder,
              "SELECT CAST(2 AS SMALLINT) AS i, CAST(3 AS DOUBLE) AS whole, CAST(1.25 AS DECIMAL(5, 2)) AS n, DATE "
              "'2013-01-01' AS d, "
              "TIMESTAMPTZ '2013-01-01 05:00:00+02' AS t, '7' AS text UNION ALL SELECT 3, 2.5, 2.5, NULL, NULL, 'x'");
  const auto report = trial.run_file(
      "properties: [{name: i, logicalType: integer}, {name: whole, logicalType: integer}, {name: n, logicalType: "
      "number}, "
      "{name: d, logicalType: timestamp}, {name: t, logicalType: timestamp}, {name: text, logicalType: integer}]",
      path);
  ASSERT_TRUE(report.ok()) << report.error().text();
  EXPECT_EQ(testing::find_rule(*report, "whole.type")->failing, 1);
  EXPECT_EQ(testing::find_rule(*report, "text.type")->failing, 1);
  EXPECT_EQ(testing::find_rule(*report, "i.type")->failing, 0);
  EXPECT_EQ(report->accepted, 1);
  EXPECT_EQ(report->to_json()["profile"]["columns"]["t"]["minimum"], "2013-01-01T03:00:00.000000Z");
}

TEST(CheckBatch, a_parquet_type_that_cannot_hold_it_rejects_the_batch) {
  testing::Trial trial;
  const auto report = trial.run_file("properties: [{name: i, logicalType: integer}]",
                                     parquet(trial.folder, "SELECT DATE '2013-01-01' AS i"));
  ASSERT_TRUE(report.ok()) << report.error().text();
  EXPECT_EQ(report->verdict, "rejected");
  EXPECT_FALSE(testing::find_rule(*report, "schema.type")->ok);
}

TEST(CheckBatch, truncated_and_damaged_parquet_is_corrupt) {
  testing::Trial trial;
  const auto path = parquet(trial.folder, "SELECT range AS i FROM range(50000)");
  const auto bytes = *read_file(path, 1 << 24);
  for (const size_t keep : {size_t{5}, size_t{100}, bytes.size() / 2, bytes.size() - 1}) {
    const auto report = trial.run_file("properties: [{name: i, logicalType: integer}]",
                                       testing::write(trial.folder, "cut.parquet", bytes.substr(0, keep)));
    ASSERT_FALSE(report.ok()) << keep;
    EXPECT_EQ(report.error().code(), Code::corrupt) << report.error().text();
    EXPECT_EQ(report.error().where().file, "cut.parquet");
  }
  auto damaged = bytes;
  for (size_t i = damaged.size() - 40; i < damaged.size() - 8; ++i) damaged[i] = '\xff';
  EXPECT_EQ(trial
                .run_file("properties: [{name: i, logicalType: integer}]",
                          testing::write(trial.folder, "bad.parquet", damaged))
                .error()
                .code(),
            Code::corrupt);
}

TEST(CheckBatch, missing_files_and_folders_are_told_apart) {
  testing::Trial trial;
  EXPECT_EQ(trial.run_file("properties: [{name: i}]", trial.folder / "none.csv").error().code(), Code::not_found);
  EXPECT_EQ(trial.run_file("properties: [{name: i}]", trial.folder.path()).error().code(), Code::invalid);
}

TEST(CheckBatch, the_accepted_and_the_quarantined_rows_are_the_same_bytes_each_time) {
  std::string csv = "id,v,s\n";
  for (int i = 0; i < 30'000; ++i)
    csv += fmt::format("{},{},{}\n", i % 29'000, i % 100 == 7 ? "x" : std::to_string(i * 0.25),
                       i % 13 == 0 ? "" : "k" + std::to_string(i % 50));
  const std::string object =
      "properties: [{name: id, logicalType: integer, unique: true}, {name: v, logicalType: number}, {name: s, "
      "logicalType: string}]";
  std::set<std::string> accepted, quarantined;
  for (int run = 0; run < 3; ++run) {
    testing::Trial trial{.write_rows = true};
    const auto report = trial.run(object, csv);
    ASSERT_TRUE(report.ok()) << report.error().text();
    EXPECT_EQ(report->rows, 30'000);
    EXPECT_EQ(report->accepted + report->quarantined, 30'000);
    accepted.insert(*digest_of_file(report->accepted_file));
    quarantined.insert(*digest_of_file(report->quarantine_file));
    EXPECT_FALSE(exists(report->accepted_file + ".part"));
  }
  EXPECT_EQ(accepted.size(), 1u);
  EXPECT_EQ(quarantined.size(), 1u);
}

TEST(CheckBatch, repeated_keys_are_counted_exactly_few_or_many) {
  // Each of the first `again` keys stands three times; the key's hash alone says only that it may.
  for (const int again : {0, 1, 5'000, 40'000}) {
    std::string csv = "a,b\n,1\n,1\n";  // with a part missing a key is none
    for (int i = 0; i < 50'000; ++i)
      for (int times = i < again ? 3 : 1; times > 0; --times) csv += fmt::format("{},{}.5\n", i / 2, i % 2);
    testing::Trial trial;
    const auto report = trial.run(
        "properties: [{name: a, logicalType: integer}, {name: b, logicalType: number}]\nquality: [{id: key, type: "
        "custom, engine: millrace, implementation: {metric: unique, columns: [a, b]}}]",
        csv);
    ASSERT_TRUE(report.ok()) << report.error().text();
    EXPECT_EQ(testing::find_rule(*report, "key")->failing, 2 * again);
  }
}

TEST(CheckBatch, a_profile_counts_exactly_and_keeps_its_edges) {
  testing::Trial trial;
  const std::string object =
      "properties: [{name: a, logicalType: number}, {name: m, logicalType: integer, logicalTypeOptions: {minimum: 1, "
      "maximum: 12}}, {name: s, logicalType: string}]";
  const auto report = trial.run(object, "a,m,s\n0,1,x\n10,12,x\n5,6,y\nnan,,\ninf,3,z\nbad,4,x\n");
  ASSERT_TRUE(report.ok()) << report.error().text();
  const auto profile = report->profile.to_json();
  const auto& a = profile["columns"]["a"];
  EXPECT_EQ(a["count"], 5);
  EXPECT_EQ(a["wrong_type"], 1);
  EXPECT_EQ(a["nan"], 1);
  EXPECT_EQ(a["infinite"], 1);
  EXPECT_EQ(a["sum"], 15.0);
  EXPECT_EQ(a["maximum"], 10.0);
  EXPECT_EQ(a["histogram"]["edges"].size(), 21u);
  EXPECT_EQ(a["histogram"]["counts"], Json::parse("[1,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,1,1]"));
  EXPECT_EQ(profile["columns"]["m"]["histogram"]["counts"], Json::parse("[0,1,0,1,1,0,1,0,0,0,0,0,1,0]"));
  EXPECT_EQ(to_text(profile["columns"]["s"]["top"][0]), R"({"count":3,"value":"x"})");
}

TEST(CheckBatch, alerts_come_by_suspicion) {
  testing::Trial trial;
  const auto report = trial.run(
      "properties: [{name: a, logicalType: integer}, {name: b, logicalType: integer, required: true}]\nquality: [{id: "
      "rows, metric: rowCount, mustBe: 9, severity: error}]",
      "a,b\n1,\nx,\n2,\n3,4\n");
  const auto json = report->to_json();
  ASSERT_EQ(json["alerts"].size(), 3u);
  EXPECT_EQ(json["alerts"][0]["rule"], "rows");
  EXPECT_EQ(json["alerts"][1]["rule"], "b.required");
  EXPECT_EQ(json["alerts"][2]["column"], "a");
  EXPECT_TRUE(json["alerts"][0]["slice"].is_null());
}

TEST(CheckKinds, the_reference_is_made_from_the_descriptors) {
  const auto text = describe_checks();
  for (const auto& kind : check_kinds()) EXPECT_NE(text.find(fmt::format("## {}", kind.name)), std::string::npos);
  const auto file = read_file(testing::source_root() + "/docs/checks.md", 1 << 20);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(*file, text) << "docs/checks.md is out of date";
}

TEST(Contract, the_digest_does_not_see_layout) {
  const auto one = parse_contract(testing::contract_text("properties: [{name: a, logicalType: string}]"), "c");
  const auto two =
      parse_contract(testing::contract_text("# a note\nproperties:\n  - logicalType: string\n    name: a"), "c");
  const auto three = parse_contract(testing::contract_text("properties: [{name: b, logicalType: string}]"), "c");
  EXPECT_EQ(one->digest, two->digest);
  EXPECT_NE(one->digest, three->digest);
}

TEST(Contract, those_of_the_example_are_read) {
  for (const auto* name : {"flights", "weather", "planes", "airports", "airlines", "late_request"}) {
    const auto contract =
        load_contract(fmt::format("{}/examples/flights/contracts/{}.odcs.yaml", testing::source_root(), name));
    EXPECT_TRUE(contract.ok()) << contract.error().text();
  }
}

}  // namespace
}  // namespace millrace::data
