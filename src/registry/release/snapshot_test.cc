#include "registry/release/snapshot.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "core/files.h"
#include "core/hash.h"

namespace millrace::registry {
namespace {

ReleaseSnapshot example() {
  ReleaseSnapshot out;
  out.deployment = "late";
  out.release = 3;
  out.salt = "abc";
  out.unit = "tailnum";
  out.stable = {.model = "late",
                .version = 2,
                .digest = digest_of("x"),
                .file = "files/x.onnx",
                .contract = "files/c.yaml",
                .threshold = 0.25};
  out.shadows.push_back({.model = "late", .version = 4, .digest = digest_of("y"), .file = "files/y.onnx"});
  out.created_at = 1'370'000'000'000'000;
  out.reason = "first";
  out.subject = "local:me";
  return out;
}

std::string folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "snapshot.XXXXXX").string();
  return ::mkdtemp(pattern.data());
}

TEST(ReleaseSnapshot, reads_back_what_was_stored) {
  const auto place = folder();
  ASSERT_TRUE(store_snapshot(place, example()));
  auto read = load_snapshot(place + "/current.json");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(to_json(*read), to_json(example()));
  EXPECT_TRUE(remove_tree(place));
}

TEST(ReleaseSnapshot, a_missing_file_is_not_found) {
  auto read = load_snapshot("/nonexistent/current.json");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), Code::not_found);
}

TEST(ReleaseSnapshot, refuses_each_missing_and_each_unknown_key) {
  const Json whole = to_json(example());
  for (const auto& [key, value] : whole.items()) {
    Json part = whole;
    part.erase(key);
    auto read = parse_snapshot(to_text(part), "s");
    ASSERT_FALSE(read) << key;
    EXPECT_EQ(read.error().code(), Code::corrupt);
    EXPECT_EQ(read.error().where().field, key);
  }
  Json more = whole;
  more["stable"]["colour"] = 1;
  auto read = parse_snapshot(to_text(more), "s");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().where().field, "stable.colour");
}

TEST(ReleaseSnapshot, refuses_every_truncation) {
  const std::string text = to_text(to_json(example()));
  for (size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(parse_snapshot(text.substr(0, size), "s")) << size;
}

TEST(ReleaseSnapshot, will_not_store_a_path_that_leaves_the_folder) {
  auto bad = example();
  bad.stable.file = "../secret.onnx";
  auto stored = store_snapshot(folder(), bad);
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().code(), Code::invalid);
  EXPECT_EQ(stored.error().where().field, "stable.file");
}

}  // namespace
}  // namespace millrace::registry
