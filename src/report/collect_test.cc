#include "report/collect.h"

#include <gtest/gtest.h>

#include "registry/testing.h"
#include "report/render.h"
#include "report/words.h"

namespace millrace::report {
namespace {

class CollectTest : public testing::RegistryTest {
 protected:
  Sources sources() {
    return {.context = world.context,
            .datasets = services->datasets,
            .pipelines = services->pipelines,
            .registry = *models,
            .journal = services->journal};
  }
  Json collected(const Sources& from, const Project* project) {
    auto found = collect(from, "default", project);
    EXPECT_TRUE(found) << found.error().text();
    return found ? *found : Json();
  }
};

TEST_F(CollectTest, of_a_new_state_has_every_part_and_renders) {
  const auto facts = collected(sources(), nullptr);
  for (const char* part : {"datasets", "runs", "models", "deployments", "audit", "notes"})
    EXPECT_TRUE(facts.contains(part)) << part;
  EXPECT_TRUE(facts.at("project").is_null());
  EXPECT_EQ(facts.at("audit").at("intact"), true);
  EXPECT_NE(render(facts).find("No data has arrived yet."), std::string::npos);
}

TEST_F(CollectTest, follows_a_version_from_its_data_to_its_release) {
  add_planes("tailnum,seats\nN1,100\nN2,0\n");
  const auto version = registered();
  evaluated(version.version);
  ASSERT_TRUE(approved(bob, version.version));
  ASSERT_TRUE(released(version.version));
  const auto project = loaded();
  const auto facts = collected(sources(), &project);
  EXPECT_EQ(facts.at("project").at("name"), project.name);
  ASSERT_EQ(facts.at("datasets").size(), 1U);
  EXPECT_EQ(facts.at("runs").size(), 2U);
  ASSERT_EQ(facts.at("models").size(), 1U);
  EXPECT_EQ(facts.at("models").at(0).at("approvals").at(0).at("subject"), "bob");
  ASSERT_EQ(facts.at("deployments").size(), 1U);
  EXPECT_EQ(facts.at("deployments").at(0).at("releases").size(), 1U);
  EXPECT_TRUE(facts.at("deployments").at(0).at("impact").is_null());
  const auto page = render(facts);
  EXPECT_NE(page.find("it is better"), std::string::npos) << "the reason of the release";
}

TEST_F(CollectTest, says_why_a_batch_was_not_taken_whole) {
  add_planes("tailnum,seats\nN1,100\nN2,0\n");
  const auto facts = collected(sources(), nullptr);
  const auto& version = facts.at("datasets").at(0);
  ASSERT_NE(version.at("verdict"), "accepted");
  ASSERT_FALSE(version.at("reasons").empty());
  EXPECT_EQ(version.at("reasons").at(0).at("column"), "seats");
  EXPECT_FALSE(string_or(version.at("reasons").at(0), "text", "").empty());
}

TEST_F(CollectTest, takes_what_others_hand_in_and_keeps_the_newest_periods) {
  auto from = sources();
  from.served = [] { return std::vector<std::string>{"late", "other"}; };
  from.event_now = [](const std::string&, const std::string&) { return *parse_time("2014-01-01"); };
  from.windows = [](const std::string&, const std::string& deployment) -> Result<Json> {
    Json out = Json::array();
    for (int i = 0; deployment == "late" && i < 30; ++i)
      for (const char* arm : {"all", "stable"})
        out.push_back({{"arm", arm},
                       {"from", to_iso(1'400'000'000'000'000 + i * 604'800'000'000)},
                       {"summary", {{"columns", {1}}}}});
    return out;
  };
  const auto facts = collected(from, nullptr);
  ASSERT_EQ(facts.at("deployments").size(), 2U);
  const auto& late = facts.at("deployments").at(0);
  EXPECT_EQ(late.at("windows").size(), 2 * kPeriods);
  EXPECT_FALSE(late.at("windows").at(1).at("summary").contains("columns")) << "only those of all arms are looked at";
  EXPECT_EQ(late.at("event_now"), "2014-01-01T00:00:00.000000Z");
  ASSERT_EQ(facts.at("notes").size(), 1U);
  EXPECT_EQ(facts.at("notes").at(0), "Of 30 periods the newest 24 are here.");
}

TEST_F(CollectTest, hands_on_the_errors_of_others) {
  auto from = sources();
  from.served = [] { return std::vector<std::string>{"late"}; };
  from.alerts = [](const std::string&, const std::string&) -> Result<Json> {
    return Error{Code::corrupt, "a row is damaged"};
  };
  const auto found = collect(from, "default", nullptr);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), Code::corrupt);
}

}  // namespace
}  // namespace millrace::report
