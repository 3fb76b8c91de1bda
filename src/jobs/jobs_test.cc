#include "jobs/jobs.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "core/limits.h"
#include "jobs/testing.h"

namespace millrace::jobs {
namespace {

// Lets a test hold works inside until it opens.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++inside_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  void wait_for(int inside) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_ >= inside; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int inside_ = 0;
};

TEST_F(JobsTest, a_job_runs_once_and_leaves_result_log_and_lines) {
  std::atomic<int> runs{0};
  jobs.add("sum", [&](Running& running) -> Result<Json> {
    ++runs;
    running.log("first");
    running.progress(0.5, "half");
    running.log("second");
    EXPECT_EQ(running.caller().subject, "local:ada");
    EXPECT_EQ(running.caller().via, "job");
    EXPECT_TRUE(running.caller().has_role("writer"));
    return Json(running.job().payload.at("a").get<int>() + 1);
  });
  const auto job = submit({.kind = "sum", .payload = {{"a", 1}}});
  EXPECT_EQ(job.state, "waiting");
  ASSERT_TRUE(jobs.start(2));
  const auto ended = wait(job);
  EXPECT_EQ(ended.state, "done");
  EXPECT_EQ(ended.result, Json(2));
  EXPECT_EQ(ended.attempts, 1);
  EXPECT_EQ(ended.progress, (Json{{"share", 0.5}, {"what", "half"}}));
  EXPECT_EQ(runs, 1);
  const auto log = jobs.log_after("default", job.id, 0);
  ASSERT_EQ(log->size(), 2U);
  EXPECT_EQ(log->at(1).text, "second");
  EXPECT_EQ(jobs.log_after("default", job.id, 1)->size(), 1U);
  EXPECT_EQ(lines(), (Texts{"job.submitted local:ada cli", "job.ended local:ada job"}));
}

TEST_F(JobsTest, many_jobs_on_many_workers_each_run_once) {
  std::mutex mutex;
  std::multiset<int> seen;
  jobs.add("mark", [&](Running& running) -> Result<Json> {
    const std::lock_guard lock(mutex);
    seen.insert(running.job().payload.get<int>());
    return Json();
  });
  ASSERT_TRUE(jobs.start(4));
  std::vector<Job> all;
  for (int i = 0; i < 50; ++i) all.push_back(submit({.kind = "mark", .payload = i}));
  for (const auto& job : all) EXPECT_EQ(wait(job).state, "done");
  EXPECT_EQ(seen.size(), 50U);
  EXPECT_EQ(std::set<int>(seen.begin(), seen.end()).size(), 50U);
}

TEST_F(JobsTest, a_key_names_one_job_until_it_has_ended) {
  Gate gate;
  jobs.add("x", [&](Running&) -> Result<Json> {
    gate.pass();
    return Json();
  });
  jobs.add("y", [](Running&) -> Result<Json> { return Json(); });
  const auto waiting = submit({.kind = "x", .key = "k"});
  EXPECT_EQ(submit({.kind = "x", .key = "k", .payload = {{"other", 1}}}).id, waiting.id);
  ASSERT_TRUE(jobs.start(1));
  gate.wait_for(1);
  const auto running = submit({.kind = "x", .key = "k"});
  EXPECT_EQ(running.id, waiting.id);
  EXPECT_EQ(running.state, "running");
  EXPECT_NE(submit({.kind = "x", .key = "k2"}).id, waiting.id);
  EXPECT_NE(submit({.kind = "y", .key = "k"}).id, waiting.id);
  EXPECT_NE(submit({.kind = "x"}).id, submit({.kind = "x"}).id);
  gate.open();
  wait(waiting);
  EXPECT_NE(submit({.kind = "x", .key = "k"}).id, waiting.id);
}

TEST_F(JobsTest, the_same_key_from_many_threads_is_one_job) {
  jobs.add("x", [](Running&) -> Result<Json> { return Json(); });
  std::mutex mutex;
  std::set<std::string> ids;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      const auto job = submit({.kind = "x", .key = "k"});
      const std::lock_guard lock(mutex);
      ids.insert(job.id);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ids.size(), 1U);
  EXPECT_EQ(lines().size(), 1U);
}

