#include "lineage/journal_search.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "store/testing.h"

namespace millrace::lineage {
namespace {

constexpr Micros kHour = 3'600'000'000;

class JournalSearchTest : public ::testing::Test {
 protected:
  testing::Store store;
  Journal journal{*store.database, store.world.context, "main", store.folder / "head"};
  const Micros start = 1'370'044'800'000'000;  // 2013-06-01T00:00:00Z

  void SetUp() override { store.world.clock.advance(start - store.world.clock.now()); }
  void write(const std::string& kind, const std::string& node, const std::string& subject = "ann",
             const std::string& workspace = "default") {
    const Caller caller{
        .workspace = workspace, .subject = subject, .roles = {"admin"}, .via = "cli", .request_id = "r"};
    ASSERT_TRUE(
        journal.write(caller, [&](store::Session&) -> Result<Change> { return Change{.kind = kind, .node = node}; }));
    store.world.clock.advance(kHour);
  }
  JournalPage search(JournalFilter filter) {
    auto page = search_journal(*store.database, "default", filter);
    EXPECT_TRUE(page) << page.error().text();
    return page ? *page : JournalPage{};
  }
  // "kind node" of all pages of two lines; each page says the same total.
  std::vector<std::string> all(JournalFilter filter) {
    std::vector<std::string> out;
    filter.limit = 2;
    int64_t total = -1;
    do {
      const auto page = search(filter);
      for (const auto& event : page.items) out.push_back(event.kind + " " + event.node);
      EXPECT_TRUE(total < 0 || page.total == total) << "the total of a filter is that of all its pages";
      total = page.total;
      EXPECT_TRUE(page.exact);
      filter.before = page.next;
    } while (filter.before != 0);
    EXPECT_EQ(total, static_cast<int64_t>(out.size()));
    return out;
  }
  using Lines = std::vector<std::string>;
};

TEST_F(JournalSearchTest, an_empty_journal_has_nothing) {
  EXPECT_EQ(all({}), Lines{});
  EXPECT_EQ(all({.text = "x", .kind = "a"}), Lines{});
  EXPECT_TRUE(count_journal(*store.database, "default")->kinds.empty());
}

TEST_F(JournalSearchTest, each_filter_keeps_what_it_names) {
  write("model.created", "model:late@1");
  write("model.approved", "model:late@1", "bob");
  write("run.created", "run:abc");
  write("run.created", "run:abd", "bob");
  write("run.created", "run:zzz", "bob", "elsewhere");
  EXPECT_EQ(all({}), (Lines{"run.created run:abd", "run.created run:abc", "model.approved model:late@1",
                            "model.created model:late@1"}));
  EXPECT_EQ(all({.kind = "run.created"}), (Lines{"run.created run:abd", "run.created run:abc"}));
  EXPECT_EQ(all({.subject = "bob"}), (Lines{"run.created run:abd", "model.approved model:late@1"}));
  EXPECT_EQ(all({.kind = "run.created", .subject = "bob"}), Lines{"run.created run:abd"});
  EXPECT_EQ(all({.node = "model:late@1"}), (Lines{"model.approved model:late@1", "model.created model:late@1"}));
  EXPECT_EQ(all({.node = "run:ab*"}), (Lines{"run.created run:abd", "run.created run:abc"}));
  EXPECT_EQ(all({.subject = "bob", .node = "run:*"}), Lines{"run.created run:abd"});
  EXPECT_EQ(all({.kind = "model.created", .subject = "bob"}), Lines{});
}

TEST_F(JournalSearchTest, a_text_is_looked_for_in_kinds_subjects_and_names_of_nodes) {
  write("model.created", "model:late@1", "ann");
  write("run.created", "run:late-7", "bob");
  write("run.created", "run:other", "lateral");
  write("alert.fired", "alert:1", "millrace");
  write("no.node", "", "ann");
  EXPECT_EQ(all({.text = "late"}),
            (Lines{"run.created run:other", "run.created run:late-7", "model.created model:late@1"}));
  EXPECT_EQ(all({.text = "CREATED"}),
            (Lines{"run.created run:other", "run.created run:late-7", "model.created model:late@1"}));
  EXPECT_EQ(all({.text = "run:l"}), Lines{"run.created run:late-7"});
  EXPECT_EQ(all({.text = "late", .subject = "bob"}), Lines{"run.created run:late-7"});
  EXPECT_EQ(all({.text = "late", .node = "run:*"}), (Lines{"run.created run:other", "run.created run:late-7"}));
  EXPECT_EQ(all({.text = "100%"}), Lines{});
  EXPECT_EQ(all({.text = "_"}), Lines{}) << "no sign stands for others";
}

TEST_F(JournalSearchTest, times_are_kept_to_the_hour_and_over_days) {
  for (int i = 0; i < 60; ++i) write(i % 2 == 0 ? "even" : "odd", fmt::format("n:{}", i), i % 3 == 0 ? "ann" : "bob");
  const auto at = [&](int hour) { return start + hour * kHour; };
  EXPECT_EQ(all({.from = at(58)}), (Lines{"odd n:59", "even n:58"}));
  EXPECT_EQ(all({.to = at(2)}), (Lines{"odd n:1", "even n:0"}));
  EXPECT_EQ(all({.from = at(24), .to = at(27)}), (Lines{"even n:26", "odd n:25", "even n:24"}));
  EXPECT_EQ(all({.from = at(5), .to = at(5) + 1}), Lines{"odd n:5"});
  EXPECT_EQ(all({.from = at(10), .to = at(55)}).size(), 45U);
  EXPECT_EQ(all({.kind = "odd", .from = at(10), .to = at(55)}).size(), 22U);
  EXPECT_EQ(all({.kind = "odd", .subject = "ann", .from = at(0), .to = at(48)}).size(), 8U);
  EXPECT_EQ(all({.text = "ODD", .from = at(23), .to = at(25)}), Lines{"odd n:23"});
  EXPECT_EQ(all({.text = "5", .from = at(50)}).size(), 10U);
  EXPECT_EQ(all({.from = at(100)}), Lines{});
}

TEST_F(JournalSearchTest, many_kinds_with_one_text_are_walked_through) {
  for (int i = 0; i < 80; ++i) write(fmt::format("kind.{}", i), "n:1");
  write("else", "n:kind");
  EXPECT_EQ(all({.text = "kind"}).size(), 81U);
}

TEST_F(JournalSearchTest, kinds_and_subjects_are_counted) {
  for (int i = 0; i < 30; ++i) write("often", "n:1", "bob");
  write("once", "n:1", "ann");
  write("hidden", "n:1", "ann", "elsewhere");
  const auto counts = count_journal(*store.database, "default");
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->kinds, (std::vector<std::pair<std::string, int64_t>>{{"often", 30}, {"once", 1}}));
  EXPECT_EQ(counts->subjects, (std::vector<std::pair<std::string, int64_t>>{{"bob", 30}, {"ann", 1}}));
}

}  // namespace
}  // namespace millrace::lineage
