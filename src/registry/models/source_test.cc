#include "registry/models/source.h"

#include <gtest/gtest.h>

namespace millrace::registry {
namespace {

using Kind = SourceUri::Kind;

TEST(Source, reads_what_clients_name) {
  const auto run = parse_source("runs:/0123/model/inner");
  ASSERT_TRUE(run) << run.error().text();
  EXPECT_EQ(run->kind, Kind::run);
  EXPECT_EQ(run->id, "0123");
  EXPECT_EQ(joined(run->path), "model/inner");
  const auto logged = parse_source("models:/m-0123");
  EXPECT_EQ(logged->kind, Kind::logged_model);
  EXPECT_EQ(logged->id, "m-0123");
  const auto version = parse_source("models:/late/3");
  EXPECT_EQ(version->kind, Kind::version);
  EXPECT_EQ(version->pointer, "3");
  const auto alias = parse_source("models:/late@champion");
  EXPECT_EQ(alias->id, "late");
  EXPECT_EQ(alias->pointer, "@champion");
  EXPECT_EQ(joined(parse_source("mlflow-artifacts:/0/r/artifacts/my%20model/")->path), "0/r/artifacts/my model");
  EXPECT_EQ(parse_source("s3://bucket/model")->kind, Kind::remote);
}

TEST(Source, refuses_what_hides_a_way_out) {
  for (const char* source : {"",
                             "model",
                             "/etc/passwd",
                             "./x",
                             "file:///etc/passwd",
                             "FILE:/etc/passwd",
                             "%66ile:///etc/passwd",
                             "%2566ile:/etc",
                             "runs:/r/../x",
                             "runs:/r/%2e%2e/x",
                             "runs:/r/%252e%252e%252fx",
                             "runs:/r/..%2fx",
                             "runs:/r/x#/../..",
                             "runs:/r/x?y=..",
                             "runs:/r/x%23",
                             "runs:/r/x%253F",
                             "runs:/r/a%00b",
                             "runs:/r\\..\\x",
                             "runs:/r/./x",
                             "runs:/",
                             "runs://host/r",
                             "models:/",
                             "models://host/m-1",
                             "models:/a/b/c",
                             "mlflow-artifacts://host:80/0/r",
                             "http://h/api/2.0/mlflow-artifacts/artifacts/0",
                             "https://h/ajax-api/2.0//mlflow-artifacts//artifacts/0",
                             "s3://b/a/../c",
                             "s3://b/a/..%2fc",
                             "C:\\windows"}) {
    const auto refused = parse_source(source);
    ASSERT_FALSE(refused) << source;
    EXPECT_EQ(refused.error().code(), Code::invalid) << source;
    EXPECT_TRUE(refused.error().message().starts_with("Invalid model version source: '")) << source;
  }
  EXPECT_EQ(parse_source("runs:/" + std::string(5'000, 'a')).error().code(), Code::invalid);
}

TEST(Source, a_part_is_within_its_root_part_by_part) {
  EXPECT_TRUE(is_within({"0", "r", "artifacts", "model"}, "0/r/artifacts"));
  EXPECT_TRUE(is_within({"0", "r", "artifacts"}, "0/r/artifacts"));
  EXPECT_FALSE(is_within({"0", "r", "artifacts2"}, "0/r/artifacts"));
  EXPECT_FALSE(is_within({"0", "r"}, "0/r/artifacts"));
  EXPECT_FALSE(is_within({"0"}, "")) << "nothing lies within no root";
}

}  // namespace
}  // namespace millrace::registry
