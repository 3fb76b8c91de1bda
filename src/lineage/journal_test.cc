#include "lineage/journal.h"

#include <gtest/gtest.h>
#include <thread>

#include <fmt/format.h>

#include "core/files.h"
#include "core/hash.h"
#include "store/testing.h"

namespace millrace::lineage {
namespace {

const Caller kCaller{
    .workspace = "default", .subject = "local:ada", .roles = {"admin"}, .via = "cli", .request_id = "r1"};

class JournalTest : public ::testing::Test {
 protected:
  testing::Store store;
  std::string head = store.folder / "audit.head";
  std::unique_ptr<Journal> journal = open();

  std::unique_ptr<Journal> open() {
    return std::make_unique<Journal>(*store.database, store.world.context, "main", head);
  }

  Result<int64_t> write(const std::string& kind, const Caller& caller = kCaller) {
    store.world.clock.advance(1);
    return journal->write(caller, [&](store::Session&) -> Result<Change> {
      return Change{.kind = kind, .node = "model:late@1", .why = "because", .body = {{"text", "\"quoted\" \xc3\xa4"}}};
    });
  }
  void write_lines(int count) {
    for (int i = 1; i <= count; ++i) ASSERT_EQ(*write(fmt::format("kind.{}", i)), i);
  }
  // As somebody with the engine's own program would.
  void tamper(const std::string& sql) { ASSERT_TRUE(store.execute(sql)) << sql; }
  // How many lines were written, as the engine counts them.
  void tamper_with_counter(int64_t last) {
    tamper((testing::on_postgres() ? "UPDATE store_numbers SET value = " : "UPDATE sqlite_sequence SET seq = ") +
           std::to_string(last) + " WHERE name = 'journal'");
  }
  void expect_bad(int64_t sequence, const std::string& reason) {
    const auto verdict = journal->verify();
    ASSERT_TRUE(verdict) << verdict.error().text();
    EXPECT_FALSE(verdict->intact);
    EXPECT_EQ(verdict->first_bad, sequence);
    EXPECT_EQ(verdict->reason, reason);
  }
};

TEST_F(JournalTest, an_empty_journal_is_intact) {
  const auto verdict = journal->verify();
  ASSERT_TRUE(verdict);
  EXPECT_TRUE(verdict->intact);
  EXPECT_EQ(verdict->lines, 0);
  EXPECT_TRUE(journal->checkpoint());
  EXPECT_FALSE(exists(head));
}

TEST_F(JournalTest, lines_are_chained_and_read_by_sequence) {
  write_lines(5);
  ASSERT_TRUE(journal->checkpoint());
  const auto verdict = journal->verify();
  ASSERT_TRUE(verdict->intact) << verdict->reason;
  EXPECT_EQ(verdict->lines, 5);
  const auto events = journal->read_after("default", 3, 10);
  ASSERT_EQ(events->size(), 2U);
  const auto& event = events->at(0);
  EXPECT_EQ(event.sequence, 4);
  EXPECT_EQ(event.kind, "kind.4");
  EXPECT_EQ(event.subject, "local:ada");
  EXPECT_EQ(event.via, "cli");
  EXPECT_EQ(event.request_id, "r1");
  EXPECT_EQ(event.node, "model:late@1");
  EXPECT_EQ(event.why, "because");
  EXPECT_EQ(event.body.at("text"), "\"quoted\" \xc3\xa4");
  EXPECT_EQ(event.event_time, event.recorded_at);
  EXPECT_EQ(events->at(1).hash, verdict->head);
  EXPECT_EQ(journal->read_after("default", 0, 2)->size(), 2U);
  EXPECT_TRUE(journal->read_after("other", 0, 10)->empty());
}

TEST_F(JournalTest, the_chain_goes_on_after_reopening) {
  write_lines(2);
  journal.reset();
  store.close();
  store.database = store.reopen();
  journal = open();
  ASSERT_EQ(*write("kind.3"), 3);
  EXPECT_TRUE(journal->verify()->intact);
}

TEST_F(JournalTest, a_refused_change_leaves_no_line_no_row_and_no_gap) {
  ASSERT_TRUE(store.execute("CREATE TABLE t (id INTEGER)"));
  write_lines(1);
  const auto refused = journal->write(kCaller, [](store::Session& session) -> Result<Change> {
    MILLRACE_DO(session.execute("INSERT INTO t VALUES (1)"));
    return Error{Code::rejected, "no"};
  });
  EXPECT_EQ(refused.error().code(), Code::rejected);
  const auto malformed = journal->write(kCaller, [](store::Session& session) -> Result<Change> {
    MILLRACE_DO(session.execute("INSERT INTO t VALUES (1)"));
    return Change{.kind = "x", .nodes = {{.id = "no colon", .digest = ""}}};
  });
  EXPECT_EQ(malformed.error().code(), Code::internal);
  EXPECT_EQ(store.number("SELECT count(*) FROM t"), 0);
  EXPECT_EQ(*write("kind.2"), 2);
  EXPECT_TRUE(journal->verify()->intact);
}

TEST_F(JournalTest, nothing_changed_is_no_line) {
  EXPECT_EQ(*journal->write(kCaller, [](store::Session&) -> Result<Change> { return Change{}; }), 0);
  EXPECT_EQ(journal->verify()->lines, 0);
}

TEST_F(JournalTest, many_threads_share_one_chain) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 20; ++n)
        EXPECT_TRUE(journal->write(kCaller, [](store::Session&) -> Result<Change> { return Change{.kind = "x"}; }));
    });
  for (auto& thread : threads) thread.join();
  const auto verdict = journal->verify();
  EXPECT_TRUE(verdict->intact) << verdict->reason;
  EXPECT_EQ(verdict->lines, 160);
}

