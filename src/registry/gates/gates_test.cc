#include "data/testing.h"
#include "registry/gates/gate_kind.h"
#include "registry/testing.h"

namespace millrace::registry {
namespace {

using data::DatasetVersion;

DatasetVersion version(int64_t number, const std::string& verdict, int64_t rows, int64_t quarantined) {
  DatasetVersion out;
  out.dataset = "flights";
  out.version = number;
  out.verdict = verdict;
  out.rows = rows;
  out.quarantined = quarantined;
  return out;
}

// Gates over rows that a SELECT makes; the score's threshold is 0.5 unless taken away.
class Gates : public ::testing::Test {
 protected:
  testing::Folder folder;
  std::unique_ptr<engine::Engines> engines = *engine::load_duckdb(library_folder() + "/libduckdb.so");
  std::vector<DatasetVersion> data;
  Json card = Json::object();
  std::optional<double> threshold = 0.5;
  std::function<Result<std::vector<Json>>(int64_t days)> replay;

  ScoredRows scored(const std::string& select) {
    testing::write_rows(*engines, folder / "rows.parquet", select);
    auto opened =
        ScoredRows::open(*engines, {.name = "rows.parquet", .path = folder / "rows.parquet", .label = "late"});
    EXPECT_TRUE(opened) << opened.error().text();
    return std::move(*opened);
  }
  GateOutcome evaluate(const std::string& kind, const std::string& parameters,
                       const std::string& select = "SELECT 0.5::FLOAT AS score, 1 AS late") {
    const auto rows = scored(select);
    const auto yaml = *parse_yaml(parameters, "gate.yaml");
    const auto* found = find_gate_kind(kind);
    const auto read = read_gate_parameters(*found, &yaml, yaml);
    EXPECT_TRUE(read) << read.error().text();
    auto outcome =
        found->evaluate(*read, {.data = data, .scored = rows, .card = card, .threshold = threshold, .replay = replay});
    EXPECT_TRUE(outcome) << outcome.error().text();
    EXPECT_FALSE(outcome->reason.empty());
    return std::move(*outcome);
  }
  const std::string ranked =
      "SELECT i / 100.0::FLOAT AS score, CASE WHEN i >= 60 THEN 1 ELSE 0 END AS late FROM range(100) r(i)";
};

TEST_F(Gates, every_kind_has_a_descriptor_that_people_can_read) {
  for (const auto& kind : gate_kinds()) {
    EXPECT_FALSE(kind.summary.empty());
    for (const auto& parameter : kind.parameters) EXPECT_FALSE(parameter.summary.empty()) << kind.name;
    EXPECT_NE(describe_gates().find(std::string(kind.name)), std::string::npos);
  }
  const auto page = read_file(data::testing::source_root() + "/docs/gates.md", 1 << 20);
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(*page, describe_gates()) << "docs/gates.md is out of date";
}

TEST_F(Gates, rows_that_cannot_be_used_fail_with_the_reason) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"SELECT 0.1::FLOAT AS score, 1 AS late WHERE false",
       "rows.parquet has no rows; score held-out rows and evaluate again"},
      {"SELECT 0.1::FLOAT AS score, 1 AS lat",
       "rows.parquet has no column 'late'; let the stage that makes it write the label and the score of every held-out "
       "row"},
      {"SELECT 1 AS late",
       "rows.parquet has no column 'score'; let the stage that makes it write the label and the score of every "
       "held-out row"},
      {"SELECT 1 AS score, 1 AS late",
       "the column 'score' of rows.parquet is INTEGER and not a floating-point number; write it as float32 or float64"},
      {"SELECT unnest([0.1::DOUBLE, NULL, 'NaN'::DOUBLE, 1.5, -0.1, 'inf'::DOUBLE]) AS score, 1 AS late",
       "5 of 6 rows of rows.parquet have a 'score' that is not from 0 to 1; write the probability of the positive "
       "class"},
      {"SELECT 0.1::FLOAT AS score, unnest([0, 1, NULL, 2]) AS late",
       "2 of 4 rows of rows.parquet have a 'late' that is not 0 or 1; leave them out or label them"}};
  for (const auto& [select, reason] : cases)
    for (const auto& [kind, parameters] :
         {std::pair{"auc", "{min: 0}"}, {"calibration", "{max: 1}"}, {"group_recall", "{by: late, min: 0, rows: 1}"}}) {
      const auto outcome = evaluate(kind, parameters, select);
      EXPECT_FALSE(outcome.ok);
      EXPECT_EQ(outcome.reason, reason) << kind;
    }
}

