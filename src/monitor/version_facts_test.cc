#include "monitor/version_facts.h"

#include "registry/testing.h"

namespace millrace::monitor {
namespace {

class VersionFactsTest : public testing::RegistryTest {
 protected:
  MonitorSpec spec{.deployment = "late", .reference_stage = "train", .reference_file = "model.onnx"};

  VersionFacts facts(int64_t version) {
    return shown(facts_from_registry(*services->database, services->pipelines)("default", spec, "late", version));
  }
};

TEST_F(VersionFactsTest, a_version_keeps_the_files_that_it_stood_on) {
  ready(1);
  ready(2);
  const auto first = facts(1), second = facts(2);
  EXPECT_EQ(first.taught->digest, models->get("default", "late", 1)->digests.model);
  EXPECT_EQ(second.taught->digest, models->get("default", "late", 2)->digests.model);
  EXPECT_NE(first.taught->digest, second.taught->digest);
  EXPECT_EQ(first.taught->node, "artifact:train/model.onnx@" + first.taught->digest.substr(7, 12));
  EXPECT_TRUE(first.scored->node.starts_with("artifact:evaluate/scored.parquet@"));
  EXPECT_EQ(first.problem, "");
}

TEST_F(VersionFactsTest, the_threshold_is_that_of_the_release_or_of_the_held_out_rows) {
  write("held.json", R"({"threshold": 0.31})");
  ready(1);
  EXPECT_EQ(facts(1).threshold, 0.31);
  ASSERT_TRUE(released(1));
  ASSERT_TRUE(services->database->write([](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto done, session.execute("UPDATE releases SET snapshot = replace(snapshot, '0.31', '0.37')"));
    (void)done;
    return {};
  }));
  EXPECT_EQ(facts(1).threshold, 0.37);
  ASSERT_TRUE(services->database->write([](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto done, session.execute("UPDATE releases SET snapshot = replace(replace(snapshot, "
                                                  "'\"canary\":', '\"former\":'), '\"stable\":', '\"canary\":')"));
    (void)done;
    return {};
  }));
  EXPECT_EQ(facts(1).threshold, 0.37) << "whichever arm it is";
}

TEST_F(VersionFactsTest, what_is_not_there_is_a_problem_and_no_error) {
  ready(1);
  spec.reference_stage = "evaluate";
  EXPECT_EQ(facts(1).problem, "model:late@1 does not stand on the stage 'evaluate'");
  EXPECT_FALSE(facts(1).taught);
  EXPECT_TRUE(facts(1).scored);
  spec.reference_stage = "train";
  spec.reference_file = "rows.parquet";
  EXPECT_EQ(facts(1).problem, "the record of the stage 'train' that model:late@1 stands on has no out 'rows.parquet'");
  spec.reference_stage = "";
  EXPECT_EQ(facts(1).problem, "");
  EXPECT_EQ(facts(7).problem, "model:late@7 is in no registry");
  EXPECT_EQ(facts(7).threshold, 0.5);
}

}  // namespace
}  // namespace millrace::monitor
