#include "exchange/registered.h"

#include <gtest/gtest.h>

namespace millrace::exchange {
namespace {

const std::string kRun = "0123456789abcdef0123456789abcdef";

VersionPlace placed(const std::string& source, const std::string& run = "", const std::string& model = "") {
  return place_of({.model = "late", .number = 1, .source = source, .run_id = run, .model_id = model});
}

TEST(VersionPlace, is_the_same_however_a_store_writes_it) {
  const auto same = "runs:/" + kRun + "/deep/er";
  for (const auto& source :
       {same, "/srv/mlruns/1/" + kRun + "/artifacts/deep/er", "file:///srv/mlruns/1/" + kRun + "/artifacts/deep/er/",
        "mlflow-artifacts:/1/" + kRun + "/artifacts/deep/er", "s3://bucket/1/" + kRun + "/artifacts/deep/er"}) {
    const auto place = placed(source, kRun);
    EXPECT_EQ(place.text, same) << source;
    EXPECT_EQ(place.run_id, kRun);
    EXPECT_EQ(place.path, "deep/er");
    EXPECT_EQ(place.remote, source.starts_with("s3:")) << source;
  }
  EXPECT_EQ(placed("/a/1/" + kRun + "/artifacts", kRun).text, "runs:/" + kRun);
}

TEST(VersionPlace, of_a_logged_model) {
  EXPECT_EQ(placed("models:/m-1").model_id, "m-1");
  EXPECT_EQ(placed("mlflow-artifacts:/1/models/m-1/artifacts", kRun, "m-1").text, "models:/m-1");
  EXPECT_EQ(placed("/x/1/models/m-2/artifacts/model").text, "models:/m-2/model");
  EXPECT_EQ(placed("models:/late/3").text, "models:/late/3");
  EXPECT_EQ(placed("models:/late/3").model_id, "");
  EXPECT_EQ(placed("models:/m-1@champion").model_id, "");
}

TEST(VersionPlace, finds_the_run_of_a_version_that_names_none) {
  Version version{.model = "late", .number = 1, .source = "/srv/1/" + kRun + "/artifacts/model"};
  settle(version, place_of(version));
  EXPECT_EQ(version.run_id, kRun);
  EXPECT_EQ(placed("s3://bucket/1/" + kRun + "/artifacts/model").run_id, "");  // nobody says that it is ours
}

TEST(VersionPlace, is_found_below_other_folders_of_that_name) {
  EXPECT_EQ(placed("/srv/artifacts/1/" + kRun + "/artifacts/model").text, "runs:/" + kRun + "/model");
}

TEST(VersionPlace, elsewhere_is_what_is_in_no_runs_artifacts) {
  for (const std::string source : {"/etc", "/etc/artifacts", "/artifacts", "file:///srv/model", "dummy-source", "",
                                   "https://host/x", "/srv/1/0123/artifacts/model"}) {
    const auto place = placed(source);
    EXPECT_EQ(place.text, source);
    EXPECT_TRUE(place.run_id.empty() && place.model_id.empty()) << source;
  }
  EXPECT_EQ(placed("/srv/" + kRun + "/artifacts2/model", kRun).run_id, "");
}

TEST(RegisteredFacts, tell_words_from_places) {
  Version here{
      .model = "late", .number = 1, .source = "mlflow-artifacts:/1/" + kRun + "/artifacts/model", .run_id = kRun};
  auto there = here;
  there.source = "/srv/mlruns/7/" + kRun + "/artifacts/model";
  EXPECT_EQ(facts_of(here).digest(), facts_of(there).digest());
  there.source += "s";
  EXPECT_NE(facts_of(here).digest(), facts_of(there).digest());
  there = here;
  there.tags.push_back({"a", "b"});
  EXPECT_NE(facts_of(here).digest(), facts_of(there).digest());
  EXPECT_EQ(facts_of(there).counts.tags, 1);
  EXPECT_EQ(facts_of(there).counts.versions, 1);
}

}  // namespace
}  // namespace millrace::exchange
