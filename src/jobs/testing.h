// For tests only: a queue of its own on a store of its own.
#pragma once
#include <gtest/gtest.h>

#include <thread>

#include "jobs/jobs.h"
#include "jobs/table.h"
#include "store/testing.h"

namespace millrace::jobs {

inline constexpr Micros kLong = 60 * kSecond;  // of real time; a wait ends as soon as the job does
inline const Caller kCaller{
    .workspace = "default", .subject = "local:ada", .roles = {"writer"}, .via = "cli", .request_id = "r1"};

class JobsTest : public ::testing::Test {
 protected:
  testing::Store store;
  lineage::Journal journal{*store.database, store.world.context, "main", store.folder / "audit.head"};
  Jobs jobs{*store.database, journal, store.world.context};

  Job submit(const Spec& spec) {
    const auto job = jobs.submit(kCaller, spec);
    EXPECT_TRUE(job) << job.error().text();
    return job ? *job : Job{};
  }
  Job wait(const Job& job) {
    const auto ended = jobs.wait("default", job.id, kLong);
    EXPECT_TRUE(ended) << ended.error().text();
    return ended ? *ended : Job{};
  }
  // Waits on the store, not on time: until the job is in `state`.
  void wait_for_state(const Job& job, const std::string& state) {
    while (jobs.get("default", job.id)->state != state) std::this_thread::yield();
  }
  std::vector<std::string> lines() {
    std::vector<std::string> out;
    const auto events = journal.read_after("default", 0, 1000);
    for (const auto& event : *events) out.push_back(event.kind + " " + event.subject + " " + event.via);
    return out;
  }
};

using Texts = std::vector<std::string>;

}  // namespace millrace::jobs