TEST_F(Gates, auc_holds_its_lower_end_against_the_floor) {
  const auto good = evaluate("auc", "{min: 0.9}", ranked);
  EXPECT_TRUE(good.ok) << good.reason;
  EXPECT_EQ(good.value["value"], 1.0);
  EXPECT_LT(good.value["low"].get<double>(), 1.0);
  EXPECT_EQ(good.value["n"], 100);
  // The value is above the floor and its interval is not: few rows cannot show it.
  const auto few = evaluate("auc", "{min: 0.9}",
                            "SELECT unnest([0.1, 0.2, 0.8, 0.9])::FLOAT AS score, unnest([0, 0, 1, 1]) AS late");
  EXPECT_FALSE(few.ok);
  EXPECT_NE(few.reason.find("more held-out rows would narrow the interval"), std::string::npos) << few.reason;
  const auto chance = evaluate("auc", "{min: 0.9}", "SELECT 0.5::FLOAT AS score, i % 2 AS late FROM range(50) r(i)");
  EXPECT_FALSE(chance.ok);
  EXPECT_EQ(chance.value["value"], 0.5);
}

TEST_F(Gates, auc_of_one_class_fails_and_says_which) {
  const auto outcome = evaluate("auc", "{min: 0}", "SELECT i / 10.0::FLOAT AS score, 0 AS late FROM range(10) r(i)");
  EXPECT_FALSE(outcome.ok);
  EXPECT_EQ(outcome.reason, "AUC compares two classes, and all 10 held-out rows are negative; hold out rows of both");
}

TEST_F(Gates, labels_may_be_booleans) {
  EXPECT_TRUE(
      evaluate("auc", "{min: 0.5}", "SELECT i / 100.0::FLOAT AS score, i >= 60 AS late FROM range(100) r(i)").ok);
}

TEST_F(Gates, calibration_compares_bins_with_what_came) {
  const std::string honest =
      "SELECT 0.25::DOUBLE AS score, CASE WHEN i % 4 = 0 THEN 1 ELSE 0 END AS late FROM range(400) r(i)";
  EXPECT_TRUE(evaluate("calibration", "{max: 0.001}", honest).ok);
  const auto boastful =
      evaluate("calibration", "{max: 0.1}",
               "SELECT 0.75::DOUBLE AS score, CASE WHEN i % 4 = 0 THEN 1 ELSE 0 END AS late FROM range(400) r(i)");
  EXPECT_FALSE(boastful.ok);
  EXPECT_DOUBLE_EQ(boastful.value["value"].get<double>(), 0.5);
  EXPECT_EQ(boastful.evidence["bins"][0]["rows"], 400);
  EXPECT_TRUE(evaluate("calibration", "{max: 1}").ok) << "one row of one class has an error too";
}

// EWR finds 3 of 4, JFK 1 of 4; LGA has too few rows.
const std::string kGroups =
    "SELECT unnest(['EWR','EWR','EWR','EWR','JFK','JFK','JFK','JFK','LGA',NULL]) AS origin, 1 AS late, "
    "unnest([0.9,0.9,0.9,0.1,0.9,0.1,0.1,0.1,0.0,0.9])::FLOAT AS score";

