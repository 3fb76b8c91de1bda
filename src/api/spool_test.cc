#include "api/spool.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "core/testing.h"

namespace millrace::api {
namespace {

TEST(Spool, keeps_the_bytes_and_knows_their_digest) {
  const testing::Folder folder;
  auto spool = Spool::open(folder.path());
  ASSERT_TRUE(spool) << spool.error().text();
  const std::string piece(3 << 20, 'x');
  std::string all;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(spool->append(piece));
    all += piece;
  }
  EXPECT_EQ(spool->digest(), digest_of(all));
  ASSERT_TRUE(spool->close());
  EXPECT_EQ(*read_file(spool->path(), 20 << 20), all);
}

TEST(Spool, goes_with_its_object_unless_moved_away) {
  const testing::Folder folder;
  std::string path;
  {
    auto spool = Spool::open(folder.path());
    ASSERT_TRUE(spool);
    const Spool moved = std::move(*spool);
    path = moved.path();
    EXPECT_TRUE(exists(path));
  }
  EXPECT_FALSE(exists(path));
}

TEST(Spool, a_folder_that_is_not_there_is_said) {
  EXPECT_EQ(Spool::open("/nowhere/at/all").error().code(), Code::not_found);
}

}  // namespace
}  // namespace millrace::api
