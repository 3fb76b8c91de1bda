#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "core/files.h"
#include "core/testing.h"
#include "store/blobs.h"

namespace millrace::store {
namespace {

class FileBlobs : public ::testing::Test {
 protected:
  testing::Folder folder;
  testing::World world;
  std::unique_ptr<Blobs> blobs = std::move(*open_file_blobs(folder / "blobs", world.context));

  size_t files() const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "blobs"))
      count += entry.is_regular_file() ? 1 : 0;
    return count;
  }
};

TEST_F(FileBlobs, what_was_put_is_got_by_its_digest) {
  for (const std::string& bytes : {std::string(), std::string("a\0b", 3), std::string(1 << 20, 'x')}) {
    const auto digest = blobs->put(bytes);
    ASSERT_TRUE(digest);
    EXPECT_EQ(*digest, digest_of(bytes));
    EXPECT_EQ(*blobs->get(*digest, 1 << 20), bytes);
    EXPECT_TRUE(*blobs->has(*digest));
    EXPECT_TRUE(blobs->verify(*digest));
  }
}

TEST_F(FileBlobs, putting_again_changes_nothing) {
  const auto first = blobs->put("x");
  const auto second = blobs->put("x");
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(files(), 1U);
}

TEST_F(FileBlobs, a_file_is_copied_and_nothing_is_left_beside) {
  ASSERT_TRUE(write_file(folder / "in", "content"));
  EXPECT_EQ(*blobs->put_file(folder / "in"), digest_of("content"));
  EXPECT_EQ(*blobs->put_file(folder / "in"), digest_of("content"));
  EXPECT_EQ(*read_file(folder / "in", 100), "content");
  EXPECT_EQ(files(), 1U);
  EXPECT_EQ(blobs->put_file(folder / "none").error().code(), Code::not_found);
  EXPECT_FALSE(blobs->put_file(folder.path()));
  EXPECT_EQ(files(), 1U);
  struct stat info {};
  ASSERT_EQ(::stat(blobs->path_of(digest_of("content"))->c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0400U);
}

TEST_F(FileBlobs, changed_bytes_are_corrupt_with_the_path) {
  const auto digest = *blobs->put("content");
  const auto path = *blobs->path_of(digest);
  ASSERT_TRUE(write_file(path, "cantent"));
  EXPECT_EQ(blobs->get(digest, 100).error().code(), Code::corrupt);
  EXPECT_EQ(blobs->verify(digest).error().where().file, path);
  EXPECT_FALSE(blobs->verify(digest).error().hint().empty());
}

TEST_F(FileBlobs, what_is_not_there_is_not_found) {
  const auto digest = digest_of("never");
  EXPECT_FALSE(*blobs->has(digest));
  EXPECT_EQ(blobs->get(digest, 100).error().code(), Code::not_found);
  EXPECT_EQ(blobs->path_of(digest).error().code(), Code::not_found);
  EXPECT_TRUE(blobs->remove(digest));
}

TEST_F(FileBlobs, text_that_is_no_digest_never_becomes_a_path) {
  for (const std::string& text :
       {std::string(), std::string("sha256:"), std::string("../../etc/passwd"), "sha256:" + std::string(64, 'A'),
        "sha256:" + std::string(64, '/'), "sha256:../" + std::string(61, 'a'), digest_of("x") + "0",
        "md5:" + std::string(67, 'a'), digest_of("x").substr(0, 70)}) {
    EXPECT_EQ(blobs->get(text, 1).error().code(), Code::invalid) << text;
    EXPECT_EQ(blobs->path_of(text).error().code(), Code::invalid);
    EXPECT_EQ(blobs->has(text).error().code(), Code::invalid);
    EXPECT_EQ(blobs->remove(text).error().code(), Code::invalid);
    EXPECT_EQ(blobs->verify(text).error().code(), Code::invalid);
  }
}

TEST_F(FileBlobs, a_limit_holds_when_getting) {
  const auto digest = *blobs->put("12345");
  EXPECT_TRUE(blobs->get(digest, 5));
  EXPECT_EQ(blobs->get(digest, 4).error().code(), Code::too_large);
}

TEST_F(FileBlobs, removing_takes_it_away) {
  const auto digest = *blobs->put("x");
  ASSERT_TRUE(blobs->remove(digest));
  EXPECT_FALSE(*blobs->has(digest));
}

TEST_F(FileBlobs, says_when_each_was_put_last) {
  const auto digest = *blobs->put("a");
  ASSERT_TRUE(write_file(folder / "in", "b"));
  const auto other = *blobs->put_file(folder / "in");
  const auto first = world.clock.now();
  world.clock.advance(1'000'000);
  ASSERT_TRUE(blobs->put("a"));
  std::map<std::string, Micros> seen;
  for (int i = 0; i < 256; ++i) {
    const auto some = blobs->list(static_cast<uint8_t>(i));
    ASSERT_TRUE(some);
    for (const auto& blob : *some) {
      seen[blob.digest] = blob.put_at;
      EXPECT_EQ(blob.size, 1);
    }
  }
  EXPECT_EQ(seen, (std::map<std::string, Micros>{{digest, first + 1'000'000}, {other, first}}));
}

TEST_F(FileBlobs, only_what_was_not_put_again_is_removed_as_idle) {
  const auto digest = *blobs->put("a");
  const auto marked = world.clock.now() + 1;
  EXPECT_FALSE(*blobs->remove_idle(digest, marked - 1));  // at `since` itself counts as later
  world.clock.advance(1);
  ASSERT_TRUE(blobs->put("a"));
  EXPECT_FALSE(*blobs->remove_idle(digest, marked));
  EXPECT_TRUE(*blobs->has(digest));
  EXPECT_TRUE(*blobs->remove_idle(digest, marked + 1));
  EXPECT_FALSE(*blobs->has(digest));
  EXPECT_FALSE(*blobs->remove_idle(digest, marked + 1));
  EXPECT_EQ(blobs->remove_idle("../etc", marked).error().code(), Code::invalid);
}

TEST_F(FileBlobs, what_is_put_while_it_is_removed_is_there_for_whoever_put_it) {
  const auto digest = *blobs->put("a");
  std::atomic<bool> over{false};
  std::thread removing([&] {
    while (!over) EXPECT_TRUE(blobs->remove_idle(digest, world.clock.now()));
  });
  for (int i = 0; i < 2'000; ++i) {
    world.clock.advance(1);
    ASSERT_TRUE(blobs->put("a"));
    ASSERT_TRUE(*blobs->has(digest));  // the clock stands still: what was put now is not older than now
  }
  over = true;
  removing.join();
}

TEST_F(FileBlobs, what_writers_left_half_way_is_found_by_its_name_and_age) {
  const auto digest = *blobs->put("a");
  const auto hex = digest.substr(7);
  const std::string left = hex.substr(0, 2) + "/" + hex + ".abc123";
  for (const auto& name : {std::string("incoming-0123456789abcdef"), std::string("other"), left})
    std::ofstream(folder / "blobs/" + name) << "x";
  const Micros later = system_clock().now() + 10'000'000;
  EXPECT_EQ(*blobs->leftovers(later - 3'600'000'000, Leftovers::count), 0);
  EXPECT_EQ(*blobs->leftovers(later, Leftovers::count), 2);
  EXPECT_EQ(files(), 4U);
  EXPECT_EQ(*blobs->leftovers(later, Leftovers::remove), 2);
  EXPECT_EQ(files(), 2U);
  EXPECT_TRUE(*blobs->has(digest));
}

TEST_F(FileBlobs, many_threads_may_put_the_same) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread)
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) EXPECT_TRUE(blobs->put(std::to_string(i)));
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(files(), 10U);
}

}  // namespace
}  // namespace millrace::store