TEST_F(JobsTest, tries_again_with_growing_pauses_then_fails) {
  std::atomic<int> runs{0};
  jobs.add("shaky", [&](Running&) -> Result<Json> { return Error{Code::unavailable, fmt::format("try {}", ++runs)}; });
  ASSERT_TRUE(jobs.start(1));
  const auto job = submit({.kind = "shaky", .max_attempts = 3});
  for (const Micros pause : {1 * kSecond, 4 * kSecond}) {
    const auto now = store.world.clock.now();
    while (store.number(
               "SELECT count(*) FROM jobs WHERE state = 'waiting' AND run_after > 0 AND error <> '' AND run_after >= " +
               std::to_string(now + pause)) != 1)
      std::this_thread::yield();
    EXPECT_EQ(store.number("SELECT run_after FROM jobs"), now + pause);
    store.world.clock.advance(pause);
  }
  const auto ended = wait(job);
  EXPECT_EQ(ended.state, "failed");
  EXPECT_EQ(ended.error, "try 3");
  EXPECT_EQ(ended.attempts, 3);
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(lines(), (Texts{"job.submitted local:ada cli", "job.ended local:ada job"}));
}

TEST_F(JobsTest, what_no_other_try_can_change_fails_at_once) {
  jobs.add("wrong", [](Running&) -> Result<Json> { return Error{Code::invalid, "bad"}.hint("do better"); });
  ASSERT_TRUE(jobs.start(1));
  const auto ended = wait(submit({.kind = "wrong", .max_attempts = 3}));
  EXPECT_EQ(ended.state, "failed");
  EXPECT_EQ(ended.error, "bad. Hint: do better");
  EXPECT_EQ(ended.attempts, 1);
}

TEST_F(JobsTest, a_work_that_throws_fails_alone) {
  jobs.add("throws", [](Running&) -> Result<Json> { throw std::runtime_error("oh"); });
  jobs.add("fine", [](Running&) -> Result<Json> { return Json(1); });
  ASSERT_TRUE(jobs.start(1));
  EXPECT_EQ(wait(submit({.kind = "throws"})).error, "the work threw: oh");
  EXPECT_EQ(wait(submit({.kind = "fine"})).state, "done");
}

TEST_F(JobsTest, a_later_job_waits_for_its_time) {
  jobs.add("x", [](Running&) -> Result<Json> { return Json(); });
  ASSERT_TRUE(jobs.start(1));
  const auto later = submit({.kind = "x", .run_after = store.world.clock.now() + kSecond});
  EXPECT_EQ(wait(submit({.kind = "x"})).state, "done");
  EXPECT_EQ(jobs.get("default", later.id)->state, "waiting");
  store.world.clock.advance(kSecond);
  EXPECT_EQ(wait(later).state, "done");
}

TEST_F(JobsTest, cancelling_ends_a_waiting_job_at_once_and_asks_a_running_one) {
  Gate started;
  started.open();
  jobs.add("long", [&](Running& running) -> Result<Json> {
    started.pass();
    while (!running.cancelled()) std::this_thread::yield();
    return Error{Code::timeout, "asked to end"};
  });
  const auto first = submit({.kind = "long"});
  ASSERT_TRUE(jobs.start(1));
  started.wait_for(1);
  const auto second = submit({.kind = "long"});
  ASSERT_TRUE(jobs.cancel(kCaller, second.id));
  EXPECT_EQ(wait(second).state, "cancelled");
  ASSERT_TRUE(jobs.cancel(kCaller, first.id));
  EXPECT_EQ(wait(first).state, "cancelled");
  EXPECT_TRUE(jobs.cancel(kCaller, first.id));
  EXPECT_EQ(lines(), (Texts{"job.submitted local:ada cli", "job.submitted local:ada cli", "job.cancelled local:ada cli",
                            "job.cancel_asked local:ada cli", "job.ended local:ada job"}));
  EXPECT_EQ(jobs.cancel(kCaller, "none").error().code(), Code::not_found);
}

TEST_F(JobsTest, an_ended_job_cannot_be_cancelled) {
  jobs.add("x", [](Running&) -> Result<Json> { return Json(); });
  ASSERT_TRUE(jobs.start(1));
  const auto job = wait(submit({.kind = "x"}));
  EXPECT_EQ(jobs.cancel(kCaller, job.id).error().code(), Code::conflict);
}