TEST_F(JournalTest, each_writer_has_its_own_chain) {
  Journal other(*store.database, store.world.context, "second", head);
  write_lines(2);
  ASSERT_EQ(*other.write(kCaller, [](store::Session&) -> Result<Change> { return Change{.kind = "y"}; }), 3);
  ASSERT_EQ(*write("kind.4"), 4);
  EXPECT_TRUE(journal->verify()->intact);
  tamper("UPDATE journal SET why = 'x' WHERE sequence = 3");
  expect_bad(3, "the line's content does not match its hash");
}

// Every column that a line has, edited by hand.
TEST_F(JournalTest, an_edited_line_is_named) {
  write_lines(5);
  for (const char* column :
       {"workspace", "subject", "via", "request_id", "kind", "node", "before_digest", "after_digest", "why", "body"}) {
    const auto old = store.query(fmt::format("SELECT {} FROM journal WHERE sequence = 3", column))->at(0).text(0);
    tamper(fmt::format("UPDATE journal SET {} = {} || ' ' WHERE sequence = 3", column, column));
    expect_bad(3, "the line's content does not match its hash");
    ASSERT_TRUE(store.execute(fmt::format("UPDATE journal SET {} = ? WHERE sequence = 3", column), {old}));
  }
  for (const char* column : {"event_time", "recorded_at"}) {
    tamper(fmt::format("UPDATE journal SET {} = {} + 1 WHERE sequence = 3", column, column));
    expect_bad(3, "the line's content does not match its hash");
    tamper(fmt::format("UPDATE journal SET {} = {} - 1 WHERE sequence = 3", column, column));
  }
  EXPECT_TRUE(journal->verify()->intact);
  tamper("UPDATE journal SET writer = 'other' WHERE sequence = 3");
  expect_bad(3, "the line does not follow the one before it");
}

TEST_F(JournalTest, a_flipped_bit_is_found_wherever_it_is) {
  write_lines(3);
  for (const char* column : {"hash", "previous", "body"}) {
    const auto old = store.query(fmt::format("SELECT {} FROM journal WHERE sequence = 2", column))->at(0).text(0);
    for (size_t at = 0; at < old.size(); ++at) {
      std::string flipped = old;
      flipped[at] = static_cast<char>(flipped[at] ^ 1);
      ASSERT_TRUE(store.execute(fmt::format("UPDATE journal SET {} = ? WHERE sequence = 2", column), {flipped}));
      const auto verdict = journal->verify();
      EXPECT_FALSE(verdict->intact) << column << " " << at;
      EXPECT_EQ(verdict->first_bad, 2);
    }
    ASSERT_TRUE(store.execute(fmt::format("UPDATE journal SET {} = ? WHERE sequence = 2", column), {old}));
  }
  EXPECT_TRUE(journal->verify()->intact);
}

TEST_F(JournalTest, a_line_hashed_anew_breaks_the_next_one) {
  write_lines(4);
  tamper("UPDATE journal SET hash = '" + digest_of("forged") + "' WHERE sequence = 2");
  expect_bad(2, "the line's content does not match its hash");
}

TEST_F(JournalTest, a_removed_line_is_named) {
  write_lines(5);
  tamper("DELETE FROM journal WHERE sequence = 3");
  expect_bad(3, "line 3 is missing");
  tamper("UPDATE journal SET sequence = sequence - 1 WHERE sequence > 3");
  expect_bad(3, "the line does not follow the one before it");
}

TEST_F(JournalTest, a_removed_head_is_named) {
  write_lines(3);
  tamper("DELETE FROM journal WHERE sequence = 1");
  expect_bad(1, "line 1 is missing");
}

TEST_F(JournalTest, swapped_lines_are_named) {
  write_lines(5);
  tamper("UPDATE journal SET sequence = 99 WHERE sequence = 2");
  tamper("UPDATE journal SET sequence = 2 WHERE sequence = 3");
  tamper("UPDATE journal SET sequence = 3 WHERE sequence = 99");
  expect_bad(2, "the line does not follow the one before it");
}

