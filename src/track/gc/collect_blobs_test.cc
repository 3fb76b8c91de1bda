#include "track/gc/collect_blobs.h"

#include <gtest/gtest.h>

#include <set>

#include <fmt/format.h>

#include "core/files.h"
#include "core/limits/transfer_limits.h"
#include "track/gc/blob_references.h"
#include "track/testing.h"

namespace millrace::track {
namespace {

constexpr Micros kDay = 24LL * 3'600 * 1'000'000;

class CollectBlobsTest : public ::testing::Test {
 protected:
  testing::Tracked world;
  Context& context = world.store.world.context;
  std::unique_ptr<store::Blobs> blobs = std::move(*store::open_file_blobs(world.store.folder / "blobs", context));
  BlobCollector collector{*world.store.database, world.journal, context, *blobs, "here"};

  void pass(Micros time) { world.store.world.clock.advance(time); }
  int64_t swept(const BlobOrder& order = {}) {
    const auto done = collector.sweep(world.ada, order);
    EXPECT_TRUE(done) << done.error().text();
    return done ? done->count : -1;
  }
  int64_t marks() { return world.store.number("SELECT count(*) FROM gc_marks"); }
  int64_t lines() { return world.store.number("SELECT count(*) FROM journal WHERE kind = 'gc.removed'"); }
  // A row that names it somewhere in a text.
  void refer_to(const std::string& digest) {
    ASSERT_TRUE(
        world.store.execute("INSERT INTO stage_records (workspace, stage, cache_key, run_id, job, state, outs, "
                            "components, undeclared, started_at, ended_at) VALUES ('other', 's', ?, '', '', "
                            "'done', ?, '', 0, 0, 0)",
                            {digest, fmt::format(R"([{{"path":"p","digest":"{}"}}])", digest)}));
  }
};

TEST_F(CollectBlobsTest, what_no_row_names_goes_and_the_rest_stays) {
  const auto loose = *blobs->put("loose"), needed = *blobs->put("needed");
  refer_to(needed);
  pass(limits::idle_us);
  EXPECT_EQ(collector.look({})->count, 0);  // exactly so long is not longer
  pass(1);
  EXPECT_EQ(collector.look({})->count, 1);
  EXPECT_EQ(collector.look({})->bytes, 5);
  EXPECT_EQ(collector.look({.idle = kDay})->count, 0);
  EXPECT_TRUE(*blobs->has(loose));
  EXPECT_EQ(marks(), 0);
  EXPECT_EQ(swept(), 1);
  EXPECT_FALSE(*blobs->has(loose));
  EXPECT_TRUE(*blobs->has(needed));
  EXPECT_EQ(marks(), 0);
  EXPECT_EQ(lines(), 1);
  EXPECT_EQ(swept(), 0);
  EXPECT_EQ(lines(), 1);
}

TEST_F(CollectBlobsTest, a_mark_waits_for_its_grace) {
  const auto loose = *blobs->put("loose");
  pass(kDay);
  EXPECT_EQ(swept({.grace = kDay}), 0);
  EXPECT_EQ(marks(), 1);
  pass(kDay - 1);
  EXPECT_EQ(swept({.grace = kDay}), 0);
  EXPECT_TRUE(*blobs->has(loose));
  pass(1);
  EXPECT_EQ(swept({.grace = kDay}), 1);
}

TEST_F(CollectBlobsTest, what_is_put_or_named_between_mark_and_sweep_stays) {
  const auto put = *blobs->put("put"), named = *blobs->put("named"), both = *blobs->put("both");
  pass(kDay);
  EXPECT_EQ(swept({.grace = kDay}), 0);
  EXPECT_EQ(marks(), 3);
  ASSERT_EQ(*blobs->put("put"), put);  // its row is not written yet
  refer_to(named);
  pass(2 * kDay);  // so long that it counts as idle again, and the mark is older than its grace
  ASSERT_EQ(*blobs->put("both"), both);
  EXPECT_EQ(swept({.grace = kDay}), 0);
  for (const auto& digest : {put, named, both}) EXPECT_TRUE(*blobs->has(digest));
  EXPECT_EQ(swept({.grace = kDay}), 0);  // the mark counts anew
  EXPECT_TRUE(*blobs->has(put));
}

TEST_F(CollectBlobsTest, what_a_running_job_has_put_stays) {
  const auto loose = *blobs->put("made by a job");
  ASSERT_TRUE(world.store.execute(
      "INSERT INTO jobs (workspace, id, kind, key, state, payload, result, error, attempts, max_attempts, run_after, "
      "lease_owner, lease_until, cancel, progress, log_lines, log_bytes, subject, roles, created_at, updated_at) "
      "VALUES "
      "('default', 'j', 'k', '', 'running', '', '', '', 1, 1, 0, '', ?, 0, '', 0, 0, '', '', ?, 0)",
      {context.now() + 31 * kDay, context.now()}));
  pass(30 * kDay);
  EXPECT_EQ(swept(), 0);
  pass(kDay);  // its server is dead and has let it go
  EXPECT_EQ(swept(), 1);
  EXPECT_FALSE(*blobs->has(loose));
}

TEST_F(CollectBlobsTest, what_was_claimed_is_removed_later_unless_it_was_put_again) {
  const auto first = *blobs->put("first"), second = *blobs->put("second");
  pass(kDay);
  EXPECT_EQ(swept({.grace = kDay}), 0);
  ASSERT_TRUE(world.store.execute("UPDATE gc_marks SET state = 'removing'"));  // and there the server died
  ASSERT_TRUE(blobs->put("second"));
  EXPECT_EQ(swept({.grace = kDay}), 1);
  EXPECT_FALSE(*blobs->has(first));
  EXPECT_TRUE(*blobs->has(second));
  EXPECT_EQ(marks(), 0);
  EXPECT_EQ(lines(), 0);  // the call that claimed them has written it
}

TEST_F(CollectBlobsTest, marks_of_another_server_are_its_own) {
  testing::Folder elsewhere;
  const auto theirs = std::move(*store::open_file_blobs(elsewhere / "blobs", context));
  BlobCollector other{*world.store.database, world.journal, context, *theirs, "there"};
  const auto digest = *blobs->put("of both");
  ASSERT_TRUE(theirs->put("of both"));
  pass(kDay);
  EXPECT_EQ(swept({.grace = kDay}), 0);
  pass(kDay);
  EXPECT_EQ(other.sweep(world.ada, {.grace = kDay})->count, 0);
  EXPECT_EQ(marks(), 2);
  EXPECT_EQ(swept({.grace = kDay}), 1);
  EXPECT_TRUE(*theirs->has(digest));
  EXPECT_EQ(marks(), 1);
}

TEST_F(CollectBlobsTest, rows_and_blobs_of_many_pages_are_all_looked_at) {
  std::vector<std::string> needed;
  for (int i = 0; i < 1'201; ++i) needed.push_back(*blobs->put(fmt::format("needed {}", i)));
  for (int i = 0; i < 450; ++i) ASSERT_TRUE(blobs->put(fmt::format("loose {}", i)));
  for (const auto& digest : needed) refer_to(digest);
  pass(kDay);
  EXPECT_EQ(collector.look({})->count, 450);
  EXPECT_EQ(swept(), 450);
  for (const auto& digest : needed) ASSERT_TRUE(*blobs->has(digest));
  EXPECT_EQ(marks(), 0);
}

// Forgetting a column here would take what it names away.
TEST_F(CollectBlobsTest, every_table_is_known_to_hold_digests_of_blobs_or_not) {
  std::set<std::string> known{"change_voices",
                              "edges",
                              "exchange_progress",
                              "file_digests",
                              "gc_marks",
                              "migrations",
                              "job_log",
                              "journal",
                              "journal_counts",
                              "labels",
                              "model_alias_moves",
                              "model_aliases",
                              "model_stage_moves",
                              "model_tags",
                              "model_version_tags",
                              "monitor_clock",
                              "monitor_due",
                              "monitor_file_days",
                              "monitor_files",
                              "monitor_windows",
                              "registered_models",
                              "rollout_evidence",
                              "rollout_holds",
                              "sessions",
                              "stage_attempts",
                              "stage_current",
                              "views",
                              "tokens"};
  const auto rows = testing::on_postgres()
                        ? world.store.query(
                              "SELECT table_name FROM information_schema.tables WHERE table_schema = "
                              "current_schema()")
                        : world.store.query("SELECT name FROM sqlite_master WHERE type = 'table'");
  ASSERT_TRUE(rows) << rows.error().text();
  ASSERT_GT(rows->size(), 30U);
  for (const auto& holder : blob_holders()) known.insert(std::string(holder.table));
  for (const auto& row : *rows) {
    const auto table = row.text(0);
    // Tracking, traces and evaluation keep files as artifacts, not as blobs; the store's own tables are the store's.
    bool ours = known.contains(table);
    for (const std::string_view prefix : {"track_", "llm_", "eval_", "webhook", "store_", "sqlite_"})
      ours = ours || table.starts_with(prefix);
    EXPECT_TRUE(ours) << table << " is new: does it name blobs? Say so in blob_references.cc, or here";
  }
}

}  // namespace
}  // namespace millrace::track
