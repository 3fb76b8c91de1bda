#include "versions/objects/manifest.h"

#include <gtest/gtest.h>

#include <map>

#include <fmt/format.h>

namespace millrace::versions {
namespace {

using Kept = std::map<Digest, std::string>;

Keep keep_in(Kept& kept) {
  return [&kept](const Digest& digest, std::string bytes) -> Result<void> {
    kept[digest] = std::move(bytes);
    return {};
  };
}

Fetch fetch_from(const Kept& kept) {
  return [&kept](const Digest& digest) -> Result<std::string> {
    const auto found = kept.find(digest);
    if (found == kept.end()) return Error{Code::not_found, "no such manifest"};
    return found->second;
  };
}

std::vector<Entry> many(int count) {
  std::vector<Entry> out;
  for (int i = 0; i < count; ++i) {
    const auto name = fmt::format("f{:07}", i);
    out.push_back({.kind = Kind::file, .digest = hash_of(name), .size = i, .files = 1, .name = name});
  }
  return out;
}

TEST(Manifest, reads_back_what_was_written) {
  const std::vector<Entry> entries{
      {.kind = Kind::exec, .digest = hash_of("a"), .size = 3, .files = 1, .name = "a b%\n\x7f"},
      {.kind = Kind::tree, .digest = hash_of("b"), .size = 40, .files = 7, .name = "folder"},
      {.kind = Kind::file, .digest = hash_of("c"), .size = 0, .files = 1, .name = "\xff\xfe not UTF-8"}};
  Kept kept;
  const auto top = *write_folder(entries, keep_in(kept));
  EXPECT_EQ(top.files, 9);
  EXPECT_EQ(top.size, 43);
  const auto back = *read_folder(top.digest, fetch_from(kept));
  ASSERT_EQ(back.size(), entries.size());
  for (size_t i = 0; i < back.size(); ++i) {
    EXPECT_EQ(back[i].name, entries[i].name);
    EXPECT_EQ(back[i].digest, entries[i].digest);
    EXPECT_EQ(back[i].kind, entries[i].kind);
    EXPECT_EQ(back[i].size, entries[i].size);
    EXPECT_EQ(back[i].files, entries[i].files);
  }
}

TEST(Manifest, a_change_in_a_large_folder_makes_two_manifests) {
  auto entries = many(50'000);
  Kept before;
  const auto first = *write_folder(entries, keep_in(before));
  ASSERT_GT(before.size(), 10U);
  for (const auto& [digest, text] : before) EXPECT_LT(text.size(), size_t{2} << 20);
  entries[31'234].digest = hash_of("another");
  entries.insert(entries.begin() + 7,
                 {.kind = Kind::file, .digest = hash_of("x"), .size = 1, .files = 1, .name = entries[6].name + "5"});
  Kept after;
  const auto second = *write_folder(entries, keep_in(after));
  EXPECT_NE(first.digest, second.digest);
  EXPECT_EQ(second.files, 50'001);
  size_t changed = 0;
  for (const auto& [digest, text] : after) changed += before.contains(digest) ? 0 : 1;
  EXPECT_EQ(changed, 3U);  // two parts and the top
  EXPECT_EQ(read_folder(second.digest, fetch_from(after))->size(), 50'001U);
}

TEST(Manifest, refuses_names_that_lead_elsewhere) {
  const auto digest = hash_of("x").hex();
  for (const auto* name : {"..", ".", "", "a/b", "%2e%2e", "%2F", "%00", "%zz", "%4"}) {
    const auto text = fmt::format("millrace-tree 1\nfile {} 1 1 {}\n", digest, name);
    const auto read = read_manifest(text, "m");
    ASSERT_FALSE(read.ok()) << name;
    EXPECT_EQ(read.error().code(), Code::corrupt) << name;
  }
}

TEST(Manifest, refuses_what_it_never_writes) {
  const auto digest = hash_of("x").hex();
  for (const std::string& text :
       {std::string("else\n"), std::string("millrace-tree 1\nfile"),
        fmt::format("millrace-tree 1\nlink {} 1 1 a\n", digest),
        fmt::format("millrace-tree 1\nfile {} -1 1 a\n", digest), fmt::format("millrace-tree 1\nfile {} 1 1 a", digest),
        fmt::format("millrace-tree 1\nfile {0} 1 1 b\nfile {0} 1 1 a\n", digest),
        fmt::format("millrace-tree 1\nfile {0} 1 1 a\nfile {0} 1 1 a\n", digest)})
    EXPECT_FALSE(read_manifest(text, "m").ok()) << text;
}

}  // namespace
}  // namespace millrace::versions
