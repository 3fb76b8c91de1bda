#include "registry/release/review_rules.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "registry/release/snapshot.h"

namespace millrace::registry {
namespace {

Result<std::vector<ReviewRule>> read(const std::string& text) {
  const auto yaml = parse_yaml("review: " + text + "\n", "millrace.yaml");
  EXPECT_TRUE(yaml) << yaml.error().text();
  return read_review(*yaml->find("review"));
}

// "message | hint", with a place.
std::string refused(const std::string& text) {
  const auto rules = read(text);
  if (rules) return "ok";
  EXPECT_EQ(rules.error().code(), Code::invalid);
  EXPECT_GT(rules.error().where().line, 0) << rules.error().text();
  return rules.error().message() + " | " + rules.error().hint();
}

TEST(ReviewRules, are_read_and_come_back_from_a_snapshot) {
  const auto rules = read("[{when: score > 0.5}, {name: odd, flag: any, share: 0.25}, {name: spot, share: 0.01}]");
  ASSERT_TRUE(rules) << rules.error().text();
  ASSERT_EQ(rules->size(), 3U);
  EXPECT_EQ(rules->at(0).name, "rule-1");
  EXPECT_EQ(rules->at(0).when, "score > 0.5");
  EXPECT_EQ(rules->at(0).share, 1);
  EXPECT_EQ(rules->at(1).flag, "any");
  const std::string digest = "sha256:" + std::string(64, 'a');
  ReleaseSnapshot snapshot{.deployment = "late", .release = 1, .unit_header = "x-user", .runtime = "native"};
  snapshot.stable = {.model = "late", .version = 1, .digest = digest, .file = "files/a.onnx"};
  snapshot.review = *rules;
  const auto again = parse_snapshot(to_text(to_json(snapshot)), "test");
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(to_json(again->review), to_json(*rules));
  EXPECT_EQ(again->unit_header, "x-user");
  EXPECT_EQ(again->runtime, "native");
  for (const auto& [key, value] : {std::pair<std::string, Json>("name", ""), {"share", 0}, {"share", "all"}}) {
    Json bad = to_json(snapshot);
    bad["review"][1][key] = value;
    const auto parsed = parse_snapshot(to_text(bad), "test");
    ASSERT_FALSE(parsed) << key;
    EXPECT_EQ(parsed.error().code(), Code::corrupt);
  }
  snapshot.review.clear();
  EXPECT_FALSE(to_json(snapshot).contains("review")) << "as snapshots were before";
}

TEST(ReviewRules, what_is_wrong_is_named_with_the_way_out) {
  constexpr auto* kExample = "write e.g. review: [{name: unsure, when: \"score BETWEEN 0.45 AND 0.55\"}]";
  EXPECT_EQ(refused("score > 0.5"), fmt::format("review is a list of rules | {}", kExample));
  EXPECT_EQ(refused("[score]"), fmt::format("a rule of review is a map | {}", kExample));
  EXPECT_EQ(refused("[{wen: score > 0.5}]"), "unknown key 'wen' | did you mean 'when'?");
  EXPECT_EQ(refused("[{when: ''}]"), fmt::format("the condition is empty | {}", kExample));
  EXPECT_EQ(refused("[{name: a/b, share: 0.5}]"), "'a/b' is not a name of a rule | letters, digits, '_', '-' and '.'");
  EXPECT_EQ(refused("[{share: 0}]"),
            "share is 0, and must be above 0 and at most 1 | 0.1 sends a tenth of the units to people");
  EXPECT_EQ(refused("[{share: 1.5}]"),
            "share is 1.5, and must be above 0 and at most 1 | 0.1 sends a tenth of the units to people");
  EXPECT_EQ(refused("[{name: all}]"),
            "the rule 'all' sends every request to people | give it when, flag, or a share below 1");
  EXPECT_EQ(refused("[{flag: ''}]"), "the flag is empty | write flag: any, or the name of a field");
  EXPECT_EQ(refused("[{name: a, share: 0.1}, {name: a, share: 0.2}]"), "the rule 'a' stands here twice | ");
}

TEST(ReviewRules, have_limits) {
  std::string many;
  for (size_t i = 0; i <= limits::review_rules; ++i) many += "{share: 0.1}, ";
  EXPECT_EQ(refused("[" + many + "]"), "a deployment has at most 20 rules of review | ");
  EXPECT_EQ(refused("[{when: " + std::string(limits::review_condition_bytes + 1, 'x') + "}]"),
            "a condition has at most 2000 bytes | split it into several rules");
}

}  // namespace
}  // namespace millrace::registry
