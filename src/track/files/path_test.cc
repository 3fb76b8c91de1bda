#include "track/files/path.h"

#include <gtest/gtest.h>

namespace millrace::track {
namespace {

std::string refusal(std::string_view path) {
  const auto made = ArtifactPath::of_file("default", path);
  return made ? "" : made.error().message();
}

TEST(ArtifactPath, takes_plain_names) {
  for (const auto* path :
       {"a", "1/r/artifacts/a b/größe.bin", "a/.hidden", "a..b/c", "100%.txt", "a%zz", "1/C-3/x", "a/"})
    EXPECT_EQ(refusal(path), "") << path;
  EXPECT_EQ(ArtifactPath::of_file("team", "a/b/")->from_root(), "workspaces/team/a/b");
  EXPECT_EQ(ArtifactPath::of_file("team", "a/b/")->text(), "a/b");
  EXPECT_TRUE(ArtifactPath::of("team", "/")->is_root());
}

// Each of these has been a way to read or write a server's files through an artifact path (7166, CVE-2023-6977,
// CVE-2024-1483, -1558, -1560, -1594, -3848, GHSA-5cvj-7rg6-jggj).
TEST(ArtifactPath, refuses_every_way_out) {
  for (const auto* path : {"../etc/passwd",
                           "a/../../b",
                           "..",
                           "a/..",
                           "./a",
                           "a/./b",
                           "/etc/passwd",
                           "//etc/passwd",
                           "a//b",
                           "%2e%2e/passwd",
                           "%2E%2E%2Fpasswd",
                           "a/%2e%2e/%2e%2e/b",
                           "%252e%252e/passwd",
                           "%25252e%25252e%25252fpasswd",
                           "..%2fpasswd",
                           "..%5cpasswd",
                           "..\\passwd",
                           "a\\..\\b",
                           "%5c%5chost%5cshare",
                           "C:/windows",
                           "c:\\windows",
                           "C%3A/windows",
                           "a#/../b",
                           "a#b",
                           "a%23b",
                           "a%2523b",
                           "a?b=../../c",
                           "a%3fb",
                           "a%253fb",
                           "%2fetc/passwd",
                           "%252fetc/passwd",
                           "a%2f%2fb",
                           "a%00b",
                           "a%2500b",
                           "a\nb",
                           "a%0ab",
                           "a\x7f",
                           "file:///etc/passwd",
                           "workspaces/other/1",
                           ".millrace-x",
                           "a/.millrace-y"})
    EXPECT_NE(refusal(path), "") << path;
  EXPECT_NE(refusal(std::string_view("a\0b", 3)), "");
  EXPECT_NE(refusal(std::string(256, 'x')), "");
  EXPECT_NE(refusal(""), "");
  std::string deep = "%2e%2e";
  for (int i = 0; i < 20; ++i)
    for (size_t at = 0; (at = deep.find('%', at)) != std::string::npos; at += 3) deep.replace(at, 1, "%25");
  EXPECT_NE(refusal(deep.substr(0, 1000)), "");
  std::string parts;
  for (int i = 0; i < 40; ++i) parts += "a/";
  EXPECT_NE(refusal(parts), "");
}

TEST(ArtifactPath, says_which_path_and_why) {
  EXPECT_EQ(refusal("a/../b"), "Invalid path: the path 'a/../b' has an empty, '.' or '..' part");
  EXPECT_EQ(refusal("a#b"), "Invalid path: the path 'a#b' holds '#'");
}

}  // namespace
}  // namespace millrace::track
