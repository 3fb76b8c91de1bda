#include "traces/traces.h"

#include <gtest/gtest.h>

#include "traces/filter.h"
#include "traces/match.h"
#include "traces/testing.h"
#include "track/gc/collect.h"

namespace millrace::traces {
namespace {

using testing::MadeSpan;

class TracesTest : public ::testing::Test {
 protected:
  testing::Traced world;
  Traces& traces = world.traces;
  Caller& ada = world.ada;

  static std::string id_of(char last) {
    return std::string("tr-000000000000000000000000000000") + "0123456789abcdef"[last >> 4 & 15] +
           "0123456789abcdef"[last & 15];
  }
  void log(const std::vector<MadeSpan>& spans, const std::string& run = "", const std::string& service = "") {
    const auto read = read_otlp_protobuf(testing::otlp_message(spans, service));
    ASSERT_TRUE(read) << read.error().text();
    const auto done = traces.log_spans(ada, "0", *read, run);
    ASSERT_TRUE(done) << done.error().text();
  }
  TraceInfo info(char last) {
    return {.id = id_of(last),
            .experiment_id = "0",
            .client_request_id = std::nullopt,
            .request_preview = std::nullopt,
            .response_preview = std::nullopt,
            .request_time = 1000,
            .duration = 5,
            .state = "OK",
            .metadata = {},
            .tags = {},
            .assessments = {}};
  }
  std::string found(const std::string& filter, const std::vector<std::string>& order = {}) {
    const auto page =
        traces.search(ada, {.experiment_ids = {"0"}, .filter = filter, .order_by = order, .page_token = ""});
    if (!page) return page.error().text();
    std::string out;
    for (const auto& each : page->items) out += each.id.back();
    return out;
  }
  Assessment feedback(const std::string& name, Json value) {
    return {.id = "",
            .trace_id = id_of(1),
            .span_id = "",
            .name = name,
            .source_type = "HUMAN",
            .source_id = "bob",
            .kind = "feedback",
            .content = {{"value", std::move(value)}},
            .rationale = "",
            .overrides = "",
            .metadata = {}};
  }
};

TEST_F(TracesTest, spans_make_their_trace_and_bring_it_up_to_date) {
  log({MadeSpan{.id = 2, .parent = 1, .name = "child", .start_ns = 1'100'000'000, .end_ns = 1'200'000'000}}, "", "svc");
  auto made = traces.get_info(ada, id_of(1));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->state, "IN_PROGRESS");
  EXPECT_EQ(made->request_time, 1100);
  EXPECT_EQ(made->tags["service.name"], "svc");
  EXPECT_EQ(made->tags["mlflow.trace.spansLocation"], "TRACKING_STORE");
  EXPECT_EQ(made->tags["mlflow.artifactLocation"], "mlflow-artifacts:/0/traces/" + id_of(1) + "/artifacts");
  log({MadeSpan{.code = 2,
                .attributes = {{"mlflow.spanInputs", "{\"x\":1}"}, {"session.id", "s"}, {"mlflow.traceTag.t", "1"}}}});
  made = traces.get_info(ada, id_of(1));
  EXPECT_EQ(made->state, "ERROR");
  EXPECT_EQ(made->request_time, 1000);
  EXPECT_EQ(made->duration, 250);
  EXPECT_EQ(made->request_preview, "{\"x\":1}");
  EXPECT_EQ(made->metadata["mlflow.trace.session"], "s");
  EXPECT_EQ(made->tags["t"], "1");
  const auto whole = traces.get(ada, id_of(1), false);
  ASSERT_TRUE(whole) << whole.error().text();
  ASSERT_EQ(whole->spans.size(), 2U);
  EXPECT_EQ(whole->spans[0]["name"], "root");
}

TEST_F(TracesTest, the_same_span_again_replaces_itself) {
  log({MadeSpan{.attributes = {{"mlflow.chat.tokenUsage", "{\"input_tokens\": 3}"}}}});
  log({MadeSpan{.name = "other", .attributes = {{"mlflow.chat.tokenUsage", "{\"input_tokens\": 5}"}}}});
  const auto whole = traces.get(ada, id_of(1), false);
  ASSERT_EQ(whole->spans.size(), 1U);
  EXPECT_EQ(whole->spans[0]["name"], "other");
  EXPECT_EQ(whole->info.metadata.at("mlflow.trace.tokenUsage"), "{\"input_tokens\":5}");
}

TEST_F(TracesTest, what_a_client_says_of_a_trace_wins_over_its_spans) {
  auto wanted = info(1);
  wanted.metadata["mlflow.trace.sizeStats"] = "{\"num_spans\": 2}";
  wanted.tags = {{"mlflow.traceName", "answer"}, {"mlflow.trace.spansLocation", "elsewhere"}};
  wanted.assessments.push_back(feedback("good", true));
  const auto started = traces.start(ada, wanted);
  ASSERT_TRUE(started) << started.error().text();
  EXPECT_FALSE(started->tags.contains("mlflow.trace.spansLocation"));
  ASSERT_EQ(started->assessments.size(), 1U);
  EXPECT_EQ(started->assessments[0].trace_id, id_of(1));
  EXPECT_TRUE(started->assessments[0].id.starts_with("a-"));
  log({MadeSpan{.start_ns = 1, .code = 2}});
  const auto after = traces.get_info(ada, id_of(1));
  EXPECT_EQ(after->state, "OK");
  EXPECT_EQ(after->request_time, 1000);
  EXPECT_EQ(after->duration, 5);
  EXPECT_NE(traces.get(ada, id_of(1), false).error().message().find("not fully exported yet"), std::string::npos);
  EXPECT_TRUE(traces.get(ada, id_of(1), true));
  EXPECT_TRUE(traces.get_all(ada, {id_of(1)}, std::nullopt)->empty());
  log({MadeSpan{.id = 2, .parent = 1}});
  EXPECT_TRUE(traces.get(ada, id_of(1), false));
  EXPECT_EQ(traces.get_all(ada, {id_of(9), id_of(1)}, std::nullopt)->size(), 1U);
  EXPECT_TRUE(traces.get_all(ada, {id_of(1)}, std::vector<std::string>{"7"})->empty());
}

TEST_F(TracesTest, a_deleted_or_missing_experiment_takes_no_traces) {
  const auto spans = read_otlp_protobuf(testing::otlp_message({MadeSpan{}}));
  EXPECT_EQ(traces.log_spans(ada, "99", *spans).error().code(), Code::not_found);
  const auto experiment = world.tracking.create_experiment(ada, {.name = "gone", .artifact_location = "", .tags = {}});
  ASSERT_TRUE(world.tracking.delete_experiment(ada, *experiment));
  EXPECT_EQ(traces.log_spans(ada, *experiment, *spans).error().code(), Code::invalid);
  auto wanted = info(1);
  wanted.experiment_id = *experiment;
  EXPECT_FALSE(traces.start(ada, wanted));
  EXPECT_EQ(traces.get_info(ada, id_of(1)).error().code(), Code::not_found);
}

TEST_F(TracesTest, workspaces_do_not_see_each_other) {
  log({MadeSpan{}});
  auto eve = ada;
  eve.workspace = "other";
  EXPECT_FALSE(traces.get_info(eve, id_of(1)));
  EXPECT_TRUE(
      traces.search(eve, {.experiment_ids = {"0"}, .filter = "", .order_by = {}, .page_token = ""})->items.empty());
  EXPECT_EQ(*traces.remove(eve, {.experiment_id = "0", .ids = {id_of(1)}}), 0);
  EXPECT_TRUE(traces.get_info(ada, id_of(1)));
}

TEST_F(TracesTest, every_write_is_one_line) {
  log({MadeSpan{}});
  const auto before = world.journal_lines();
  log({MadeSpan{}, MadeSpan{.trace = 2}});
  ASSERT_TRUE(traces.set_tag(ada, id_of(1), "a", "b"));
  ASSERT_TRUE(traces.delete_tag(ada, id_of(1), "a"));
  ASSERT_TRUE(traces.add_assessment(ada, feedback("good", 1)));
  EXPECT_EQ(*traces.remove(ada, {.experiment_id = "0", .ids = {id_of(1), id_of(2), id_of(3)}}), 2);
  EXPECT_EQ(world.journal_lines(), before + 5);
  for (const auto* table : {"llm_traces", "llm_trace_tags", "llm_trace_metadata", "llm_spans", "llm_assessments"})
    EXPECT_EQ(world.store.number(std::string("SELECT count(*) FROM ") + table), 0) << table;
}

TEST_F(TracesTest, tags_that_the_server_keeps_cannot_be_changed) {
  log({MadeSpan{}});
  EXPECT_EQ(traces.set_tag(ada, id_of(1), "mlflow.trace.spansLocation", "x").error().message(),
            "Tag 'mlflow.trace.spansLocation' is immutable and cannot be set on a trace.");
  EXPECT_FALSE(traces.delete_tag(ada, id_of(1), "mlflow.trace.spansLocation"));
  EXPECT_EQ(traces.delete_tag(ada, id_of(1), "none").error().code(), Code::not_found);
  EXPECT_EQ(traces.set_tag(ada, id_of(2), "a", "b").error().code(), Code::not_found);
  EXPECT_FALSE(traces.set_tag(ada, id_of(1), std::string(251, 'k'), "b"));
  EXPECT_FALSE(traces.set_tag(ada, id_of(1), "k", std::string(8001, 'b')));
  EXPECT_TRUE(traces.set_tag(ada, id_of(1), "k", std::string(8000, 'b')));
}

TEST_F(TracesTest, the_oldest_traces_go_first) {
  for (char i = 1; i <= 5; ++i) log({MadeSpan{.trace = i, .start_ns = static_cast<uint64_t>(i) * 1'000'000'000}});
  EXPECT_EQ(*traces.remove(ada, {.experiment_id = "0", .ids = {}, .until = 4000, .most = 2}), 2);
  EXPECT_EQ(found(""), "543");
  EXPECT_EQ(*traces.remove(ada, {.experiment_id = "0", .ids = {}, .until = 4000}), 2);
  EXPECT_EQ(found(""), "5");
  EXPECT_EQ(traces.remove(ada, {.experiment_id = "0", .ids = {}}).error().message(),
            "Either `max_timestamp_millis` or `trace_ids` must be specified.");
  EXPECT_FALSE(traces.remove(ada, {.experiment_id = "0", .ids = {id_of(1)}, .until = 5}));
  EXPECT_FALSE(traces.remove(ada, {.experiment_id = "0", .ids = {id_of(1)}, .until = {}, .most = 5}));
  EXPECT_FALSE(traces.remove(ada, {.experiment_id = "0", .ids = {}, .until = 5, .most = 0}));
}

TEST_F(TracesTest, an_assessment_stands_in_for_another_until_it_goes) {
  log({MadeSpan{}});
  const auto first = traces.add_assessment(ada, feedback("good", "yes"));
  ASSERT_TRUE(first) << first.error().text();
  auto better = feedback("good", "no");
  better.overrides = first->id;
  const auto second = traces.add_assessment(ada, better);
  ASSERT_TRUE(second);
  EXPECT_FALSE(traces.get_assessment(ada, id_of(1), first->id)->valid);
  EXPECT_EQ(found("feedback.good = 'yes'"), "");
  ASSERT_TRUE(traces.delete_assessment(ada, id_of(1), second->id));
  ASSERT_TRUE(traces.delete_assessment(ada, id_of(1), second->id));
  EXPECT_TRUE(traces.get_assessment(ada, id_of(1), first->id)->valid);
  EXPECT_EQ(found("feedback.good = 'yes'"), "1");
  better.overrides = "a-none";
  EXPECT_EQ(traces.add_assessment(ada, better).error().code(), Code::not_found);
  const auto changed = traces.update_assessment(
      ada, id_of(1), first->id,
      {.name = {}, .rationale = "why", .feedback = Json{{"value", 7}}, .metadata = {{{"k", "v"}}}});
  ASSERT_TRUE(changed) << changed.error().text();
  EXPECT_EQ(changed->rationale, "why");
  EXPECT_EQ(found("feedback.good > 6.5 AND feedback.good = '7'"), "1");
  EXPECT_EQ(traces.update_assessment(ada, id_of(1), first->id, {.expectation = Json{{"value", 7}}}).error().message(),
            "Cannot update expectation value on a Feedback assessment.");
}

TEST_F(TracesTest, links_to_runs_and_prompts_are_found) {
  const auto run = world.run().info.id;
  log({MadeSpan{}, MadeSpan{.trace = 2}});
  log({MadeSpan{.trace = 3}}, run);
  ASSERT_TRUE(traces.link_to_run(ada, {id_of(1), id_of(9)}, run));
  EXPECT_EQ(found("run_id = '" + run + "'"), "13");
  EXPECT_EQ(traces.link_to_run(ada, {id_of(1)}, "none").error().code(), Code::not_found);
  EXPECT_FALSE(traces.link_to_run(ada, std::vector<std::string>(101, id_of(1)), run));
  ASSERT_TRUE(traces.link_prompts(ada, id_of(2), {{"greet", "3"}}));
  EXPECT_EQ(found("prompt = 'greet/3'"), "2");
  EXPECT_NE(found("prompt = 'greet'").find("Expected format"), std::string::npos);
  EXPECT_FALSE(traces.link_prompts(ada, id_of(2), {{"greet", "x"}}));
}

TEST_F(TracesTest, a_search_compares_attributes_tags_metadata_and_assessments) {
  auto one = info(1), two = info(2);
  one.tags = {{"mlflow.traceName", "Answer"}, {"team", "Ops"}};
  one.metadata = {{"mlflow.trace.user", "ann"}};
  one.client_request_id = "req-1";
  two.state = "ERROR";
  two.duration = std::nullopt;
  two.request_time = 2000;
  ASSERT_TRUE(traces.start(ada, one) && traces.start(ada, two));
  ASSERT_TRUE(traces.add_assessment(ada, feedback("score", 0.75)));
  ASSERT_TRUE(traces.add_assessment(ada, feedback("text", "it is fine")));
  ASSERT_TRUE(traces.add_assessment(ada, feedback("right", true)));
  for (const auto& [filter, expected] :
       std::vector<std::pair<std::string, std::string>>{{"", "21"},
                                                        {"status = 'ERROR'", "2"},
                                                        {"trace.status IN ('OK', 'IN_PROGRESS')", "1"},
                                                        {"attributes.timestamp_ms > 1500", "2"},
                                                        {"execution_time_ms <= 5", "1"},
                                                        {"end_time >= 2000", "2"},
                                                        {"client_request_id LIKE 'req%'", "1"},
                                                        {"request_id = '" + id_of(2) + "'", "2"},
                                                        {"name = 'Answer'", "1"},
                                                        {"name LIKE 'ans%'", ""},
                                                        {"name ILIKE 'ans%'", "1"},
                                                        {"name RLIKE '^An.*r$'", "1"},
                                                        {"tags.team LIKE 'O_s'", "1"},
                                                        {"tags.team != 'Ops'", ""},
                                                        {"tags.team IS NULL", "2"},
                                                        {"tag.team IS NOT NULL", "1"},
                                                        {"metadata.`mlflow.trace.user` = 'ann'", "1"},
                                                        {"request_metadata.\"mlflow.trace.user\" RLIKE 'n+'", "1"},
                                                        {"feedback.score > 0.5 AND feedback.score < 0.8", "1"},
                                                        {"feedback.score = '0.75'", "1"},
                                                        {"feedback.right = 'true'", "1"},
                                                        {"feedback.right != 'true'", ""},
                                                        {"feedback.text LIKE '%fine'", "1"},
                                                        {"feedback.none IS NULL", "21"},
                                                        {"expectation.score IS NOT NULL", ""}})
    EXPECT_EQ(found(filter), expected) << filter;
  EXPECT_EQ(found("", {"timestamp ASC"}), "12");
  EXPECT_EQ(found("", {"execution_time DESC"}), "12");
  EXPECT_EQ(found("", {"tags.team"}), "12");
}

TEST_F(TracesTest, conditions_on_spans_are_met_by_one_span) {
  log({MadeSpan{.name = "root", .attributes = {{"mlflow.spanType", "CHAIN"}, {"model", "big \"one\""}}},
       MadeSpan{.id = 2, .parent = 1, .name = "call", .code = 2, .attributes = {{"mlflow.spanType", "LLM"}}}});
  log({MadeSpan{.trace = 2, .name = "call", .attributes = {{"words", "gr\xc3\xbc\xc3\x9f Gott"}}}});
  for (const auto& [filter, expected] :
       std::vector<std::pair<std::string, std::string>>{{"span.name = 'call'", "12"},
                                                        {"span.name = 'call' AND span.status = 'ERROR'", "1"},
                                                        {"span.name = 'root' AND span.status = 'ERROR'", ""},
                                                        {"span.type IN ('LLM', 'TOOL')", "1"},
                                                        {"span.name RLIKE '^c.ll$' AND span.type = 'UNKNOWN'", "2"},
                                                        {"span.attributes.model = 'big \"one\"'", "1"},
                                                        {"span.attributes.model LIKE '%\"ONE\"'", ""},
                                                        {"span.attributes.model ILIKE '%\"ONE\"'", "1"},
                                                        {"span.attributes.none != 'x'", ""},
                                                        {"text LIKE '%Gott%'", "2"},
                                                        {"trace.text LIKE '%gr\xc3\xbc\xc3\x9f%'", "2"},
                                                        {"text LIKE '%g_\xc3\xbc_ Gott%'", "2"},
                                                        {"text LIKE '%g_\xc3\xbc Gott%'", ""},
                                                        {"text ILIKE '%GOTT%'", "2"}})
    EXPECT_EQ(found(filter), expected) << filter;
}

TEST_F(TracesTest, pages_hold_while_traces_are_added) {
  for (char i = 1; i <= 9; ++i) log({MadeSpan{.trace = i, .start_ns = static_cast<uint64_t>(i) * 1'000'000'000}});
  std::string seen;
  Search search{
      .experiment_ids = {"0"}, .filter = "span.name LIKE 'roo_'", .order_by = {}, .max_results = 4, .page_token = ""};
  do {
    const auto page = traces.search(ada, search);
    ASSERT_TRUE(page) << page.error().text();
    for (const auto& each : page->items) seen += each.id.back();
    search.page_token = page->next;
    log({MadeSpan{.trace = static_cast<char>(10 + seen.size()), .start_ns = 99'000'000'000}});
  } while (!search.page_token.empty());
  EXPECT_EQ(seen, "987654321");
  search.page_token = "x";
  EXPECT_EQ(traces.search(ada, search).error().message(), "Invalid page token");
}

TEST_F(TracesTest, bad_searches_say_what_is_wrong) {
  for (const auto& [filter, words] : std::vector<std::pair<std::string, std::string>>{
           {"a = 'b' OR c = 'd'", "Invalid attribute key 'a'"},
           {"status = 'OK' OR status = 'ERROR'", "Invalid clause(s) in filter string: 'OR'"},
           {"status = 5", "Expected a quoted string value"},
           {"timestamp_ms = 'x'", "Expected a numeric value"},
           {"span.color = 'x'", "Invalid span attribute 'color'"},
           {"span.attributes. = 'x'", "cannot be empty"},
           {"metrics.a > 1", "Invalid entity type 'metrics'"},
           {"issue.name = 'x'", "Invalid issue attribute"},
           {"tags.a > 'b'", "Invalid comparator '>'"},
           {"text = 'b'", "Invalid comparator '='"},
           {"name RLIKE '('", "Invalid regular expression"},
           {"name RLIKE '" + std::string(1001, 'a') + "'", "at most 1000 bytes"},
           {"feedback.a > 'x'", "Expected a numeric value"},
           {"name = 'it", "Expected a quoted string value"},
           {"status", "Expected 3 tokens found 1"}})
    EXPECT_NE(found(filter).find(words), std::string::npos) << filter << ": " << found(filter);
  EXPECT_NE(found("", {"span.name"}).find("Invalid order_by"), std::string::npos);
  EXPECT_NE(found("", {"status", "status DESC"}).find("duplicate"), std::string::npos);
}

TEST(Match, like_knows_case_and_characters) {
  EXPECT_TRUE(is_like("abc", "a%", false));
  EXPECT_FALSE(is_like("Abc", "a%", false));
  EXPECT_TRUE(is_like("Abc", "a%", true));
  EXPECT_TRUE(is_like("\xc3\xbc", "_", false));
  EXPECT_FALSE(is_like("\xc3\xbc", "__", false));
  EXPECT_TRUE(is_like("a%b", "a%b", false));
  EXPECT_FALSE(is_like("ab", "abc", false));
  EXPECT_FALSE(is_like(std::string(2000, 'a'), "%a%a%a%a%a%a%a%b", false));
}

TEST_F(TracesTest, what_is_collected_takes_its_traces_and_links_along) {
  const auto experiment = world.tracking.create_experiment(ada, {.name = "old", .artifact_location = "", .tags = {}});
  ASSERT_TRUE(experiment);
  // More than are removed at once.
  for (int batch = 0; batch < 5; ++batch) {
    std::vector<MadeSpan> spans;
    for (int i = 1; i <= 50; ++i)
      spans.push_back({.trace = static_cast<char>(batch * 50 + i), .attributes = {{"mlflow.spanType", "\"LLM\""}}});
    const auto read = read_otlp_protobuf(testing::otlp_message(spans));
    ASSERT_TRUE(read) << read.error().text();
    ASSERT_TRUE(traces.log_spans(ada, *experiment, *read, ""));
  }
  const auto old = id_of(1);
  ASSERT_TRUE(traces.set_tag(ada, old, "t", "1"));
  const auto run = world.run();
  log({{.trace = static_cast<char>(251)}});
  ASSERT_TRUE(traces.link_to_run(ada, {id_of(static_cast<char>(251))}, run.info.id));
  EXPECT_EQ(world.store.number("SELECT count(*) FROM llm_trace_runs"), 1);
  ASSERT_TRUE(world.tracking.delete_run(ada, run.info.id));
  EXPECT_EQ(world.store.number("SELECT count(*) FROM llm_traces WHERE experiment_id <> '0'"), 250);
  ASSERT_TRUE(world.tracking.delete_experiment(ada, *experiment));
  world.store.world.clock.advance(31LL * 24 * 3'600 * 1'000'000);
  const auto blobs = std::move(*store::open_file_blobs(world.store.folder / "blobs", world.store.world.context));
  const auto forget = [&](const Caller& caller, const std::string& kind, const std::string& id) {
    return traces.forget(caller, kind, id);
  };
  track::Collector collector(
      {*world.store.database, world.journal, world.store.world.context, world.tracking, *blobs, "here", forget});
  const auto swept = collector.sweep(ada, {.older_than = 30LL * 24 * 3'600 * 1'000'000});
  ASSERT_TRUE(swept) << swept.error().text();
  for (const std::string table : {"llm_trace_tags", "llm_trace_metadata", "llm_spans"})
    EXPECT_EQ(world.store.number("SELECT count(*) FROM " + table + " WHERE trace_id = '" + old + "'"), 0) << table;
  EXPECT_EQ(world.store.number("SELECT count(*) FROM llm_traces WHERE experiment_id <> '0'"), 0);
  EXPECT_EQ(world.store.number("SELECT count(*) FROM gc_marks"), 0);
  EXPECT_EQ(world.store.number("SELECT count(*) FROM llm_traces"), 1);
  EXPECT_EQ(world.store.number("SELECT count(*) FROM llm_spans"), 1);
  EXPECT_EQ(world.store.number("SELECT count(*) FROM llm_trace_runs"), 0);
}

}  // namespace
}  // namespace millrace::traces
