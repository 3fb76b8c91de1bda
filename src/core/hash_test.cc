#include "core/hash.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "core/testing.h"

namespace millrace {
namespace {

// The examples of FIPS 180-2.
TEST(Hash, agrees_with_the_standards_examples) {
  EXPECT_EQ(digest_of(""), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest_of("abc"), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest_of(std::string(1'000'000, 'a')),
            "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Hash, parts_give_the_same_as_the_whole) {
  Sha256 hash;
  for (int i = 0; i < 1'000; ++i) hash.update(std::string(1'000, 'a'));
  EXPECT_EQ(hash.digest(), digest_of(std::string(1'000'000, 'a')));
}

TEST(Hash, a_file_has_the_digest_of_its_bytes) {
  const testing::Folder folder;
  const std::string bytes(700'000, 'x');
  ASSERT_TRUE(write_file(folder / "a", bytes));
  EXPECT_EQ(*digest_of_file(folder / "a"), digest_of(bytes));
  EXPECT_EQ(digest_of_file(folder / "b").error().code(), Code::not_found);
  EXPECT_FALSE(digest_of_file(folder.path()));
}

TEST(Hash, only_a_whole_lower_case_digest_is_one) {
  const auto good = digest_of("");
  EXPECT_TRUE(is_digest(good));
  EXPECT_FALSE(is_digest(good.substr(0, 70)));
  EXPECT_FALSE(is_digest(good + "0"));
  EXPECT_FALSE(is_digest("sha256:" + std::string(64, 'A')));
  EXPECT_FALSE(is_digest("sha512:" + std::string(64, 'a')));
  EXPECT_FALSE(is_digest("sha256:../" + std::string(61, 'a')));
}

TEST(Hash, a_tree_does_not_depend_on_the_order_of_its_files) {
  const TreeEntry one{"a", 1, digest_of("1")}, two{"b", 1, digest_of("2")};
  EXPECT_EQ(digest_of_tree({one, two}), digest_of_tree({two, one}));
  EXPECT_NE(digest_of_tree({one, two}), digest_of_tree({one}));
  EXPECT_NE(digest_of_tree({one}), digest_of_tree({{"b", 1, one.digest}}));
  EXPECT_EQ(tree_manifest({one}), R"([{"digest":")" + one.digest + R"(","path":"a","size":1}])");
  EXPECT_EQ(tree_manifest({}), "[]");
}

}  // namespace
}  // namespace millrace
