#include "versions/operations.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "versions/testing.h"

namespace millrace::versions {
namespace {

using testing::Trial;

// The same size and time as before: only what the file system says of the change itself tells it.
void edit_behind_the_clock(const std::string& path) {
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  const int file = ::open(path.c_str(), O_WRONLY);
  ASSERT_GE(file, 0);
  ASSERT_EQ(::pwrite(file, "X", 1, 0), 1);
  const timespec times[] = {info.st_atim, info.st_mtim};
  ASSERT_EQ(::futimens(file, times), 0);
  ::close(file);
}

TEST(Add, an_edit_in_place_that_keeps_size_and_time_is_noticed) {
  Trial trial;
  trial.write("data/a", "abc");
  trial.write("data/b", "def");
  trial.add("data");
  EXPECT_EQ(trial.state("data"), "clean");
  edit_behind_the_clock(trial.path("data/a"));
  EXPECT_EQ(trial.state("data"), "modified");
}

TEST(Add, the_same_bytes_are_kept_once) {
  Trial trial;
  trial.write("data/a", std::string(300'000, 'x'));
  trial.write("data/b", std::string(300'000, 'x'));
  trial.write("data/c", "x");
  trial.write("data/d", "x");
  const auto added = trial.add("data");
  ASSERT_EQ(added.paths.size(), 1U);
  EXPECT_EQ(added.paths[0].written.objects, 3);  // two contents and a manifest
  EXPECT_EQ(added.paths[0].entry.files, 4);
  const auto again = trial.add("data");
  EXPECT_EQ(again.paths[0].written.objects, 0);
  EXPECT_FALSE(again.snapshot.has_value());
}

TEST(Add, a_link_is_refused_with_its_path) {
  Trial trial;
  trial.write("data/a", "abc");
  std::filesystem::create_symlink("/etc/passwd", trial.path("data/link"));
  const auto added = add(trial.workspace, {"data"}, {});
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.error().code(), Code::invalid);
  EXPECT_EQ(added.error().where().file, trial.path("data/link"));
}

TEST(Add, a_path_within_a_tracked_one_is_refused) {
  Trial trial;
  trial.write("data/a", "abc");
  trial.add("data");
  const auto added = add(trial.workspace, {"data/a"}, {});
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.error().code(), Code::conflict);
}

TEST(Add, a_status_alone_keeps_nothing_and_add_still_does) {
  Trial trial;
  trial.write("data/a", "abc");
  trial.add("data");
  trial.write("data/a", "changed");
  EXPECT_EQ(trial.state("data"), "modified");
  EXPECT_EQ(trial.state("data"), "modified");
  trial.add("data");
  EXPECT_TRUE(trial.workspace.objects().has(hash_of("changed")));
}

TEST(Checkout, brings_back_modes_bytes_and_empty_folders) {
  Trial trial;
  trial.write("data/run.sh", "#!/bin/sh\n");
  ASSERT_EQ(::chmod(trial.path("data/run.sh").c_str(), 0755), 0);
  trial.write("data/deep/er/x", std::string(500'000, 'y'));
  std::filesystem::create_directory(trial.path("data/empty"));
  trial.add("data");
  std::filesystem::remove_all(trial.path("data"));
  EXPECT_EQ(trial.state("data"), "missing");
  ASSERT_TRUE(checkout_tracked(trial.workspace, {}, {}).ok());
  struct stat info {};
  ASSERT_EQ(::stat(trial.path("data/run.sh").c_str(), &info), 0);
  EXPECT_NE(info.st_mode & S_IXUSR, 0U);
  EXPECT_EQ(trial.read("data/deep/er/x"), std::string(500'000, 'y'));
  EXPECT_TRUE(std::filesystem::is_directory(trial.path("data/empty")));
  EXPECT_EQ(trial.state("data"), "clean");
}

TEST(Checkout, what_is_in_no_version_is_not_lost) {
  Trial trial;
  trial.write("data/a", "abc");
  trial.add("data");
  trial.write("data/a", "precious");
  trial.write("data/new", "as well");
  const auto refused = checkout_tracked(trial.workspace, {}, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Code::conflict);
  EXPECT_EQ(trial.read("data/a"), "precious");
  EXPECT_EQ(trial.read("data/new"), "as well");
  ASSERT_TRUE(checkout_tracked(trial.workspace, {}, {.force = true}).ok());
  EXPECT_EQ(trial.read("data/a"), "abc");
  EXPECT_FALSE(exists(trial.path("data/new")));
}

TEST(Checkout, a_file_becomes_a_folder_and_back) {
  Trial trial;
  trial.write("data", "a file");
  const auto first = trial.add("data");
  ASSERT_EQ(::unlink(trial.path("data").c_str()), 0);
  trial.write("data/a", "in a folder");
  const auto second = trial.add("data");
  const auto go = [&](const Snapshot& snapshot) {
    const auto gone = checkout_version(trial.workspace, snapshot.digest.text(), {}, {});
    ASSERT_TRUE(gone.ok()) << gone.error().text();
  };
  go(*first.snapshot);
  EXPECT_EQ(trial.read("data"), "a file");
  EXPECT_EQ(trial.state("data"), "clean");
  go(*second.snapshot);
  EXPECT_EQ(trial.read("data/a"), "in a folder");
}

TEST(Checkout, nothing_done_to_a_file_reaches_the_store) {
  Trial trial;
  const std::string large(400'000, 'l');
  trial.write("data/large", large);
  trial.write("data/small", "small");
  trial.add("data");
  std::filesystem::remove_all(trial.path("data"));
  ASSERT_TRUE(checkout_tracked(trial.workspace, {}, {}).ok());
  for (const auto* name : {"data/large", "data/small"}) edit_behind_the_clock(trial.path(name));
  EXPECT_EQ(trial.state("data"), "modified");
  ASSERT_TRUE(checkout_tracked(trial.workspace, {}, {.force = true}).ok());
  EXPECT_EQ(trial.read("data/large"), large);
  EXPECT_EQ(trial.read("data/small"), "small");
}

TEST(Checkout, a_write_through_a_link_is_named_and_not_served) {
  Trial trial;
  trial.write("data", std::string(400'000, 'l'));
  trial.add("data");
  ASSERT_EQ(::unlink(trial.path("data").c_str()), 0);
  ASSERT_TRUE(checkout_tracked(trial.workspace, {}, {.giving = Giving::link}).ok());
  struct stat info {};
  ASSERT_EQ(::stat(trial.path("data").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0222, 0U);
  EXPECT_EQ(info.st_nlink, 2U);
  ASSERT_EQ(::chmod(trial.path("data").c_str(), 0644), 0);
  const int file = ::open(trial.path("data").c_str(), O_WRONLY);
  ASSERT_EQ(::pwrite(file, "X", 1, 9), 1);
  ::close(file);
  EXPECT_EQ(trial.state("data"), "modified");
  ASSERT_EQ(::unlink(trial.path("data").c_str()), 0);
  for (const auto giving : {Giving::link, Giving::copy}) {
    const auto served = checkout_tracked(trial.workspace, {}, {.giving = giving});
    ASSERT_FALSE(served.ok());
    EXPECT_EQ(served.error().code(), Code::corrupt);
    EXPECT_EQ(served.error().where().file, trial.workspace.objects().loose_path(hash_of(std::string(400'000, 'l'))));
    EXPECT_FALSE(exists(trial.path("data")));
  }
}

TEST(History, tags_stay_and_branches_move) {
  Trial trial;
  History history(trial.workspace);
  trial.write("data", "1");
  const auto first = *trial.add("data").snapshot;
  ASSERT_TRUE(history.name("tags", "v1", first.digest, Moves::forward).ok());
  trial.write("data", "2");
  const auto second = *trial.add("data").snapshot;
  EXPECT_EQ(*history.resolve("v1"), first.digest);
  EXPECT_EQ(*history.resolve("main"), second.digest);
  EXPECT_EQ(*history.resolve("HEAD~1"), first.digest);
  EXPECT_EQ(*history.resolve(second.digest.hex().substr(0, 12)), second.digest);
  EXPECT_EQ(history.name("tags", "v1", second.digest, Moves::forward).error().code(), Code::conflict);
  EXPECT_EQ(history.resolve("v2").error().hint(), "did you mean 'v1'?");
  EXPECT_EQ(history.log(second.digest, 10)->size(), 2U);
  for (const auto* name : {"", "..", "a/b", "HEAD", "-x"}) EXPECT_FALSE(check_name(name).ok()) << name;
}

TEST(Index, a_damaged_one_is_only_forgotten) {
  Trial trial;
  trial.write("data/a", "abc");
  trial.add("data");
  const auto file = trial.workspace.index_file("data");
  auto bytes = *read_file(file, 1 << 20);
  for (const size_t at : {size_t{0}, size_t{9}, size_t{40}, bytes.size() - 1}) {
    auto damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    ASSERT_TRUE(write_file(file, damaged).ok());
    EXPECT_EQ(trial.state("data"), "clean") << at;
  }
  ASSERT_TRUE(write_file(file, bytes.substr(0, 100)).ok());
  EXPECT_EQ(trial.state("data"), "clean");
}

}  // namespace
}  // namespace millrace::versions
