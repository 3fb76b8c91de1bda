// A process that takes a job and is killed inside it.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "jobs/testing.h"

namespace millrace::jobs {
namespace {

constexpr const char* kStoreFile = "MILLRACE_ORPHAN_STORE";

// Not a test by itself: Orphan starts this program again with only this one, and kills it inside the work.
TEST(OrphanChild, works_until_killed) {
  const char* file = std::getenv(kStoreFile);
  if (file == nullptr) return;
  testing::World world;
  auto database = store::open_database(file, world.context);
  ASSERT_TRUE(database);
  lineage::Journal journal(**database, world.context, "main", "");
  Jobs owner(**database, journal, world.context);
  owner.add("x", [&](Running&) -> Result<Json> {
    if (::write(STDERR_FILENO, "x", 1) != 1) ::_exit(3);
    while (true) ::pause();
  });
  ASSERT_TRUE(owner.start(1));
  while (true) ::pause();
}

class Orphan : public JobsTest {
 protected:
  Job leave_orphan(int max_attempts) {
    jobs.add("x", [](Running&) -> Result<Json> { return Json("second owner"); });
    const auto job = submit({.kind = "x", .max_attempts = max_attempts});
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
    ::setenv(kStoreFile, store.place.c_str(), 1);
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::dup2(ends[1], STDERR_FILENO);
      ::execl(self.c_str(), self.c_str(), "--gtest_filter=OrphanChild.*", nullptr);
      ::_exit(9);
    }
    ::unsetenv(kStoreFile);
    ::close(ends[1]);
    char byte = 0;
    EXPECT_EQ(::read(ends[0], &byte, 1), 1);
    ::close(ends[0]);
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    EXPECT_EQ(jobs.get("default", job.id)->state, "running");
    return job;
  }
};

TEST_F(Orphan, is_taken_over_after_its_lease_and_not_before) {
  const auto job = leave_orphan(2);
  ASSERT_TRUE(jobs.start(1));
  EXPECT_EQ(wait(submit({.kind = "x"})).state, "done");
  EXPECT_EQ(jobs.get("default", job.id)->state, "running");
  store.world.clock.advance(kLease + 1);
  const auto ended = wait(job);
  EXPECT_EQ(ended.state, "done");
  EXPECT_EQ(ended.result, Json("second owner"));
  EXPECT_EQ(ended.attempts, 2);
}

TEST_F(Orphan, is_taken_at_once_by_an_owner_that_knows_itself_to_be_alone) {
  const auto job = leave_orphan(2);
  ASSERT_TRUE(jobs.free_leases());
  ASSERT_TRUE(jobs.start(1));
  const auto ended = wait(job);
  EXPECT_EQ(ended.state, "done");
  EXPECT_EQ(ended.attempts, 2);
}

TEST_F(Orphan, out_of_attempts_fails_with_a_reason) {
  const auto job = leave_orphan(1);
  ASSERT_TRUE(jobs.start(1));
  store.world.clock.advance(kLease + 1);
  const auto ended = wait(job);
  EXPECT_EQ(ended.state, "failed");
  EXPECT_EQ(ended.error, "its owner ended without a word in attempt 1 of 1");
  EXPECT_EQ(lines().back(), "job.ended local:ada job");
}

TEST_F(Orphan, that_was_cancelled_is_not_run_again) {
  const auto job = leave_orphan(3);
  ASSERT_TRUE(jobs.cancel(kCaller, job.id));
  ASSERT_TRUE(jobs.start(1));
  store.world.clock.advance(kLease + 1);
  EXPECT_EQ(wait(job).state, "cancelled");
}

}  // namespace
}  // namespace millrace::jobs
