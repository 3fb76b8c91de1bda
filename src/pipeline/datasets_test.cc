// Stages over real dataset versions: which versions they read, and what a new batch changes.
#include <fmt/format.h>

#include "core/clock.h"
#include "lineage/graph.h"
#include "pipeline/testing.h"

namespace millrace::pipeline {
namespace {

using Names = std::vector<std::string>;

class OverDatasets : public testing::PipelineTest {
 protected:
  void SetUp() override {
    PipelineTest::SetUp();
    write("reads.odcs.yaml",
          "apiVersion: v3.1.0\nkind: DataContract\nid: reads\nversion: 1.0.0\nstatus: active\nschema:\n  - name: "
          "reads\n    logicalType: object\n    properties:\n"
          "      - {name: at, logicalType: timestamp, required: true}\n      - {name: value, logicalType: integer, "
          "required: true}\n");
    sources = "sources:\n  reads: {contract: reads.odcs.yaml, kind: append, event_time: at, path: data/*.csv}\n";
  }
  void add(const std::string& month, const std::string& next, int value) {
    const auto file = "data/" + month + "-" + std::to_string(value) + ".csv";
    write(file, "at,value\n" + month + "-01T00:00:00Z," + std::to_string(value) + "\n" + month + "-02T00:00:00Z,1\n");
    const auto all = data::read_sources(*load_project(project.path()));
    ASSERT_TRUE(all) << all.error().text();
    const auto version = services->datasets.add(caller,
                                                {.source = all->at(0),
                                                 .files = {project / file},
                                                 .from = *parse_time(month + "-01"),
                                                 .to = *parse_time(next + "-01")},
                                                *all);
    ASSERT_TRUE(version) << version.error().text();
    ASSERT_EQ(version->verdict, "accepted");
  }
  void two_stages() {
    write("sum.sql", "SELECT sum(value) AS total, count(*) AS n FROM reads");
    stages(
        "    sum: {sql: sum.sql, deps: [{dataset: reads, from: 2013-01-01, to: 2013-03-01}], outs: [sum.parquet]}\n"
        "    look: {cmd: \"sh -c 'ls -R reads sum > x; cat $MILLRACE_DATASETS >> x; echo $SOURCE_DATE_EPOCH >> x'\", "
        "deps: [{stage: sum}, {dataset: reads}], outs: [x]}\n");
  }
};

TEST_F(OverDatasets, read_the_versions_of_their_time_only) {
  two_stages();
  EXPECT_NE(run().error.find("millrace.yaml:7:"), std::string::npos) << "no version yet, at the dep's place";
  add("2013-01", "2013-02", 10);
  add("2013-02", "2013-03", 20);
  const auto job = run();
  ASSERT_EQ(actions(job), "sum ran, look ran") << log_of(job);
  const auto record = **services->pipelines.latest("default", "sum");
  EXPECT_EQ(record.components["datasets"].size(), 2U);
  const auto text = content("look", "x");
  EXPECT_EQ(text.substr(0, text.find("[{")), "reads:\n1.parquet\n2.parquet\n\nsum:\nsum.parquet\n");
  EXPECT_NE(text.find("\"name\":\"reads\",\"version\":2"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("\n1362096000\n")) << text;

  add("2013-03", "2013-04", 30);
  EXPECT_TRUE(why("sum").empty()) << "March is not in its range";
  EXPECT_EQ(why("look"), (Names{"datasets.reads"}));
  EXPECT_EQ(actions(run()), "sum cached, look ran");
}

TEST_F(OverDatasets, lineage_leads_from_an_out_to_the_versions) {
  two_stages();
  add("2013-01", "2013-02", 10);
  ASSERT_EQ(actions(run()), "sum ran, look ran");
  const auto record = **services->pipelines.latest("default", "look");
  const auto walk = lineage::walk(*services->database, "default", artifact_node("look", record.outs[0]),
                                  lineage::Direction::upstream);
  ASSERT_TRUE(walk) << walk.error().text();
  bool found = false;
  for (const auto& node : walk->nodes) found = found || node.id == "dataset:reads@1";
  EXPECT_TRUE(found);
}

TEST_F(OverDatasets, sql_repeats_byte_by_byte) {
  two_stages();
  add("2013-01", "2013-02", 10);
  ASSERT_EQ(actions(run({{"stages", {"sum"}}})), "sum ran");
  const auto job = run({{"stages", {"sum"}}, {"verify", true}});
  ASSERT_EQ(job.state, "done") << job.error;
  EXPECT_EQ(job.result["ok"], true) << job.result["text"];
}

TEST_F(OverDatasets, end_at_the_horizon_which_a_run_can_move) {
  write("sum.sql", "SELECT sum(value) AS total, $until AS until FROM reads");
  const std::string stage =
      "    sum: {sql: sum.sql, deps: [{dataset: reads, from: 2013-01-01, to: horizon}], outs: [sum.parquet], params: "
      "{until: \"${horizon}\"}}\n";
  stages(stage, "  horizon: 2013-02-01\n");
  add("2013-01", "2013-02", 10);
  add("2013-02", "2013-03", 20);
  ASSERT_EQ(actions(run()), "sum ran");
  auto record = **services->pipelines.latest("default", "sum");
  EXPECT_EQ(record.components["datasets"].size(), 1U);
  EXPECT_EQ(record.components["params"]["until"], "2013-02-01");

  ASSERT_EQ(actions(run({{"horizon", "2013-03-01"}})), "sum ran");
  record = **services->pipelines.latest("default", "sum");
  EXPECT_EQ(record.components["datasets"].size(), 2U);
  EXPECT_EQ(record.components["params"]["until"], "2013-03-01");
  EXPECT_EQ(actions(run()), "sum cached") << "and without the override it goes back to its record";
  EXPECT_NE(run({{"horizon", "soon"}}).error.find("horizon"), std::string::npos);

  stages(stage);
  EXPECT_NE(run().error.find("the pipeline has no horizon"), std::string::npos);
}

TEST_F(OverDatasets, read_quarantined_rows_where_the_stage_asks_for_all) {
  write("reads.odcs.yaml",
        "apiVersion: v3.1.0\nkind: DataContract\nid: reads\nversion: 1.0.0\nstatus: active\ncustomProperties: "
        "[{property: onFail, value: quarantine}]\nschema:\n  - name: "
        "reads\n    logicalType: object\n    properties:\n"
        "      - {name: at, logicalType: timestamp, required: true}\n      - {name: value, logicalType: integer, "
        "required: true, logicalTypeOptions: {minimum: 0}}\n");
  write("data/a.csv", "at,value\n2013-01-01T00:00:00Z,10\n2013-01-02T00:00:00Z,-5\n2013-01-03T00:00:00Z,many\n");
  write("sum.sql", "SELECT sum(value) AS total, count(*) AS n, count(\"at\") AS times FROM reads");
  write("all.sql", "SELECT sum(value) AS total, count(*) AS n, count(\"at\") AS times FROM reads");
  stages(
      "    sum: {sql: sum.sql, deps: [{dataset: reads}], outs: [sum.parquet]}\n"
      "    all: {sql: all.sql, deps: [{dataset: reads, rows: all}], outs: [all.parquet]}\n");
  const auto all = data::read_sources(*load_project(project.path()));
  const auto version = services->datasets.add(caller,
                                              {.source = all->at(0),
                                               .files = {project / "data/a.csv"},
                                               .from = *parse_time("2013-01-01"),
                                               .to = *parse_time("2013-02-01")},
                                              *all);
  ASSERT_TRUE(version) << version.error().text();
  ASSERT_EQ(version->quarantined, 2);
  ASSERT_EQ(actions(run()), "sum ran, all ran");
  const auto row = [&](const std::string& stage) {
    const auto file = *services->pipelines.out_path(**services->pipelines.latest("default", stage), stage + ".parquet");
    auto session = services->engines->open({.threads = 1});
    const auto table = (*session)->query("SELECT * FROM read_parquet(" + engine::quote_text(file) + ")");
    return fmt::format("{} {} {}", table->text(0, 0), table->text(0, 1), table->text(0, 2));
  };
  EXPECT_EQ(row("sum"), "10 1 1");
  EXPECT_EQ(row("all"), "5 3 3") << "a value that is not of its type is null";
}

}  // namespace
}  // namespace millrace::pipeline
