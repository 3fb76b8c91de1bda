#include "core/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "core/limits.h"
#include "core/testing.h"

namespace millrace {
namespace {

using testing::Folder;

size_t files_in(const std::string& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(Files, what_was_written_is_read) {
  const Folder folder;
  const std::string bytes("a\0b\n", 4);
  ASSERT_TRUE(write_file(folder / "a", bytes));
  EXPECT_EQ(*read_file(folder / "a", 4), bytes);
  EXPECT_EQ(*file_size(folder / "a"), 4);
  EXPECT_EQ(read_file(folder / "a", 3).error().code(), Code::too_large);
  struct stat info {};
  ASSERT_EQ(::stat((folder / "a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST(Files, a_reader_sees_the_old_or_the_new_and_nothing_is_left_beside) {
  const Folder folder;
  const std::string old(100'000, 'o'), young(90'000, 'n');
  ASSERT_TRUE(write_file(folder / "a", old));
  std::atomic<bool> over{false};
  std::thread writer([&] {
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(write_file(folder / "a", i % 2 == 0 ? young : old));
    over = true;
  });
  while (!over) {
    const auto seen = read_file(folder / "a", 1 << 20);
    EXPECT_TRUE(seen && (*seen == old || *seen == young));
  }
  writer.join();
  EXPECT_EQ(files_in(folder.path()), 1U);
}

TEST(Files, failures_name_the_path) {
  const Folder folder;
  EXPECT_EQ(read_file(folder / "none", 1).error().code(), Code::not_found);
  EXPECT_EQ(read_file(folder / "none", 1).error().where().file, folder / "none");
  EXPECT_EQ(read_file(folder.path(), 1).error().code(), Code::invalid);
  EXPECT_EQ(write_file(folder / "none/a", "x").error().code(), Code::not_found);
  ASSERT_TRUE(write_file(folder / "a", "x"));
  EXPECT_EQ(write_file(folder / "a/b", "x").error().code(), Code::invalid);
  EXPECT_EQ(make_folders(folder / "a/b").error().code(), Code::invalid);
  EXPECT_EQ(make_folders(folder / "a").error().code(), Code::invalid);
  EXPECT_FALSE(copy_file(folder / "none", folder / "b"));
  EXPECT_FALSE(file_size(folder / "none"));
  EXPECT_TRUE(remove_tree(folder / "none"));
}

TEST(Files, folders_are_made_with_all_above_them) {
  const Folder folder;
  ASSERT_TRUE(make_folders(folder / "a/b/c/"));
  ASSERT_TRUE(make_folders(folder / "a/b/c"));
  struct stat info {};
  ASSERT_EQ(::stat((folder / "a/b").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
  ASSERT_TRUE(remove_tree(folder / "a"));
  EXPECT_FALSE(exists(folder / "a"));
}

TEST(Files, a_safe_path_is_itself) {
  for (const char* path : {"a", "a/b.onnx", "..a", "a..", "a/...", ".hidden/x", "a b/\xc3\xa4", "~", "C:", "%2e%2e/a"})
    EXPECT_EQ(*safe_relative(path), path);
}

TEST(Files, a_path_that_leaves_its_folder_is_refused) {
  const std::vector<std::string> nasty{"",
                                       ".",
                                       "..",
                                       "/",
                                       "//",
                                       "/etc/passwd",
                                       "//etc/passwd",
                                       "../a",
                                       "a/..",
                                       "a/../b",
                                       "a/../../b",
                                       "./a",
                                       "a/.",
                                       "a/./b",
                                       "a//b",
                                       "a/",
                                       "a/b/",
                                       "../",
                                       "..\\a",
                                       "a\\..\\b",
                                       "\\",
                                       "C:\\a",
                                       std::string("a\0b", 3),
                                       std::string("\0", 1),
                                       std::string("a/\0/../b", 8),
                                       "a/b/../../../etc/shadow"};
  ASSERT_EQ(nasty.size(), 26U);
  for (const auto& path : nasty) {
    const auto safe = safe_relative(path);
    ASSERT_FALSE(safe) << path;
    EXPECT_EQ(safe.error().code(), Code::invalid);
    EXPECT_FALSE(safe.error().hint().empty());
  }
}

TEST(Files, a_safe_path_is_bounded) {
  EXPECT_TRUE(safe_relative(std::string(limits::path_bytes, 'a')));
  EXPECT_FALSE(safe_relative(std::string(limits::path_bytes + 1, 'a')));
  std::string parts = "a";
  for (size_t i = 1; i < limits::path_parts; ++i) parts += "/a";
  EXPECT_TRUE(safe_relative(parts));
  EXPECT_FALSE(safe_relative(parts + "/a"));
}

TEST(Files, a_lock_has_one_owner_and_names_it) {
  const Folder folder;
  {
    const auto first = LockFile::take(folder / "lock", "process 12");
    ASSERT_TRUE(first);
    const auto second = LockFile::take(folder / "lock", "process 13");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code(), Code::conflict);
    EXPECT_EQ(second.error().message(), "the state folder is in use by process 12");
  }
  EXPECT_TRUE(LockFile::take(folder / "lock", "process 13"));
}

TEST(Files, a_full_disk_is_unavailable_with_a_hint) {
  const auto error = file_error("cannot write", "x", ENOSPC);
  EXPECT_EQ(error.code(), Code::unavailable);
  EXPECT_FALSE(error.hint().empty());
  EXPECT_EQ(file_error("cannot write", "x", EFBIG).hint(), error.hint());
  EXPECT_EQ(file_error("cannot write", "x", EACCES).code(), Code::denied);
}

}  // namespace
}  // namespace millrace
