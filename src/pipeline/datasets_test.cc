// Stages over real dataset versions: which versions they read, and what a new batch changes.
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

}  // namespace
}  // namespace millrace::pipeline
