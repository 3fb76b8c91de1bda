#include "pipeline/testing.h"

namespace millrace::pipeline {
namespace {

class SqlStage : public testing::PipelineTest {
 protected:
  void sql(const std::string& text, const std::string& more = "") {
    write("a.sql", text);
    stages("    a: {sql: a.sql, outs: [a.parquet]" + more + "}\n");
  }
  std::string failure(const std::string& text) {
    sql(text);
    const auto job = run();
    return job.state == "failed" ? job.error : job.state;
  }
  // One number of a Parquet out, by SQL over {file}.
  int64_t number(const std::string& stage, const std::string& path, const std::string& select) {
    const auto record = services->pipelines.latest("default", stage);
    if (!record || !*record) return -1;
    const auto file = *services->pipelines.out_path(**record, path);
    auto session = services->engines->open({.threads = 1});
    const auto table = (*session)->query(select + " FROM read_parquet(" + engine::quote_text(file) + ")");
    EXPECT_TRUE(table) << table.error().text();
    return table ? table->integer(0, 0) : -1;
  }
};

TEST_F(SqlStage, writes_the_select_with_its_parameters) {
  sql("-- what\nSELECT i, $word AS word FROM range($rows) t(i) ORDER BY i; -- end\n",
      ", params: {rows: 1000, word: \"it's\"}");
  const auto job = run();
  ASSERT_EQ(actions(job), "a ran") << log_of(job);
  EXPECT_EQ(number("a", "a.parquet", "SELECT CAST(sum(i) AS BIGINT)"), 499500);
  EXPECT_EQ(actions(run()), "a cached");
  EXPECT_EQ((*services->pipelines.latest("default", "a"))->run_id, "") << "only commands have a run";
}

TEST_F(SqlStage, repeats_byte_by_byte) {
  sql("SELECT i, i * 0.1 AS x, md5(CAST(i AS VARCHAR)) AS m FROM range(300000) t(i) ORDER BY i", ", threads: 2");
  ASSERT_EQ(actions(run()), "a ran");
  const auto job = run({{"stages", {"a"}}, {"verify", true}});
  ASSERT_EQ(job.state, "done") << job.error;
  EXPECT_EQ(job.result["ok"], true) << job.result["text"];
}

TEST_F(SqlStage, its_text_parameters_and_engine_are_in_the_key) {
  sql("SELECT $n AS n", ", params: {n: 1}");
  run();
  sql("SELECT $n AS n", ", params: {n: 2}");
  EXPECT_EQ(why("a"), (std::vector<std::string>{"params.n"}));
  sql("SELECT $n AS m", ", params: {n: 1}");
  EXPECT_EQ(why("a"), (std::vector<std::string>{"code.a.sql", "sql"}));
  const auto record = *services->pipelines.latest("default", "a");
  EXPECT_TRUE(record->components["environment"]["engine"].get<std::string>().starts_with("duckdb"));
  EXPECT_EQ(record->components["environment"]["libraries"].size(), 1U);
}

TEST_F(SqlStage, reads_the_outs_of_other_stages) {
  write("a.sql", "SELECT i FROM range(10) t(i)");
  write("b.sql", "SELECT sum(i) AS s FROM a");
  stages(
      "    a: {sql: a.sql, outs: [a.parquet]}\n    b: {sql: b.sql, deps: [{stage: a}], outs: [b.parquet]}\n    c: "
      "{cmd: cp b/b.parquet c.parquet, deps: [{stage: b}], outs: [c.parquet]}\n");
  const auto job = run();
  ASSERT_EQ(actions(job), "a ran, b ran, c ran") << log_of(job);
  EXPECT_EQ(number("c", "c.parquet", "SELECT CAST(s AS BIGINT)"), 45);
}

TEST_F(SqlStage, reaches_nothing_but_its_deps) {
  write("other.csv", "a\n1\n");
  EXPECT_NE(failure("SELECT * FROM read_csv('" + project.path() + "/other.csv')").find("a.sql"), std::string::npos);
  EXPECT_FALSE(services->pipelines.latest("default", "a")->has_value());
}

TEST_F(SqlStage, is_one_select) {
  for (const char* text : {"DROP TABLE x", "SELECT 1; SELECT 2", "SELECT 1) TO '/tmp/x'; --", "SELEC 1",
                           "COPY (SELECT 1) TO 'x'", "-- nothing"}) {
    const auto error = failure(text);
    EXPECT_NE(error.find("a.sql"), std::string::npos) << text << ": " << error;
  }
  EXPECT_NE(failure("SELECT $n").find("a.sql:1:8: the parameter $n has no value"), std::string::npos);
  EXPECT_EQ(files_in_work(), 0U);
}

}  // namespace
}  // namespace millrace::pipeline
