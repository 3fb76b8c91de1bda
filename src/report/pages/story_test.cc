#include "report/pages/story.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace millrace::report {
namespace {

Json alert() {
  return {{"id", "alert-1"},
          {"deployment", "late"},
          {"kind", "drift"},
          {"subject", "temp"},
          {"arm", "all"},
          {"version", 0},
          {"severity", "page"},
          {"from", "2013-10-01T00:00:00Z"},
          {"to", "2013-11-01T00:00:00Z"},
          {"value", 2.1},
          {"limit", 1.0},
          {"what", "PSI of 'temp' is 2.1, over 1"},
          {"evidence",
           {{"n", 9000},
            {"column",
             {{"column", "temp"},
              {"mean", 14.2},
              {"reference_mean", 57.6},
              {"psi", 2.1},
              {"null_rate", 0.01},
              {"reference_null_rate", 0.01}}}}},
          {"events", {{{"kind", "fired"}, {"body", {{"window", "prediction_window:late/all@2013-10-01"}}}}}},
          {"trace", nullptr},
          {"action", nullptr}};
}

Json trace() {
  const Json first{{"node", "dataset:weather@9"},
                   {"kind", "data"},
                   {"dataset", "weather"},
                   {"version", 9},
                   {"columns", {"temp"}},
                   {"change", "unit"},
                   {"score", 0.93},
                   {"path", {"weather.temp", "requests_10.temp", "temp"}},
                   {"evidence", {{{"kind", "conversion"}, {"text", "temp is (x - 32) / 1.8 of what it was"}}}}};
  Json second = first;
  second["node"] = "dataset:flights@10";
  second["score"] = 0.2;
  return {{"verdict", "cause"},
          {"summary", "temp of dataset:weather@9 came in another unit (score 0.93)."},
          {"cause", {{"node", "dataset:weather@9"}, {"columns", {"temp"}}, {"change", "unit"}}},
          {"candidates", {first, second}},
          {"examined", Json::array()},
          {"movement", Json::array()}};
}

std::string told(const Json& story) {
  std::string out;
  for (const auto& step : story["steps"])
    out += fmt::format("{}: {}\n", step["kind"].get<std::string>(), step["text"].get<std::string>());
  return out;
}

TEST(Story, goes_from_the_window_to_the_source) {
  StoryFacts facts{.alert = alert()};
  facts.alert["trace"] = trace();
  facts.alert["action"] = {{"kind", "review"}, {"reason", ""}};
  facts.versions.push_back({{"node", "dataset:weather@9"},
                            {"dataset", "weather"},
                            {"version", 9},
                            {"rows", 2226},
                            {"quarantined", 4},
                            {"verdict", "quarantined"},
                            {"from", "2013-10-01T00:00:00Z"},
                            {"to", "2013-11-01T00:00:00Z"},
                            {"recorded_at", "2013-11-01T06:00:00Z"}});
  facts.source_nodes.push_back(
      {{"id", "source:weather@aa"}, {"attributes", {{"files", {{{"name", "weather-2013-10.csv"}, {"digest", "d"}}}}}}});
  const auto story = tell_story(facts);
  EXPECT_EQ(story["title"], "drift of temp");
  EXPECT_EQ(story["verdict"], "cause");
  EXPECT_EQ(
      told(story),
      "window: In Oct 2013, all requests of 'late' broke a rule: PSI of 'temp' is 2.1, over 1.\n"
      "feature: Feature 'temp': its mean is 14.2, the model was taught 57.6; its distance from what was taught (PSI) "
      "is 2.10.\n"
      "column: temp of dataset:weather@9 came in another unit. temp is (x - 32) / 1.8 of what it was. It reaches "
      "drift of temp by weather.temp to requests_10.temp to temp.\n"
      "dataset: dataset:weather@9 holds 2,226 rows of Oct 2013, was quarantined by its contract with 4 rows set "
      "aside, and came in on 1 Nov 2013 06:00 UTC.\n"
      "source: It came as weather-2013-10.csv.\n"
      "verdict: temp of dataset:weather@9 came in another unit (score 0.93). 1 more candidate was weighed; the "
      "strongest of them, temp of dataset:flights@10, reached 0.20 against 0.93. A review was opened.\n");
  EXPECT_EQ(story["steps"][0]["node"], "prediction_window:late/all@2013-10-01");
  EXPECT_EQ(story["steps"][2]["evidence"]["change"], "unit");
}

TEST(Story, without_a_cause_says_so) {
  StoryFacts facts{.alert = alert()};
  auto natural = trace();
  natural["verdict"] = "natural_drift";
  natural["cause"] = nullptr;
  natural["summary"] = "nothing upstream broke in 2013-10-01 to 2013-11-01; temp moved";
  facts.alert["trace"] = natural;
  const auto story = tell_story(facts);
  EXPECT_EQ(story["steps"].size(), 3U);
  EXPECT_EQ(story["steps"][2]["title"], "natural drift: nothing broke");
  EXPECT_EQ(story["steps"][2]["text"], "nothing upstream broke in 2013-10-01 to 2013-11-01; temp moved.");
}

TEST(Story, of_an_alert_that_nobody_traced_asks_for_it) {
  StoryFacts facts{.alert = alert()};
  facts.alert["evidence"] = Json::object();
  const auto story = tell_story(facts);
  ASSERT_EQ(story["steps"].size(), 2U);
  EXPECT_EQ(story["verdict"], nullptr);
  EXPECT_EQ(story["steps"][1]["title"], "nobody has looked for the cause yet");
}

TEST(Story, of_a_change_of_code_names_it) {
  StoryFacts facts{.alert = alert()};
  auto changed = trace();
  changed["cause"] = {{"node", "stage:requests_10@ab"}, {"columns", Json::array()}, {"change", "code"}};
  changed["candidates"] = {
      {{"node", "stage:requests_10@ab"},
       {"kind", "code"},
       {"change", "sql/features.sql"},
       {"score", 0.7},
       {"columns", Json::array()},
       {"evidence", {{{"kind", "code"}, {"text", "sql/features.sql is another file than in September"}}}}}};
  facts.alert["trace"] = changed;
  const auto story = tell_story(facts);
  EXPECT_EQ(story["steps"][2]["kind"], "code");
  EXPECT_EQ(story["steps"][2]["text"], "sql/features.sql is another file than in September.");
}

}  // namespace
}  // namespace millrace::report
