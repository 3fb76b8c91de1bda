#include "versions/gc.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "versions/testing.h"

namespace millrace::versions {
namespace {

using testing::Trial;

std::string content(int i) { return "content number " + std::to_string(i) + std::string(2'000, 'x'); }

TEST(Garbage, what_a_name_needs_stays_and_the_rest_goes) {
  Trial trial;
  History history(trial.workspace);
  for (int i = 0; i < 40; ++i) trial.write("data/" + std::to_string(i), content(i));
  const auto first = *trial.add("data").snapshot;
  ASSERT_EQ(trial.workspace.objects().packs().size(), 1U);
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(remove_tree(trial.path("data/" + std::to_string(i))).ok());
  trial.write("data/large", std::string(300'000, 'l'));
  const auto second = *trial.add("data").snapshot;
  ASSERT_TRUE(history.name("tags", "v2", second.digest, Moves::forward).ok());

  const auto none = *collect_garbage(trial.workspace, Collecting::remove, 0);
  EXPECT_EQ(none.objects, 0);  // the branch leads to the first snapshot too

  ASSERT_TRUE(history.remove_name("branches", "main").ok());
  Snapshot alone = second;
  alone.parents.clear();
  const auto kept = *history.keep(alone);
  ASSERT_TRUE(history.name("tags", "v2", kept.digest, Moves::anywhere).ok());

  const auto young = *collect_garbage(trial.workspace, Collecting::remove, 3'600LL * 1'000'000);
  EXPECT_GT(young.objects, 30);
  EXPECT_EQ(young.kept_young, young.objects);
  const auto seen = *collect_garbage(trial.workspace, Collecting::look, -1'000'000);
  EXPECT_EQ(seen.removed_files, 0);
  EXPECT_TRUE(trial.workspace.objects().has(hash_of(content(3))));
  const auto gone = *collect_garbage(trial.workspace, Collecting::remove, -1'000'000);
  EXPECT_EQ(gone.objects, seen.objects);
  EXPECT_GT(gone.freed_bytes, 50'000);
  auto after = trial.open();
  EXPECT_FALSE(after.objects().has(hash_of(content(3))));
  EXPECT_FALSE(after.objects().has(first.digest));
  for (int i = 30; i < 40; ++i) EXPECT_TRUE(after.objects().verify(hash_of(content(i))).ok()) << i;
  EXPECT_TRUE(after.objects().verify(hash_of(std::string(300'000, 'l'))).ok());
  EXPECT_EQ(collect_garbage(after, Collecting::look, -1'000'000)->objects, 0);
}

TEST(Garbage, a_hole_in_a_version_stops_it) {
  Trial trial;
  trial.write("data/deep/a", "abc");
  trial.add("data");
  // The manifest of `deep`, whose loss would make everything below it look like garbage.
  const auto top = trial.workspace.tracked().paths.at("data");
  const auto deep = read_folder(top.digest, trial.workspace.fetch())->front();
  ASSERT_TRUE(remove_tree(trial.workspace.objects().loose_path(deep.digest)).ok());
  const auto stopped = collect_garbage(trial.workspace, Collecting::remove, -1'000'000);
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code(), Code::not_found);
  EXPECT_TRUE(trial.workspace.objects().has(hash_of("abc")));
}

}  // namespace
}  // namespace millrace::versions
