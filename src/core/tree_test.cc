#include "core/tree.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>

#include "core/files.h"
#include "core/testing.h"

namespace millrace {
namespace {

class TreeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(make_folders(folder / "top/deep/er"));
    ASSERT_TRUE(write_file(folder / "top/a", "one"));
    ASSERT_TRUE(write_file(folder / "top/deep/er/b", "two"));
    ASSERT_TRUE(write_file(folder / "secret", "s"));
    ASSERT_EQ(::symlink("../secret", (folder / "top/link").c_str()), 0);
    ASSERT_EQ(::symlink("..", (folder / "top/up").c_str()), 0);
    ASSERT_EQ(::mkfifo((folder / "top/pipe").c_str(), 0600), 0);
  }
  testing::Folder folder;
};

TEST_F(TreeTest, files_are_found_and_read_below_the_folder) {
  const auto tree = *Tree::open(folder / "top");
  EXPECT_EQ(*tree.read("deep/er/b", 10), "two");
  EXPECT_TRUE(tree.has_file("a"));
  EXPECT_TRUE(tree.has_folder("deep/er"));
  EXPECT_FALSE(tree.has_folder("a"));
  EXPECT_EQ(tree.read("none", 10).error().code(), Code::not_found);
  EXPECT_EQ(tree.read("a", 2).error().code(), Code::too_large);
  EXPECT_TRUE(tree.list("none")->empty());
  EXPECT_EQ(tree.list("")->size(), 5U);
}

TEST_F(TreeTest, nothing_leads_out_of_the_folder_and_nothing_holds_the_reader) {
  const auto tree = *Tree::open(folder / "top");
  for (const char* path : {"link", "up/secret", "up/top/a", "../secret", "/etc/passwd", "deep/../../secret", "pipe"}) {
    EXPECT_FALSE(tree.read(path, 100)) << path;
    EXPECT_FALSE(tree.has_file(path)) << path;
  }
  EXPECT_FALSE(tree.has_folder("up"));
}

TEST_F(TreeTest, a_walk_names_what_it_leaves_out) {
  const auto tree = *Tree::open(folder / "top");
  std::map<std::string, int64_t> files;
  std::vector<std::string> others;
  ASSERT_TRUE(tree.walk("", {.file = [&](const std::string& path, int64_t size) -> Result<void> {
                               files[path] = size;
                               return {};
                             },
                             .other = [&](const std::string& path, const std::string&) { others.push_back(path); }}));
  EXPECT_EQ(files, (std::map<std::string, int64_t>{{"a", 3}, {"deep/er/b", 3}}));
  EXPECT_EQ(others, (std::vector<std::string>{"link", "pipe", "up"}));
}

TEST_F(TreeTest, the_folder_itself_may_be_named_by_a_link) {
  ASSERT_EQ(::symlink("top", (folder / "alias").c_str()), 0);
  const auto tree = Tree::open(folder / "alias");
  ASSERT_TRUE(tree);
  EXPECT_EQ(*tree->read("a", 10), "one");
  EXPECT_EQ(Tree::open(folder / "nowhere").error().code(), Code::not_found);
}

}  // namespace
}  // namespace millrace
