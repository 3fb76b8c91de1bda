#include "registry/models/difference.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace millrace::registry {
namespace {

DiffSide side(int64_t version, double auc, const std::string& trees) {
  DiffSide out;
  out.stored.version.model = "late";
  out.stored.version.version = version;
  out.stored.version.digests.code = "sha256:code";
  out.stored.version.gates = {{.kind = "auc",
                               .parameters = {},
                               .ok = auc > 0.7,
                               .value = {{"value", auc}, {"low", auc - 0.01}, {"high", auc + 0.01}},
                               .reason = "because"}};
  out.stored.facts = {
      {"data", {{{"name", "flights"}, {"version", version}}, {{"name", "flights"}, {"version", version + 1}}}},
      {"stages",
       {{{"stage", "train"},
         {"params", {{"trees", trees}, {"leaves", 15}}},
         {"seed", 7},
         {"code", {{"train.py", "sha256:aa"}}},
         {"environment", {{"interpreter", "python 3.11"}, {"git", trees}}}}}}};
  out.report = {{"gates",
                 {{{"kind", "group_recall"},
                   {"evidence",
                    {{"groups",
                      {{"carrier",
                        {{{"group", "AA"}, {"rows", 500}, {"recall", auc - 0.3}, {"low", 0.1}, {"high", 0.9}},
                         {{"group", "B6"}, {"rows", 700}, {"recall", 0.5}, {"low", 0.1}, {"high", 0.9}}}}}}}}}}}};
  out.metrics = {{.key = "loss", .value = 0.3}};
  out.params = {{"depth", "4"}};
  return out;
}

std::string told(const Json& list) {
  std::string out;
  for (const auto& row : list)
    out += fmt::format("{}{} ", row["name"].get<std::string>(), row["differs"].get<bool>() ? "!" : "");
  return out;
}

TEST(VersionDiff, says_what_differs_first) {
  const auto diff = diff_versions(side(1, 0.69, "400"), side(2, 0.75, "500"));
  EXPECT_EQ(diff["from"]["node"], "model:late@1");
  EXPECT_EQ(told(diff["gates"]), "auc! ");
  EXPECT_EQ(diff["gates"][0]["from"]["ok"], false);
  EXPECT_EQ(told(diff["metrics"]), "auc! loss ");
  EXPECT_EQ(told(diff["params"]), "train.trees! depth train.leaves train.seed ");
  EXPECT_EQ(diff["params"][0]["to"], "500");
  EXPECT_EQ(told(diff["data"]), "flights! ");
  EXPECT_EQ(diff["data"][0]["from"], "versions 1, 2");
  EXPECT_EQ(told(diff["code"]), "(all code) train.train.py ");
  EXPECT_EQ(told(diff["environment"]), "train.interpreter ");
  EXPECT_EQ(told(diff["signature"]), "");
  ASSERT_EQ(diff["groups"].size(), 2U);
  EXPECT_EQ(diff["groups"][0]["group"], "AA");
  EXPECT_EQ(diff["groups"][0]["rows"], (Json{{"from", 500}, {"to", 500}}));
  EXPECT_EQ(diff["groups"][1]["differs"], false);
}

TEST(VersionDiff, of_a_version_that_says_little_has_what_the_other_says) {
  DiffSide bare;
  bare.stored.version.model = "late";
  bare.stored.version.version = 3;
  const auto diff = diff_versions(bare, side(2, 0.75, "500"));
  EXPECT_EQ(diff["gates"][0]["from"], nullptr);
  EXPECT_EQ(told(diff["data"]), "flights! ");
  EXPECT_EQ(diff["groups"][0]["from"], nullptr);
}

}  // namespace
}  // namespace millrace::registry
