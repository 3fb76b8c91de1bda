#include "track/artifacts.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "core/files.h"
#include "core/hash.h"
#include "core/testing.h"

namespace millrace::track {
namespace {

class ArtifactsTest : public ::testing::Test {
 protected:
  testing::Folder folder;
  Artifacts artifacts{folder / "artifacts"};

  std::string spool(const std::string& bytes) {
    const auto path = folder / "upload";
    EXPECT_TRUE(write_file(path, bytes));
    return path;
  }
  std::string read(const std::string& workspace, const std::string& path) {
    const auto file = artifacts.file(workspace, path);
    return file ? read_file(*file, 1000).value_or("?") : "(" + std::string(name_of(file.error().code())) + ")";
  }
};

TEST_F(ArtifactsTest, keeps_what_is_put_and_replaces_it_whole) {
  const auto stored = artifacts.put("default", "1/r/artifacts/a/b.txt", spool("one"));
  ASSERT_TRUE(stored) << stored.error().text();
  EXPECT_EQ(stored->digest, digest_of("one"));
  EXPECT_EQ(stored->size, 3);
  EXPECT_EQ(read("default", "1/r/artifacts/a/b.txt"), "one");
  ASSERT_TRUE(artifacts.put("default", "1/r/artifacts/a/b.txt", spool("two!")));
  EXPECT_EQ(read("default", "1/r/artifacts/a/b.txt"), "two!");
  ASSERT_TRUE(artifacts.put_text("default", "1/r/artifacts/c", ""));
  EXPECT_EQ(read("default", "1/r/artifacts/c"), "");
}

TEST_F(ArtifactsTest, takes_over_from_another_file_system) {
  std::string elsewhere = "/dev/shm/millrace-test-XXXXXX";  // in memory, whatever the folder of the test is on
  const int descriptor = ::mkstemp(elsewhere.data());
  ASSERT_GE(descriptor, 0);
  ::close(descriptor);
  ASSERT_TRUE(write_file(elsewhere, "from afar"));
  const auto stored = artifacts.put("default", "1/r/artifacts/a/b.txt", elsewhere);
  ::unlink(elsewhere.c_str());
  ASSERT_TRUE(stored) << stored.error().text();
  EXPECT_EQ(read("default", "1/r/artifacts/a/b.txt"), "from afar");
  EXPECT_EQ(artifacts.find("default", "1/r/artifacts/a/b.txt")->stamp, stored->stamp);
  EXPECT_EQ(artifacts.list("default", "")->size(), 1U);  // what it came through is not seen
  EXPECT_EQ(*artifacts.leftovers(system_clock().now() + 60'000'000, Leftovers::count), 0);
}

TEST_F(ArtifactsTest, lists_one_folder_sorted) {
  ASSERT_TRUE(artifacts.put_text("default", "x/b", "12"));
  ASSERT_TRUE(artifacts.put_text("default", "x/a/c", "1"));
  const auto files = artifacts.list("default", "x");
  ASSERT_TRUE(files);
  ASSERT_EQ(files->size(), 2U);
  EXPECT_EQ((*files)[0].path, "a");
  EXPECT_TRUE((*files)[0].is_folder);
  EXPECT_EQ((*files)[1].path, "b");
  EXPECT_EQ((*files)[1].size, 2);
  EXPECT_TRUE(artifacts.list("default", "nowhere")->empty());
  EXPECT_TRUE(artifacts.list("default", "x/b")->empty());
  EXPECT_EQ(artifacts.list("default", "")->size(), 1U);
}

TEST_F(ArtifactsTest, no_path_leaves_the_folder) {
  for (const auto* path : {"../x", "a/../../x", "/etc/passwd", "a//b", "a/./b", "a\\b", "..", ".", "a/..", ""}) {
    EXPECT_FALSE(artifacts.put_text("default", path, "x")) << path;
    EXPECT_FALSE(artifacts.file("default", path)) << path;
    EXPECT_FALSE(artifacts.remove("default", path)) << path;
  }
  EXPECT_FALSE(artifacts.put_text("default", std::string("a\0b", 3), "x"));
  EXPECT_FALSE(artifacts.put_text("default", std::string(300, 'x'), "x"));
  EXPECT_FALSE(exists(folder / "x"));
}

TEST_F(ArtifactsTest, links_are_not_followed) {
  ASSERT_TRUE(artifacts.put_text("default", "r/a", "1"));
  ASSERT_TRUE(write_file(folder / "secret", "s"));
  ASSERT_EQ(::symlink(folder.path().c_str(), (folder / "artifacts/r/out").c_str()), 0);
  ASSERT_EQ(::symlink((folder / "secret").c_str(), (folder / "artifacts/r/link").c_str()), 0);
  EXPECT_EQ(read("default", "r/out/secret"), "(invalid)");
  EXPECT_EQ(read("default", "r/link"), "(invalid)");
  EXPECT_FALSE(artifacts.put_text("default", "r/out/new", "x"));
  EXPECT_FALSE(artifacts.remove("default", "r/out/secret"));
  EXPECT_TRUE(artifacts.list("default", "r/out")->empty());
  EXPECT_EQ(artifacts.list("default", "r")->size(), 1U);
  ASSERT_TRUE(artifacts.remove("default", "r"));  // takes the links themselves away
  EXPECT_TRUE(exists(folder / "secret"));
}

TEST_F(ArtifactsTest, workspaces_do_not_see_each_other) {
  ASSERT_TRUE(artifacts.put_text("default", "1/a", "default"));
  ASSERT_TRUE(artifacts.put_text("team", "1/a", "team"));
  EXPECT_EQ(read("default", "1/a"), "default");
  EXPECT_EQ(read("team", "1/a"), "team");
  EXPECT_EQ(read("default", "workspaces/team/1/a"), "(invalid)");
  EXPECT_EQ(read("other", "1/a"), "(not_found)");
  EXPECT_EQ(artifacts.list("default", "")->size(), 1U);
}

TEST_F(ArtifactsTest, removes_a_file_or_a_whole_folder) {
  ASSERT_TRUE(artifacts.put_text("default", "r/a/b/c", "1"));
  ASSERT_TRUE(artifacts.put_text("default", "r/d", "1"));
  ASSERT_TRUE(artifacts.remove("default", "r/a"));
  EXPECT_EQ(artifacts.list("default", "r")->size(), 1U);
  const auto again = artifacts.remove("default", "r/a");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Code::not_found);
}

}  // namespace
}  // namespace millrace::track