TEST_F(JobsTest, stopping_gives_running_jobs_back_without_counting_the_attempt) {
  Gate started;
  started.open();
  jobs.add("long", [&](Running& running) -> Result<Json> {
    started.pass();
    while (!running.cancelled()) std::this_thread::yield();
    return Error{Code::timeout, "asked to end"};
  });
  const auto job = submit({.kind = "long"});
  ASSERT_TRUE(jobs.start(1));
  started.wait_for(1);
  jobs.stop();
  EXPECT_EQ(jobs.get("default", job.id)->state, "waiting");
  EXPECT_EQ(jobs.get("default", job.id)->attempts, 0);
  Jobs next(*store.database, journal, store.world.context);
  next.add("long", [](Running&) -> Result<Json> { return Json(); });
  ASSERT_TRUE(next.start(1));
  EXPECT_EQ(next.wait("default", job.id, kLong)->state, "done");
}

TEST_F(JobsTest, a_beat_keeps_the_lease_and_a_lost_one_stops_the_work) {
  Gate started;
  started.open();
  std::atomic<bool> cancelled{false};
  jobs.add("long", [&](Running& running) -> Result<Json> {
    started.pass();
    while (!running.cancelled()) std::this_thread::yield();
    cancelled = true;
    running.log("too late");
    return Json(1);
  });
  const auto job = submit({.kind = "long"});
  ASSERT_TRUE(jobs.start(1));
  started.wait_for(1);
  store.world.clock.advance(kLease / 2);
  const auto kept = store.world.clock.now() + kLease;
  while (store.number("SELECT lease_until FROM jobs") != kept) std::this_thread::yield();
  ASSERT_TRUE(store.execute("UPDATE jobs SET lease_owner = 'thief'"));
  store.world.clock.advance(kLease / 2);
  while (!cancelled) std::this_thread::yield();
  jobs.stop();
  EXPECT_EQ(jobs.get("default", job.id)->state, "running");  // the thief's
  EXPECT_TRUE(jobs.log_after("default", job.id, 0)->empty());
}

TEST_F(JobsTest, the_log_is_bounded_and_says_so) {
  const std::string mebibyte(1 << 20, 'x');
  jobs.add("loud", [&](Running& running) -> Result<Json> {
    for (int i = 0; i < 6; ++i) running.log(mebibyte);
    return Json();
  });
  ASSERT_TRUE(jobs.start(1));
  const auto job = wait(submit({.kind = "loud"}));
  const auto log = jobs.log_after("default", job.id, 0);
  ASSERT_EQ(log->size(), 4U);
  EXPECT_EQ(log->back().text, "(the log is full at 4194304 bytes: later lines are not kept)");
}

TEST_F(JobsTest, the_queue_is_bounded) {
  jobs.add("x", [](Running&) -> Result<Json> { return Json(); });
  ASSERT_TRUE(store.execute(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO jobs SELECT 'default', "
      "'id' || i, 'x', "
      "'', 'waiting', 'null', 'null', '', 0, 1, 0, '', 0, 0, 'null', 0, 0, 'local:ada', '[]', 0, 0 FROM n",
      {static_cast<int64_t>(limits::jobs_waiting) - 1}));
  EXPECT_TRUE(jobs.submit(kCaller, {.kind = "x"}));
  const auto refused = jobs.submit(kCaller, {.kind = "x"});
  EXPECT_EQ(refused.error().code(), Code::unavailable);
  EXPECT_EQ(refused.error().text(), "10000 jobs are waiting already. Hint: try again when some have ended");
}