TEST_F(JournalTest, a_cut_tail_shows_against_the_checkpoint) {
  write_lines(5);
  ASSERT_TRUE(journal->checkpoint());
  tamper("DELETE FROM journal WHERE sequence > 3");
  expect_bad(4, "the tail is cut: the checkpoint saw line 5");
  tamper("DELETE FROM journal");
  tamper_with_counter(0);
  expect_bad(1, "the tail is cut: the checkpoint saw line 5");
}

TEST_F(JournalTest, a_cut_tail_written_again_shows_against_the_checkpoint) {
  write_lines(5);
  ASSERT_TRUE(journal->checkpoint());
  tamper("DELETE FROM journal WHERE sequence > 3");
  tamper_with_counter(3);
  ASSERT_EQ(*write("forged.4"), 4);
  ASSERT_EQ(*write("forged.5"), 5);
  ASSERT_EQ(*write("forged.6"), 6);
  expect_bad(5, "the line is not the one that the checkpoint saw");
}

// Two writers take turns; the checkpoint pins the head of both.
class TwoWriters : public JournalTest {
 protected:
  Journal other{*store.database, store.world.context, "other", ""};
  void write_in_turns() {
    for (int i = 0; i < 3; ++i) {
      ASSERT_EQ(*write("mine"), 2 * i + 1);
      ASSERT_EQ(*other.write(kCaller, [](store::Session&) -> Result<Change> { return Change{.kind = "theirs"}; }),
                2 * i + 2);
    }
  }
};

TEST_F(TwoWriters, have_a_chain_each_and_one_sequence) {
  write_in_turns();
  const auto verdict = journal->verify();
  ASSERT_TRUE(verdict->intact) << verdict->reason;
  EXPECT_EQ(verdict->lines, 6);
  EXPECT_EQ(store.number("SELECT count(*) FROM journal WHERE previous = ''"), 2);
  const auto events = journal->read_after("default", 0, 10);
  for (size_t i = 0; i < events->size(); ++i) EXPECT_EQ((*events)[i].kind, i % 2 == 0 ? "mine" : "theirs");
}

TEST_F(TwoWriters, a_line_of_the_chain_that_did_not_write_last_is_pinned_too) {
  write_in_turns();
  ASSERT_TRUE(journal->checkpoint());
  ASSERT_TRUE(journal->verify()->intact);
  // Line 5 is the first writer's last. Made anew with a right hash it would pass for the journal's own.
  const auto row = store
                       .query(
                           "SELECT workspace, writer, event_time, recorded_at, subject, via, request_id, kind, node, "
                           "before_digest, after_digest, body, previous FROM journal WHERE sequence = 5")
                       ->at(0);
  const Json forged =
      Json::array({row.text(0), row.text(1), row.integer(2), row.integer(3), row.text(4), row.text(5), row.text(6),
                   row.text(7), row.text(8), row.text(9), row.text(10), "forged", row.text(11), row.text(12)});
  ASSERT_TRUE(
      store.execute("UPDATE journal SET why = 'forged', hash = ? WHERE sequence = 5", {digest_of(to_text(forged))}));
  expect_bad(5, "the line is not the one that the checkpoint saw");
}

// As two processes have it, each with connections of its own; who reads by sequence sees every line, whenever it came.
TEST_F(TwoWriters, hide_no_line_from_a_reader_that_follows) {
  constexpr int64_t kEach = 100;
  const auto their_database = store.reopen();
  Journal theirs(*their_database, store.world.context, "other", "");
  const auto write_all = [](Journal& to) {
    for (int64_t i = 0; i < kEach; ++i)
      EXPECT_TRUE(to.write(kCaller, [&](store::Session&) -> Result<Change> {
        if (i % 10 == 9) return Error{Code::rejected, "a number that is given back"};
        return Change{.kind = "x"};
      }) || i % 10 == 9);
  };
  std::vector<std::thread> threads;
  for (auto* to : {journal.get(), &theirs}) {
    threads.emplace_back(write_all, std::ref(*to));
    threads.emplace_back(write_all, std::ref(*to));
  }
  int64_t last = 0;
  while (last < 4 * kEach * 9 / 10) {
    const auto events = journal->read_after("default", last, 1000);
    ASSERT_TRUE(events);
    for (const auto& event : *events) ASSERT_EQ(event.sequence, ++last);
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(journal->verify()->intact);
}

TEST_F(JournalTest, a_broken_checkpoint_is_corrupt) {
  write_lines(1);
  for (const char* text : {"", "{", "[]", "{\"sequence\":1}", "{\"sequence\":0,\"hash\":\"x\"}"}) {
    ASSERT_TRUE(write_file(head, text));
    EXPECT_EQ(journal->verify().error().code(), Code::corrupt) << text;
  }
}

}  // namespace
}  // namespace millrace::lineage
