#include "pipeline/testing.h"

namespace millrace::pipeline {
namespace {

class Verified : public testing::PipelineTest {
 protected:
  jobs::Job verify(const std::string& stage) { return run({{"stages", {stage}}, {"verify", true}}); }
};

TEST_F(Verified, the_same_bytes_come_again_from_the_recorded_inputs) {
  write("a.sh", "echo first > x\n");
  stages("    a: {cmd: sh a.sh, deps: [a.sh], outs: [x]}\n");
  run();
  write("a.sh", "echo second > x\n");  // what is repeated is what was recorded
  const auto job = verify("a");
  ASSERT_EQ(job.state, "done") << job.error;
  EXPECT_EQ(job.result["ok"], true);
  EXPECT_EQ(job.result["reports"][0]["outs"][0]["same"], true);
  EXPECT_EQ(lines().back(), "stage.verified");
  EXPECT_EQ(content("a", "x"), "first\n");
  EXPECT_EQ(files_in_work(), 0U);
}

TEST_F(Verified, a_difference_is_reported_with_its_place) {
  stages("    a: {cmd: \"sh -c 'printf 12345678 > x; head -c 32 /dev/urandom >> x; echo same > y'\", outs: [x, y]}\n");
  run();
  const auto before = (*services->pipelines.latest("default", "a"))->to_json();
  const auto job = verify("a");
  ASSERT_EQ(job.state, "done") << job.error;
  EXPECT_EQ(job.result["ok"], false);
  const auto& outs = job.result["reports"][0]["outs"];
  EXPECT_EQ(outs[0]["same"], false);
  EXPECT_GE(outs[0]["first_difference"], 8);
  EXPECT_EQ(outs[0]["recorded_size"], 40);
  EXPECT_EQ(outs[1]["same"], true);
  EXPECT_NE(job.result["text"].get<std::string>().find("x: differs from byte"), std::string::npos);
  EXPECT_EQ(lines().back(), "stage.differs");
  EXPECT_EQ((*services->pipelines.latest("default", "a"))->to_json(), before);
}

TEST_F(Verified, a_longer_out_differs_where_the_shorter_ends) {
  stages(
      "    a: {cmd: \"sh -c 'printf same > x; test -z $MLFLOW_RUN_ID || ls $HOME/.. | grep -q home; date +%N%N%N | "
      "head -c $((1 + $(od -An -N1 -tu1 /dev/urandom) % 9)) >> x'\", outs: [x]}\n");
  run();
  EXPECT_EQ(verify("a").state, "done");
}

TEST_F(Verified, needs_a_record) {
  stages("    a: {cmd: touch x, outs: [x]}\n");
  EXPECT_NE(verify("a").error.find("has never run"), std::string::npos);
}

TEST_F(Verified, its_run_is_marked) {
  stages("    a: {cmd: touch x, outs: [x]}\n");
  run();
  verify("a");
  const auto runs = services->tracking.search_runs(
      caller, {.experiment_ids = {services->tracking.get_experiment_by_name(caller, "tried")->id},
               .filter = "tags.`millrace.verify` = 'true'"});
  ASSERT_TRUE(runs) << runs.error().text();
  ASSERT_EQ(runs->items.size(), 1U);
  EXPECT_NE(runs->items[0].info.id, (*services->pipelines.latest("default", "a"))->run_id);
}

TEST_F(Verified, a_damaged_store_is_no_difference) {
  stages("    a: {cmd: \"sh -c 'echo x > x'\", outs: [x]}\n");
  run();
  const auto path = *services->pipelines.out_path(**services->pipelines.latest("default", "a"), "x");
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  ASSERT_TRUE(write_file(path, "y\n"));
  EXPECT_NE(verify("a").error.find("not those that were stored"), std::string::npos);
}

}  // namespace
}  // namespace millrace::pipeline