TEST_F(JobsTest, wrong_requests_are_errors_with_a_way_out) {
  jobs.add("pipeline.run", [](Running&) -> Result<Json> { return Json(); });
  EXPECT_EQ(jobs.submit(kCaller, {.kind = "pipline.run"}).error().text(),
            "field kind: there is no kind of job 'pipline.run'. Hint: did you mean 'pipeline.run'?");
  EXPECT_EQ(jobs.submit(kCaller, {.kind = "pipeline.run", .max_attempts = 4}).error().hint(), "give 1 to 3");
  EXPECT_EQ(jobs.submit(kCaller, {.kind = "pipeline.run", .max_attempts = 0}).error().code(), Code::invalid);
  EXPECT_EQ(jobs.get("default", "none").error().code(), Code::not_found);
  EXPECT_EQ(jobs.log_after("default", "none", 0).error().code(), Code::not_found);
  EXPECT_EQ(jobs.wait("default", "none", kLong).error().code(), Code::not_found);
  EXPECT_EQ(jobs.start(0).error().code(), Code::invalid);
  const auto job = submit({.kind = "pipeline.run"});
  EXPECT_EQ(jobs.get("other", job.id).error().code(), Code::not_found);
  EXPECT_EQ(jobs.wait("default", job.id, 0)->state, "waiting");
}

TEST_F(JobsTest, every_end_is_told_before_those_who_wait_go_on) {
  std::mutex mutex;
  std::vector<std::string> told;
  jobs.on_end([&](const std::string& workspace, const Job& job) {
    const std::lock_guard lock(mutex);
    told.push_back(workspace + " " + job.kind + " " + job.state);
  });
  jobs.add("good", [](Running&) -> Result<Json> { return Json("made"); });
  jobs.add("bad", [](Running&) -> Result<Json> { return Error{Code::invalid, "no"}; });
  const auto waiting = submit({.kind = "good", .run_after = store.world.clock.now() + kSecond});
  ASSERT_TRUE(jobs.cancel(kCaller, waiting.id));
  ASSERT_TRUE(jobs.start(1));
  wait(submit({.kind = "good"}));
  wait(submit({.kind = "bad"}));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(told, (Texts{"default good cancelled", "default good done", "default bad failed"}));
}

TEST_F(JobsTest, a_key_finds_its_newest_job_in_any_state) {
  jobs.add("good", [](Running&) -> Result<Json> { return Json("made"); });
  EXPECT_FALSE(jobs.find("default", "good", "k")->has_value());
  ASSERT_TRUE(jobs.start(1));
  const auto first = wait(submit({.kind = "good", .key = "k"}));
  EXPECT_EQ((*jobs.find("default", "good", "k"))->id, first.id);
  store.world.clock.advance(kSecond);
  const auto second = wait(submit({.kind = "good", .key = "k"}));
  EXPECT_EQ((*jobs.find("default", "good", "k"))->id, second.id);
  EXPECT_FALSE(jobs.find("default", "bad", "k")->has_value());
  EXPECT_FALSE(jobs.find("other", "good", "k")->has_value());
}

TEST_F(JobsTest, the_list_is_newest_first_and_bounded) {
  jobs.add("x", [](Running&) -> Result<Json> { return Json(); });
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(submit({.kind = "x"}).id);
    store.world.clock.advance(1'000);
  }
  const auto list = jobs.list("default", 2);
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ(list->at(0).id, ids[2]);
  EXPECT_EQ(list->at(1).id, ids[1]);
  EXPECT_TRUE(jobs.list("default", -1)->empty());
}

// Two processes that write under one name, each with connections of its own.
TEST_F(JobsTest, two_processes_run_each_job_once) {
  constexpr int kCount = 40;
  const auto their_database = store.reopen();
  lineage::Journal their_journal(*their_database, store.world.context, "main", "");
  Jobs theirs(*their_database, their_journal, store.world.context);
  std::mutex mutex;
  std::map<std::string, int> ran;
  for (auto* each : {&jobs, &theirs})
    each->add("x", [&](Running& running) -> Result<Json> {
      const std::lock_guard lock(mutex);
      ++ran[running.job().id];
      return Json();
    });
  std::vector<Job> all;
  for (int i = 0; i < kCount; ++i) all.push_back(submit({.kind = "x"}));
  ASSERT_TRUE(jobs.start(2));
  ASSERT_TRUE(theirs.start(2));
  for (const auto& job : all) EXPECT_EQ(wait(job).state, "done");
  theirs.stop();
  EXPECT_EQ(ran.size(), static_cast<size_t>(kCount));
  for (const auto& [id, times] : ran) EXPECT_EQ(times, 1) << id;
}

}  // namespace
}  // namespace millrace::jobs
