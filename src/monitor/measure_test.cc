// Our numbers against those of numpy, scipy and scikit-learn in reference/reference.json (made by reference/make.py).
#include "monitor/measure.h"

#include <cmath>

#include "monitor/testing.h"

namespace millrace::monitor {
namespace {

using testing::Request;

const Json& expected() {
  static const Json kAll = [] {
    std::string folder = absolute(".");
    const std::string name = "/src/monitor/reference/reference.json";
    while (!exists(folder + name) && folder.size() > 1) folder = parent_of(folder);
    auto text = read_file(folder + name, 1 << 20);
    if (!text) return Json();
    auto parsed = parse_json(*text, "reference.json");
    return parsed ? *parsed : Json();
  }();
  return kAll;
}

const std::vector<std::pair<std::string, bool>> kInputs{{"distance", false}, {"delay", false},  {"hour", false},
                                                        {"night", false},    {"carrier", true}, {"tail", true}};

// Every number of `theirs` within `ours`, to a relative 1e-9; texts and whole numbers exactly.
void expect_same(const Json& ours, const Json& theirs, const std::string& at) {
  if (theirs.is_object()) {
    for (const auto& [key, value] : theirs.items()) expect_same(ours.value(key, Json()), value, at + "." + key);
  } else if (theirs.is_number_float()) {
    ASSERT_TRUE(ours.is_number()) << at << " is " << ours;
    const double value = theirs.get<double>();
    EXPECT_NEAR(ours.get<double>(), value, 1e-9 * std::max(1.0, std::fabs(value))) << at;
  } else {
    EXPECT_EQ(ours, theirs) << at;
  }
}

class Measure : public testing::MonitorTest {
 protected:
  void SetUp() override {
    MonitorTest::SetUp();
    ASSERT_TRUE(expected().is_object()) << "reference.json was not found above the working folder";
    for (const auto& [name, text] : kInputs) input_kinds[name] = text ? Kind::text : Kind::number;
    input_kinds["hour"] = Kind::integer;
    const auto& taught = expected()["taught"];
    std::vector<std::map<std::string, Json>> rows(taught["distance"].size());
    std::vector<std::pair<std::string, Kind>> kinds{{"late", Kind::integer}};
    for (const auto& [name, text] : kInputs) {
      kinds.emplace_back(name, text ? Kind::text : Kind::number);
      for (size_t i = 0; i < rows.size(); ++i) rows[i][name] = taught[name][i];
    }
    facts.taught = artifact("training.parquet", rows, kinds);
    std::vector<std::map<std::string, Json>> scored;
    for (const auto& score : expected()["scored"]) scored.push_back({{"score", score}});
    facts.scored = artifact("scored.parquet", scored, {{"score", Kind::number}});
    facts.threshold = expected()["threshold"].get<double>();
  }

