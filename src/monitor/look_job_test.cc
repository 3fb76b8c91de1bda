#include "monitor/look_job.h"

#include <mutex>
#include <thread>

#include "monitor/gauges.h"
#include "monitor/testing.h"

namespace millrace::monitor {
namespace {

using testing::at;

class LookJobTest : public testing::MonitorTest {
 protected:
  testing::Folder project;
  std::unique_ptr<jobs::Jobs> jobs;
  std::unique_ptr<LookJob> looks;
  const std::thread::id mine = std::this_thread::get_id();
  std::mutex held;  // who has it holds the jobs

  void SetUp() override {
    MonitorTest::SetUp();
    ASSERT_TRUE(
        write_file(project / "millrace.yaml",
                   "millrace: 1\nproject: flights\ndeployments:\n  late: {model: late}\n  early: {model: late}\n"
                   "monitors:\n  late: {window: month}\n"));
    jobs = std::make_unique<jobs::Jobs>(*state->database, state->journal, world.context);
    looks = std::make_unique<LookJob>(LookJob::Parts{state->windows, *jobs, world.context, [this] {
                                                       if (std::this_thread::get_id() != mine)
                                                         const std::lock_guard wait(held);
                                                       return load_project(project.path());
                                                     }});
    jobs->add(std::string(kLookKind), [this](jobs::Running& running) { return looks->work(running); });
    ASSERT_TRUE(jobs->start(1));
    std::vector<testing::Request> rows;
    for (int i = 0; i < 90; ++i)
      rows.push_back({.id = i, .time = at("2013-01-01") + i * Micros{86'400'000'000}, .score = 0.5 + 0.001 * i});
    add_file(rows);
  }
  void TearDown() override {
    jobs->stop();
    looks.reset();
  }
  std::string ended(const jobs::Job& job) {
    const auto done = jobs->wait("default", job.id, 60'000'000);
    return !done ? done.error().text() : done->state == "done" ? to_text(done->result) : done->error;
  }
  std::string asked(const LookRequest& request) {
    const auto job = looks->ask(caller, request);
    return job ? ended(*job) : job.error().text();
  }
};

TEST_F(LookJobTest, an_event_clock_says_how_far_to_look) {
  EXPECT_EQ(asked({.deployment = "late", .to = at("2013-02-01"), .event_clock = true}),
            R"({"looks":1,"revisions":2,"to":"2013-02-01T00:00:00.000000Z"})");
  EXPECT_EQ(asked({.deployment = "late"}), R"({"looks":0,"revisions":0,"to":"2013-02-01T00:00:00.000000Z"})");
  EXPECT_EQ(asked({.deployment = "late", .to = at("2013-03-01")}),
            "field to: 2013-03-01T00:00:00.000000Z has not come: it is 2013-02-01T00:00:00.000000Z. Hint: send clock: "
            "event when event time has come that far");
}

TEST_F(LookJobTest, without_an_event_clock_it_looks_up_to_now) {
  EXPECT_EQ(asked({.deployment = "late"}), R"({"looks":3,"revisions":6,"to":")" + to_iso(world.clock.now()) + "\"}");
}

TEST_F(LookJobTest, who_asks_while_one_runs_is_served_by_it) {
  std::string second;
  const auto hook = state->windows.on_look;
  state->windows.on_look = [&](const Caller& by, const MonitorSpec& of, const std::vector<Window>& seen,
                               Micros when) -> Result<void> {
    if (second.empty()) {
      const auto job = looks->ask(caller, {.deployment = "late", .to = at("2013-04-01"), .event_clock = true});
      EXPECT_TRUE(job) << job.error().text();
      second = job ? job->id : "none";
    }
    return hook(by, of, seen, when);
  };
  const auto first = looks->ask(caller, {.deployment = "late", .to = at("2013-02-01"), .event_clock = true});
  ASSERT_TRUE(first) << first.error().text();
  EXPECT_EQ(ended(*first), R"({"looks":3,"revisions":6,"to":"2013-04-01T00:00:00.000000Z"})");
  EXPECT_EQ(second, first->id);
  EXPECT_EQ(told.size(), 3U);
}

TEST_F(LookJobTest, who_asked_before_event_time_came_looks_no_farther_than_it) {
  std::unique_lock hold(held);
  const auto hourly = looks->ask(caller, {.deployment = "late"});
  ASSERT_TRUE(hourly) << hourly.error().text();
  const auto replay = looks->ask(caller, {.deployment = "late", .to = at("2013-02-01"), .event_clock = true});
  ASSERT_TRUE(replay) << replay.error().text();
  EXPECT_EQ(replay->id, hourly->id);
  hold.unlock();
  EXPECT_EQ(ended(*replay), R"({"looks":1,"revisions":2,"to":"2013-02-01T00:00:00.000000Z"})");
}

TEST_F(LookJobTest, only_what_the_project_watches_is_looked_at) {
  EXPECT_EQ(asked({.deployment = "early"}),
            "the project does not watch the deployment 'early'. Hint: add it to millrace.yaml: monitors: {early: "
            "{window: month}}");
  EXPECT_NE(asked({.deployment = "lat"}).find("did you mean 'late'?"), std::string::npos);
  EXPECT_EQ(asked({.deployment = "late", .event_clock = true}),
            "field to: the event clock goes to a time. Hint: send how far event time has come");
}

TEST_F(LookJobTest, hours_ask_for_deployments_in_wall_clock_time_alone) {
  looks->ask_all(caller, {"early"});
  EXPECT_TRUE(jobs->list("default", 10)->empty());
  looks->ask_all(caller, {"late", "early"});
  const auto asked_for = *jobs->list("default", 10);
  ASSERT_EQ(asked_for.size(), 1U);
  ended(asked_for[0]);
  ASSERT_TRUE(state->windows.advance(caller, "late", at("2013-02-01")));
  looks->ask_all(caller, {"late"});
  EXPECT_EQ(jobs->list("default", 10)->size(), 1U);
}

TEST_F(LookJobTest, prometheus_sees_the_newest_complete_window) {
  EXPECT_EQ(*gauges_text(*state->database, "default"), "");
  label({{testing::prediction_id(32), 0, 1, at("2013-02-05")}, {testing::prediction_id(33), 0, 0, at("2013-02-05")}});
  facts.scored = artifact("scored.parquet", {{{"score", 0.1}}, {{"score", 0.9}}}, {{"score", Kind::number}});
  asked({.deployment = "late", .to = at("2013-03-10"), .event_clock = true});
  const auto text = *gauges_text(*state->database, "default");
  const std::string labels = R"({deployment="late",arm="stable",model="late",version="1",)";
  EXPECT_NE(text.find("# TYPE millrace_drift_score gauge\nmillrace_drift_score" + labels +
                      R"(column="score",method="psi"} )"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("millrace_performance" + labels + R"(metric="auc",bound="point"} 0)"), std::string::npos) << text;
  EXPECT_EQ(text.find("arm=\"all\""), std::string::npos);
}

}  // namespace
}  // namespace millrace::monitor
