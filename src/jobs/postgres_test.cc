// Jobs of processes that share a store and have files of their own. Needs MILLRACE_TEST_POSTGRES; run-tests gives it.
#include "jobs/testing.h"

namespace millrace::jobs {
namespace {

class PostgresJobs : public ::testing::Test {
 protected:
  struct Process {
    std::unique_ptr<store::Database> database;
    lineage::Journal journal;
    Jobs jobs;
    Process(const std::string& place, Context& context, const std::string& writer)
        : database(std::move(*store::open_database(place, context, writer))),
          journal(*database, context, writer, ""),
          jobs(*database, journal, context) {
      jobs.add("x", [writer](Running&) -> Result<Json> { return Json(writer); });
    }
  };
  testing::Store store;
  Process here{store.place, store.world.context, "here"}, there{store.place, store.world.context, "there"};
};

TEST_F(PostgresJobs, are_run_where_their_files_are) {
  ASSERT_TRUE(testing::on_postgres()) << "MILLRACE_TEST_POSTGRES gives no database";
  const auto mine = here.jobs.submit(kCaller, {.kind = "x", .key = "k"});
  const auto theirs = there.jobs.submit(kCaller, {.kind = "x", .key = "k"});
  ASSERT_TRUE(mine && theirs);
  EXPECT_NE(mine->id, theirs->id);
  EXPECT_EQ(theirs->kind, "x");
  ASSERT_TRUE(there.jobs.start(2));
  EXPECT_EQ(there.jobs.wait("default", theirs->id, kLong)->result, Json("there"));
  EXPECT_EQ((*there.jobs.find("default", "x", "k"))->id, theirs->id);
  EXPECT_EQ(here.jobs.get("default", mine->id)->state, "waiting");
  ASSERT_TRUE(here.jobs.start(1));
  EXPECT_EQ(here.jobs.wait("default", mine->id, kLong)->result, Json("here"));
  EXPECT_EQ(there.jobs.list("default", 10)->size(), 2U);
}

TEST_F(PostgresJobs, keep_their_leases_when_another_process_starts) {
  ASSERT_TRUE(testing::on_postgres()) << "MILLRACE_TEST_POSTGRES gives no database";
  const auto mine = here.jobs.submit(kCaller, {.kind = "x"});
  ASSERT_TRUE(mine);
  const auto take = [&](const Process& process, const std::string& kind) {
    std::optional<Record> taken;
    const auto now = store.world.context.now();
    EXPECT_TRUE(process.database->write([&](store::Session& session) -> Result<void> {
      MILLRACE_TRY(taken, take_job(session, {.kinds = {kind}, .owner = "o", .now = now, .held = {}}));
      return {};
    }));
    return taken.has_value();
  };
  ASSERT_TRUE(take(here, "x@here"));
  ASSERT_TRUE(there.jobs.free_leases());
  EXPECT_FALSE(take(here, "x@here"));
  ASSERT_TRUE(here.jobs.free_leases());  // it has one attempt only
  EXPECT_EQ(store.number("SELECT count(*) FROM jobs WHERE lease_until = 0"), 1);
}

}  // namespace
}  // namespace millrace::jobs