TEST_F(Gates, group_recall_names_the_worst_group) {
  const auto outcome = evaluate("group_recall", "{by: [origin], min: 0.5, rows: 4}", kGroups);
  EXPECT_FALSE(outcome.ok);
  EXPECT_EQ(outcome.value["value"], 0.25);
  EXPECT_EQ(outcome.value["group"], "origin JFK");
  EXPECT_TRUE(evaluate("group_recall", "{by: [origin], min: 0.25, rows: 4}", kGroups).ok);
  const auto& table = outcome.evidence["groups"]["origin"];
  ASSERT_EQ(table.size(), 4U);
  EXPECT_EQ(table[0]["group"], "(none)");
  EXPECT_EQ(table[3]["judged"], false);
}

TEST_F(Gates, group_recall_needs_groups_a_column_and_a_threshold) {
  EXPECT_EQ(evaluate("group_recall", "{by: [origin], min: 0, rows: 5}", kGroups).reason,
            "no value of 'origin' has 5 held-out rows and a positive among them, so no group can be judged; hold out "
            "more rows, or lower 'rows'");
  EXPECT_EQ(evaluate("group_recall", "{by: [carrier], min: 0, rows: 1}", kGroups).reason,
            "the scored rows have no column 'carrier'; let the stage that scores write it");
  EXPECT_FALSE(evaluate("group_recall", "{by: [late], min: 0, rows: 1}", "SELECT 0.1::FLOAT AS score, 0 AS late").ok)
      << "no positive, nothing to find";
  threshold.reset();
  const auto unknown = evaluate("group_recall", "{by: [origin], min: 0, rows: 1}", kGroups);
  EXPECT_FALSE(unknown.ok);
  EXPECT_NE(unknown.reason.find("write 'threshold' into its report"), std::string::npos);
}

TEST_F(Gates, a_score_equal_to_the_threshold_counts_in_its_own_precision) {
  threshold = 0.1;  // as a double it lies below 0.1 as a float, and 0.7 above
  EXPECT_EQ(
      evaluate("group_recall", "{by: [late], min: 0, rows: 1}", "SELECT 0.1::FLOAT AS score, 1 AS late").value["value"],
      1.0);
  threshold = 0.7;
  EXPECT_EQ(
      evaluate("group_recall", "{by: [late], min: 0, rows: 1}", "SELECT 0.7::FLOAT AS score, 1 AS late").value["value"],
      1.0);
}

TEST_F(Gates, names_with_quotes_are_names) {
  EXPECT_TRUE(evaluate("group_recall", "{by: ['o`r\"i''gin; --'], min: 0, rows: 1}",
                       "SELECT 'x' AS \"o`r\"\"i'gin; --\", 1 AS late, 0.9::FLOAT AS score")
                  .ok);
}

TEST_F(Gates, contract_held_names_every_offender) {
  EXPECT_FALSE(evaluate("contract_held", "{}").ok) << "no data is no proof";
  data = {version(1, "accepted", 100, 0), version(2, "quarantined", 1000, 10)};
  EXPECT_TRUE(evaluate("contract_held", "{}").ok);
  data.push_back(version(3, "quarantined", 1000, 11));
  data.push_back(version(4, "rejected", 10, 0));
  const auto outcome = evaluate("contract_held", "{}");
  EXPECT_FALSE(outcome.ok);
  EXPECT_EQ(outcome.reason,
            "dataset:flights@3 has 11 of 1000 rows in quarantine (0.011); dataset:flights@4 was rejected, and 0.01 is "
            "allowed; repair the source and train again, or raise max_quarantined with a reason");
  EXPECT_EQ(outcome.evidence.size(), 4U);
  EXPECT_FALSE(evaluate("contract_held", "{max_quarantined: 1}").ok) << "a rejected version is never fine";
}

TEST_F(Gates, card_complete_takes_no_empty_words) {
  card = {{"intended_use", "warn"}, {"limitations", " - "}, {"owner", "ada"}};
  EXPECT_EQ(evaluate("card_complete", "{}").reason,
            "the card says nothing of limitations, ethical; write it below 'card' of the model in millrace.yaml");
  card["limitations"] = "few rows";
  card["ethical"] = "no persons";
  EXPECT_TRUE(evaluate("card_complete", "{}").ok);
}