  std::vector<Request> requests(const std::string& arm) {
    const auto& rows = expected()["window"];
    std::vector<Request> out;
    for (size_t i = 0; i < rows["score"].size(); ++i) {
      const bool refused = rows["refused"][i].get<bool>();
      Request request{.id = static_cast<int64_t>(i),
                      .time = testing::at("2013-09-01") + static_cast<Micros>(i) * 3'600'000'000,
                      .score = rows[arm == "shadow" ? "shadow" : "score"][i].get<double>(),
                      .arm = arm,
                      .version = arm == "shadow" ? 2 : 1,
                      .status = refused ? "refused" : "answered",
                      .field = refused ? (i % 2 == 0 ? "delay" : "distance") : "",
                      .rule = refused ? "minimum" : "",
                      .duration = rows["duration"][i].get<int64_t>()};
      for (const auto& [name, text] : kInputs) request.inputs[name] = rows[name][i];
      request.inputs["hour"] = static_cast<int64_t>(rows["hour"][i].get<double>());
      out.push_back(std::move(request));
    }
    return out;
  }
  void label_all() {
    const auto& rows = expected()["window"];
    std::vector<Label> labels;
    for (size_t i = 0; i < rows["label"].size(); ++i)
      if (rows["labelled"][i].get<bool>())
        labels.push_back({testing::prediction_id(static_cast<int64_t>(i)), 0, rows["label"][i].get<int64_t>(),
                          testing::at("2013-09-20")});
    label(labels);
  }
  Window window(const std::string& arm) {
    const auto all = listed({.deployment = "late", .arm = arm});
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? Window{.summary = {{"columns", Json::array()}, {"reference", Json()}}} : all.front();
  }
};

TEST_F(Measure, agrees_with_the_libraries) {
  add_file(requests("stable"));
  label_all();
  ASSERT_EQ(look("2013-10-01"), "1 looks, 2 new");
  const auto summary = window("stable").summary;
  EXPECT_EQ(summary["requests"], 400);
  EXPECT_EQ(summary["refused"], 8);
  EXPECT_EQ(summary["reference"]["problem"], nullptr);
  Json theirs = expected()["performance"];
  const double error = theirs["calibration_error"].get<double>();
  theirs.erase("calibration_error");
  expect_same(summary["performance"], theirs, "performance");
  EXPECT_NEAR(summary["performance"]["calibration_error"]["value"].get<double>(), error, 1e-9);
  EXPECT_EQ(summary["performance"]["threshold"], facts.threshold);
  int64_t binned = 0;
  for (const auto& bin : summary["performance"]["calibration"]) binned += bin["rows"].get<int64_t>();
  EXPECT_EQ(binned, summary["performance"]["auc"]["n"].get<int64_t>());
  expect_same(summary["latency_us"], expected()["latency"], "latency");
  std::string seen;
  for (const auto& column : summary["columns"]) {
    const auto name = column["column"].get<std::string>();
    const bool score = column["role"] == "score";
    expect_same(column, score ? expected()["score"] : expected()["inputs"][name], name);
    seen += name + " " + column["effect_kind"].get<std::string>() + "\n";
  }
  EXPECT_EQ(seen,
            "carrier cramers_v\ndelay cohens_d\ndistance cohens_d\nhour cohens_d\nnight cohens_d\ntail cramers_v\n"
            "score cohens_d\n");
  EXPECT_EQ(summary["refusals"], parse_json(R"([{"count":4,"field":"delay","rule":"minimum"},)"
                                            R"({"count":4,"field":"distance","rule":"minimum"}])",
                                            "")
                                     .value());
}

TEST_F(Measure, a_shadow_is_compared_with_who_answered) {
  add_file(requests("stable"));
  add_file(requests("shadow"));
  facts.threshold = 0.5;
  label_all();
  ASSERT_EQ(look("2013-10-01"), "1 looks, 3 new");
  const auto shadow = window("shadow").summary;
  Json theirs = expected()["difference"];
  // The flips there are between two thresholds; here both arms have the same.
  theirs.erase("flips");
  theirs.erase("flip_rate");
  expect_same(shadow["difference"], theirs, "difference");
  EXPECT_GT(shadow["difference"]["flips"], 0);
  EXPECT_EQ(shadow["labels"], window("stable").summary["labels"]);
  EXPECT_EQ(window("all").summary["requests"], 400) << "a shadow's copies are no requests";
  EXPECT_EQ(window("stable").summary["difference"], nullptr);
}

TEST_F(Measure, the_same_rows_in_other_files_are_the_same_window) {
  auto rows = requests("stable");
  add_file(rows);
  label_all();
  ASSERT_EQ(look("2013-10-01"), "1 looks, 2 new");
  const auto one = to_text(window("stable").summary);
  // Backwards, in four files.
  std::reverse(rows.begin(), rows.end());
  ASSERT_TRUE(remove_tree(folder / "predictions/late"));
  ASSERT_TRUE(make_folders(folder / "predictions/late"));
  for (size_t part = 0; part < 4; ++part)
    add_file({rows.begin() + static_cast<long>(part * 100), rows.begin() + static_cast<long>(part * 100 + 100)});
  for (const char* table : {"monitor_files", "monitor_file_days", "monitor_windows", "monitor_clock"})
    ASSERT_TRUE(execute(fmt::format("DELETE FROM {}", table)));
  ASSERT_EQ(look("2013-10-01"), "1 looks, 2 new");
  EXPECT_EQ(to_text(window("stable").summary), one);
}

TEST_F(Measure, one_class_or_no_probability_leaves_out_what_cannot_be_said) {
  spec.window = Period::day;
  add_file({{.id = 1, .time = testing::at("2013-09-01"), .score = 0.2},
            {.id = 2, .time = testing::at("2013-09-01"), .score = 0.9},
            {.id = 3, .time = testing::at("2013-09-02"), .score = -3},
            {.id = 4, .time = testing::at("2013-09-02"), .score = 12},
            {.id = 5, .time = testing::at("2013-09-03"), .score = std::nullopt}});
  label({{testing::prediction_id(1), 0, 0, 1},
         {testing::prediction_id(2), 0, 0, 1},
         {testing::prediction_id(3), 0, 0, 1},
         {testing::prediction_id(4), 0, 1, 1},
         {testing::prediction_id(5), 0, 1, 1}});
  look("2013-09-04");
  const auto all = listed({.deployment = "late", .arm = "all"});
  ASSERT_EQ(all.size(), 3U);
  const auto& one_class = all[0].summary["performance"];
  EXPECT_EQ(one_class["auc"], nullptr);
  EXPECT_EQ(one_class["recall"], nullptr);
  EXPECT_EQ(one_class["precision"]["value"], 0);
  EXPECT_EQ(one_class["base_rate"]["value"], 0);
  EXPECT_TRUE(one_class["log_loss"].is_object());
  const auto& scores = all[1].summary["performance"];
  EXPECT_EQ(scores["auc"]["value"], 1);
  EXPECT_EQ(scores["brier"], nullptr);
  EXPECT_EQ(scores["calibration_error"], nullptr);
  EXPECT_EQ(scores["mean_score"], nullptr);
  EXPECT_EQ(all[2].summary["performance"], nullptr);
  EXPECT_EQ(all[2].summary["labels"], 1);
}

TEST_F(Measure, what_an_arm_is_not_fed_is_not_its_null) {
  input_kinds = {{"distance", Kind::number}, {"hour", Kind::number}};
  add_file({{.id = 1, .time = testing::at("2013-09-01"), .inputs = {{"distance", 300.0}}},
            {.id = 2, .time = testing::at("2013-09-01"), .inputs = {{"distance", -1.0}}},
            {.id = 3,
             .time = testing::at("2013-09-01"),
             .arm = "canary",
             .version = 2,
             .inputs = {{"distance", 400.0}, {"hour", 7.0}}}});
  look("2013-10-01");
  const auto columns = [&](const std::string& arm) {
    std::string out;
    const auto summary = window(arm).summary;
    for (const auto& column : summary["columns"])
      out += fmt::format("{} {}/{} ", column["column"].get<std::string>(), column["counts"].back().get<int64_t>(),
                         column["n"].get<int64_t>());
    return out;
  };
  EXPECT_EQ(columns("stable"), "distance 1/2 score 0/2 ");
  EXPECT_EQ(columns("canary"), "distance 0/1 hour 0/1 score 0/1 ");
  EXPECT_EQ(columns("all"), "distance 1/3 hour 0/1 score 0/3 ");
}

TEST_F(Measure, an_input_without_a_reference_is_named) {
  input_kinds = {{"distance", Kind::number}, {"weight", Kind::number}};
  add_file({{.id = 1, .time = testing::at("2013-09-01"), .inputs = {{"distance", 300.0}, {"weight", 1.0}}}});
  look("2013-10-01");
  EXPECT_EQ(window("all").summary["reference"]["without"], Json::array({"weight"}));
}

TEST_F(Measure, without_a_reference_all_else_is_measured) {
  facts.taught.reset();
  facts.scored.reset();
  facts.problem = "late@1 does not stand on the stage 'training'";
  add_file({{.id = 1, .time = testing::at("2013-09-01"), .inputs = {{"distance", 300.0}}}});
  ASSERT_EQ(look("2013-10-01"), "1 looks, 2 new");
  const auto summary = window("all").summary;
  EXPECT_TRUE(summary["columns"].empty());
  EXPECT_EQ(summary["reference"]["problem"], facts.problem);
  EXPECT_EQ(summary["requests"], 1);
}

}  // namespace
}  // namespace millrace::monitor
