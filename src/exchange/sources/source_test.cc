#include "exchange/sources/source.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>

#include <fmt/format.h>

#include "core/files.h"
#include "core/testing.h"
#include "exchange/sources/source_files.h"

namespace millrace::exchange {
namespace {

class SourceTest : public ::testing::Test {
 protected:
  std::string database(const std::string& sql) {
    const auto file = folder / "mlflow.db";
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open(file.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
    return file;
  }
  void put(const std::string& file, std::string_view text) {
    ASSERT_TRUE(make_folders(parent_of(folder / file)));
    ASSERT_TRUE(write_file(folder / file, text));
  }
  void put_run(const std::string& more = "") {
    put("mlruns/0/meta.yaml",
        "artifact_location: /elsewhere/0\nexperiment_id: '0'\nlifecycle_stage: active\nname: Default\n");
    put("mlruns/0/r1/meta.yaml",
        "artifact_uri: /elsewhere/0/r1/artifacts\nend_time: null\nexperiment_id: '0'\nlifecycle_stage: active\nrun_id: "
        "r1\n"
        "run_name: '007'\nstart_time: 5\nstatus: 3\nuser_id: ada\n" +
            more);
  }

  testing::Folder folder;
};

// The tables of an early MLflow: no steps, no NaN, no inputs, no logged models, no workspaces.
constexpr const char* kEarly =
    "CREATE TABLE experiments (experiment_id INTEGER, name TEXT, artifact_location TEXT, lifecycle_stage TEXT);"
    "CREATE TABLE runs (run_uuid TEXT, name TEXT, user_id TEXT, status TEXT, start_time BIGINT, end_time BIGINT, "
    "lifecycle_stage TEXT, artifact_uri TEXT, experiment_id INTEGER);"
    "CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT);"
    "CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);"
    "CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);"
    "INSERT INTO experiments VALUES (0, 'Default', '/x/0', 'active');"
    "INSERT INTO runs VALUES ('r1', '', 'ada', 'FINISHED', 5, NULL, 'deleted', '/x/0/r1/artifacts', 0);"
    "INSERT INTO metrics VALUES ('auc', 0.5, 7, 'r1');";

TEST_F(SourceTest, an_early_database_is_read_as_far_as_it_goes) {
  auto source = open_source(database(kEarly), "default");
  ASSERT_TRUE(source) << source.error().text();
  EXPECT_EQ((*source)->experiments()->at(0).name, "Default");
  EXPECT_EQ(*(*source)->run_ids("0"), std::vector<std::string>{"r1"});
  const auto run = *(*source)->run("0", "r1");
  EXPECT_EQ(run.info.lifecycle_stage, "deleted");
  EXPECT_FALSE(run.info.end_time);
  const auto points = *(*source)->points(run.info, "auc");
  ASSERT_EQ(points.size(), 1U);
  EXPECT_EQ(points[0].step, 0);
  EXPECT_TRUE((*source)->model_ids("0")->empty());
  EXPECT_TRUE((*source)->left_out()->empty());
}

TEST_F(SourceTest, what_is_no_tracking_store_is_refused_with_a_way_out) {
  const auto other = open_source(database("CREATE TABLE t (a)"), "default");
  EXPECT_EQ(other.error().code(), Code::unsupported);
  EXPECT_EQ(other.error().message(), "there is no table 'experiments'");
  EXPECT_FALSE(other.error().hint().empty());
  put("text.db", "hello, this is no database at all");
  EXPECT_EQ(open_source(folder / "text.db", "default").error().code(), Code::invalid);
  put("empty.db", "");
  EXPECT_EQ(open_source(folder / "empty.db", "default").error().code(), Code::invalid);
  EXPECT_EQ(open_source(folder / "nowhere", "default").error().code(), Code::not_found);
  EXPECT_EQ(open_source(folder.path(), "default").error().code(), Code::invalid);
  EXPECT_EQ(open_source("mysql://host/db", "default").error().code(), Code::unsupported);
}

TEST_F(SourceTest, a_database_is_not_written_to_nor_beside) {
  const auto file = database(std::string("PRAGMA journal_mode=WAL;") + kEarly);
  ASSERT_EQ(::chmod(file.c_str(), 0444), 0);
  const auto before = *read_file(file, 1 << 20);
  {
    auto source = open_source(file, "default");
    ASSERT_TRUE(source) << source.error().text();
    EXPECT_EQ((*source)->experiments()->size(), 1U);
    EXPECT_FALSE(exists(file + "-shm"));
  }
  EXPECT_EQ(*read_file(file, 1 << 20), before);
  put("mlflow.db-wal", "a log that nobody holds");
  EXPECT_EQ(open_source(file, "default").error().code(), Code::unavailable);
}

TEST_F(SourceTest, a_folder_of_runs_is_read_with_texts_as_they_are_written) {
  put_run();
  put("mlruns/0/r1/params/p/q", "line\nline");
  put("mlruns/0/r1/tags/mlflow.note", "");
  put("mlruns/0/r1/metrics/auc", "5 nan 1\n6 -inf 2\n\n7 1e-3\n8 0.5 3 my days d1\n");
  put("mlruns/0/models/m-1/metrics/auc", "8 0.5 3 r1 my days d1\n8 0.5 3 other\n");
  auto source = open_source("file://" + folder.path() + "/mlruns", "default");
  ASSERT_TRUE(source) << source.error().text();
  const auto run = (*source)->run("0", "r1");
  ASSERT_TRUE(run) << run.error().text();
  EXPECT_EQ(run->info.name, "007");
  EXPECT_EQ(run->info.status, "FINISHED");
  EXPECT_EQ(run->params.at(0).key, "p/q");
  EXPECT_EQ(run->params.at(0).value, "line\nline");
  EXPECT_EQ(run->tags.at(0).value, "");
  const auto points = (*source)->points(run->info, "auc");
  ASSERT_TRUE(points) << points.error().text();
  ASSERT_EQ(points->size(), 4U);
  EXPECT_TRUE(std::isnan(points->at(0).value));
  EXPECT_TRUE(std::isinf(points->at(1).value));
  EXPECT_EQ(points->at(2).step, 0);
  ASSERT_NE(points->at(3).on, nullptr);
  EXPECT_EQ(points->at(3).on->model_id, "m-1");
  EXPECT_EQ(points->at(3).on->dataset_name, "my days");
}

TEST_F(SourceTest, registered_models_of_a_folder) {
  put_run();
  const std::string version =
      "name: late\nversion: {}\nsource: 'models:/m-1'\nrun_id: r1\nrun_link: null\n"
      "current_stage: {}\ncreation_timestamp: 5\nstatus: READY\n";
  put("mlruns/models/late/meta.yaml", "name: late\ncreation_timestamp: 3\ndescription: 'one\n\n  two'\n");
  put("mlruns/models/late/tags/team", "ops");
  put("mlruns/models/late/aliases/champion", "2");
  put("mlruns/models/late/version-2/meta.yaml", fmt::format(fmt::runtime(version), 2, "Production"));
  put("mlruns/models/late/version-3/meta.yaml", fmt::format(fmt::runtime(version), 3, "Deleted_Internal"));
  put("mlruns/models/late/version-1/meta.yaml", "name: other\n");
  put("mlruns/models/late/version-x/meta.yaml", "no: version\n");
  put("mlruns/models/broken/meta.yaml", "name: broken\n");
  put("mlruns/models/broken/aliases/champion", "two");
  auto source = *open_source(folder / "mlruns", "default");
  EXPECT_EQ(source->registered_names().value_or({}), (std::vector<std::string>{"broken", "late"}));
  const auto late = source->registered("late");
  ASSERT_TRUE(late) << late.error().text();
  EXPECT_EQ(late->description, "one\ntwo");
  EXPECT_EQ(late->updated, 3);
  EXPECT_EQ(late->tags.at(0).value, "ops");
  EXPECT_EQ(late->aliases, (std::map<std::string, int64_t>{{"champion", 2}}));
  EXPECT_EQ(late->versions, (std::vector<int64_t>{1, 2}));  // a broken one is refused by itself
  EXPECT_EQ(late->last_version, 3);
  const auto second = source->version("late", 2);
  ASSERT_TRUE(second) << second.error().text();
  EXPECT_EQ(second->source, "models:/m-1");
  EXPECT_EQ(second->run_link, "");
  EXPECT_EQ(second->updated, 5);
  const auto first = source->version("late", 1);
  ASSERT_FALSE(first);
  EXPECT_NE(first.error().text().find("models/late/version-1"), std::string::npos) << first.error().text();
  const auto broken = source->registered("broken");
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().text().find("aliases/champion"), std::string::npos) << broken.error().text();
}

TEST_F(SourceTest, what_a_folder_says_wrongly_is_named_with_its_place) {
  put_run();
  put("mlruns/0/r1/metrics/auc", "5 0.5 1\n6 half 2\n");
  auto source = *open_source(folder / "mlruns", "default");
  const auto points = source->points(source->run("0", "r1")->info, "auc");
  EXPECT_EQ(points.error().code(), Code::corrupt);
  EXPECT_EQ(points.error().where().line, 2);
  put("mlruns/0/r1/params/bad", "\xff");
  EXPECT_EQ(source->run("0", "r1").error().code(), Code::invalid);
  put("mlruns/0/r2/meta.yaml", "run_id: r3\nstatus: 3\n");
  EXPECT_EQ(source->run("0", "r2").error().code(), Code::corrupt);
  put("mlruns/0/r4/meta.yaml", "run_id: r4\nstatus: 9\n");
  EXPECT_EQ(source->run("0", "r4").error().code(), Code::invalid);
}

TEST_F(SourceTest, artifacts_are_read_below_the_roots_only) {
  put("roots/a/run/artifacts/x", "1");
  put("roots/other/y", "2");
  ASSERT_EQ(::symlink("../../../other", (folder / "roots/a/run/artifacts/link").c_str()), 0);
  const auto files = *SourceFiles::open({folder / "roots/a", folder / "roots/missing"}, folder / "roots");
  std::vector<std::string> others;
  const auto other = [&](const std::string& path, const std::string&) { others.push_back(path); };
  for (const std::string& uri :
       {folder / "roots/a/run/artifacts", "file://" + (folder / "roots/a/run/artifacts"),
        std::string("a/run/artifacts"), std::string("./a/run/artifacts/"),
        std::string("mlflow-artifacts:/run/artifacts"), std::string("mlflow-artifacts://host:5000/run/artifacts")}) {
    const auto found = files.find(uri);
    ASSERT_TRUE(found) << uri << found.error().text();
    const auto list = SourceFiles::list(*found, other);
    ASSERT_EQ(list->size(), 1U) << uri;
    EXPECT_EQ(list->at(0).path, "x");
  }
  EXPECT_EQ(others.at(0), "link");
  EXPECT_EQ(files.find(folder / "roots/other").error().code(), Code::denied);
  EXPECT_EQ(files.find(folder / "roots/a/../other").error().code(), Code::denied);
  EXPECT_EQ(files.find("/etc").error().code(), Code::denied);
  EXPECT_EQ(files.find("s3://bucket/x").error().code(), Code::unsupported);
  EXPECT_EQ(files.find(folder / "roots/a/none")->root, nullptr);  // nothing was ever put there
  EXPECT_EQ(files.find("mlflow-artifacts:/../other")->root, nullptr);
}

TEST(LocalPath, is_what_a_uri_names_on_this_machine) {
  EXPECT_EQ(local_path("file:///a%20b/c", "/x"), "/a b/c");
  EXPECT_EQ(local_path("file:/a", "/x"), "/a");
  EXPECT_EQ(local_path("file://localhost/a", "/x"), "/a");
  EXPECT_EQ(local_path("a/b", "/x"), "/x/a/b");
  EXPECT_EQ(local_path("/a:b", "/x"), "/a:b");
  for (const char* uri : {"", "s3://b/k", "file://host/a", "dbfs:/x", "mlflow-artifacts:/0"})
    EXPECT_EQ(local_path(uri, "/x"), "") << uri;
}

}  // namespace
}  // namespace millrace::exchange