TEST_F(Gates, the_same_rows_give_the_same_evidence_in_any_order) {
  const auto one = evaluate(
      "calibration", "{max: 1}",
      "SELECT ((i * 7919 % 1000) / 1000.0)::DOUBLE AS score, i % 3 // 2 AS late FROM range(5000) r(i) ORDER BY i");
  const auto two = evaluate("calibration", "{max: 1}",
                            "SELECT ((i * 7919 % 1000) / 1000.0)::DOUBLE AS score, i % 3 // 2 AS late FROM range(5000) "
                            "r(i) ORDER BY hash(i)");
  EXPECT_EQ(to_text(one.evidence), to_text(two.evidence));
  EXPECT_EQ(to_text(one.value), to_text(two.value));
}

TEST_F(Gates, a_file_that_is_no_parquet_is_an_error) {
  ASSERT_TRUE(write_file(folder / "bad.parquet", "PAR1 not really"));
  const auto opened =
      ScoredRows::open(*engines, {.name = "bad.parquet", .path = folder / "bad.parquet", .label = "late"});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Code::invalid);
}

Json replayed(const char* deployment, int64_t rows, int64_t flips, double mean, int64_t refused = 0) {
  return {{"deployment", deployment},
          {"rows", rows},
          {"flips", flips},
          {"mean_abs", mean},
          {"replay", {{"replayed", rows}, {"refused", refused}, {"failed", 0}}}};
}

TEST_F(Gates, replay_judges_each_deployment_of_the_last_days) {
  std::vector<Json> reports{replayed("late", 1'000, 10, 0.01), replayed("later", 500, 2, 0.02)};
  int64_t asked = 0;
  replay = [&](int64_t days) -> Result<std::vector<Json>> { return asked = days, reports; };
  const auto good = evaluate("replay", "{max_flips: 0.02, max_mean: 0.05, period: 7}");
  EXPECT_TRUE(good.ok) << good.reason;
  EXPECT_EQ(asked, 7);
  EXPECT_EQ(good.value["value"], 0.01);
  EXPECT_EQ(good.value["n"], 1'000);
  EXPECT_EQ(good.value["group"], "late") << "the one with most flips";
  EXPECT_EQ(good.evidence.size(), 2U);
  const auto refused = [&](const std::string& parameters) {
    const auto outcome = evaluate("replay", parameters);
    EXPECT_FALSE(outcome.ok) << parameters;
    return outcome.reason.substr(0, outcome.reason.find(';'));
  };
  EXPECT_EQ(
      refused("{max_flips: 0.005}"),
      "0.0100 (0.0054 to 0.0183) of 1000 rows of 'late' would be decided otherwise, and at most 0.005 is allowed");
  EXPECT_EQ(refused("{max_flips: 1, max_mean: 0.015}"),
            "the scores of 'later' would differ by 0.02 in the mean, and at most 0.015 is allowed");
  EXPECT_EQ(refused("{max_flips: 1, rows: 600}"), "only 500 rows of 'later' could be compared, and 600 are asked for");
  reports[1] = replayed("later", 500, 0, 0, 20);
  EXPECT_EQ(refused("{max_flips: 1}"),
            "20 of 520 rows of 'later' would have no answer: its contract refuses them, or it fails on them");
}

TEST_F(Gates, replay_passes_without_traffic_and_says_what_cannot_be_replayed) {
  EXPECT_FALSE(evaluate("replay", "{max_flips: 0}").ok) << "where nothing can be replayed";
  replay = [](int64_t) -> Result<std::vector<Json>> { return std::vector<Json>{}; };
  const auto none = evaluate("replay", "{max_flips: 0}");
  EXPECT_TRUE(none.ok);
  EXPECT_NE(none.reason.find("nothing that could be replayed"), std::string::npos);
  replay = [](int64_t) -> Result<std::vector<Json>> { return Error{Code::rejected, "it answered none"}; };
  EXPECT_EQ(evaluate("replay", "{max_flips: 0}").reason, "it answered none");
}

}  // namespace
}  // namespace millrace::registry
