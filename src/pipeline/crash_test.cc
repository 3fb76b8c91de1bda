// Ends the process in the middle of a run, as kill -9 would, at each named point; the next process finds nothing
// half-visible and runs again.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "pipeline/testing.h"

namespace millrace::pipeline {
namespace {

constexpr const char* kProject = "MILLRACE_TEST_PROJECT";
constexpr const char* kState = "MILLRACE_TEST_STATE";

class PipelineCrash : public testing::PipelineTest {
 protected:
  void SetUp() override {}  // another process uses the state first

  // Starts this program again with only the test below, to die at `fault`.
  void run_and_die(const std::string& fault) {
    services.reset();
    const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
    const pid_t child = ::fork();
    if (child == 0) {
      ::setenv(kProject, project.path().c_str(), 1);
      ::setenv(kState, state.path().c_str(), 1);
      ::setenv("MILLRACE_FAULT", fault.c_str(), 1);
      ::execl(self.c_str(), self.c_str(), "--gtest_filter=PipelineCrashChild.runs", "--gtest_brief=1", nullptr);
      ::_exit(9);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << fault << " was not reached";
  }
};

TEST_F(PipelineCrash, leaves_nothing_half_visible_and_runs_again) {
  for (const std::string fault : {"pipeline.run.after_start", "pipeline.run.after_command", "store.blob.before_rename",
                                  "pipeline.run.before_record"}) {
    // Each time another parameter, so that no earlier record answers.
    stages("    a: {cmd: \"sh -c 'cat $MILLRACE_PARAMS > x; echo more > y'\", outs: [x, y], params: {fault: " + fault +
           "}}\n");
    run_and_die(fault);
    restart();
    const auto record = services->pipelines.latest("default", "a");
    ASSERT_TRUE(record);
    EXPECT_TRUE(!*record || (*record)->components["params"]["fault"] != fault) << fault;
    ASSERT_TRUE(services->pipelines.recover());
    EXPECT_EQ(files_in_work(), 0U) << fault;
    EXPECT_EQ(lines().back(), "stage.failed") << fault;
    EXPECT_EQ(actions(run()), "a ran") << fault;
    EXPECT_EQ(content("a", "x"), "{\"fault\":\"" + fault + "\"}\n");
    const auto runs = services->tracking.search_runs(
        caller, {.experiment_ids = {services->tracking.get_experiment_by_name(caller, "tried")->id},
                 .filter = "attributes.status = 'RUNNING'"});
    ASSERT_TRUE(runs) << runs.error().text();
    EXPECT_TRUE(runs->items.empty()) << fault;
  }
}

TEST_F(PipelineCrash, what_was_recorded_before_the_crash_stays) {
  stages("    a: {cmd: touch x, outs: [x]}\n");
  run_and_die("pipeline.run.after_record");
  restart();
  EXPECT_EQ(actions(run()), "a cached");
  const auto verdict = services->journal.verify();
  EXPECT_TRUE(verdict && verdict->intact);
}

// Not a test by itself: run_and_die() starts this program again with only this one.
TEST(PipelineCrashChild, runs) {
  const char* project = std::getenv(kProject);
  const char* state = std::getenv(kState);
  if (project == nullptr || state == nullptr) return;
  testing::World world;
  testing::PipelineState services(state, world.context);
  services.jobs.add("pipeline.run", [&](jobs::Running& running) -> Result<Json> {
    MILLRACE_TRY(const auto loaded, load_project(project));
    MILLRACE_TRY(const auto pipeline, read_pipeline(loaded));
    return services.pipelines.work(running, pipeline, {.tracking_uri = "http://127.0.0.1:1"});
  });
  ASSERT_TRUE(services.jobs.start(1));
  const auto job = services.jobs.submit(
      {.workspace = "default", .subject = "local:ada", .roles = {"writer"}, .via = "cli"}, {.kind = "pipeline.run"});
  ASSERT_TRUE(job);
  (void)services.jobs.wait("default", job->id, 120'000'000);
}

}  // namespace
}  // namespace millrace::pipeline
