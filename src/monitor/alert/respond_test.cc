// What a firing alert leads to: trace, review, retraining and its refusal.
#include "monitor/alert/testing.h"

namespace millrace::monitor {
namespace {

using testing::AlertsTest;
using testing::column;
using testing::drifted;
using testing::measured;
using testing::metric;
using testing::window_of;
using Texts = std::vector<std::string>;

Json natural() {
  return {{"verdict", "natural_drift"},
          {"summary", "every feed moved together, as in other years"},
          {"candidates", Json::array()},
          {"cause", nullptr}};
}
Json caused_by(const std::string& node, const std::string& kind) {
  return {{"verdict", "cause"},
          {"summary", "temp jumps with " + node},
          {"candidates", {{{"rank", 1}, {"node", node}, {"kind", kind}, {"score", 0.9}}}},
          {"cause", {{"node", node}, {"columns", {"temp"}}, {"change", "unit"}}}};
}

struct Responding : AlertsTest {
  std::map<std::string, Json> verdicts;  // by subject; natural drift otherwise
  int traces = 0;
  std::vector<ReviewRequest> asked;

  void SetUp() override {
    AlertsTest::SetUp();
    spec.on = {.page = "review", .warn = "none", .retrain_target = "reevaluate", .cooldown_days = 60};
    alerts.hooks.trace = [this](const Caller&, const Alert& alert) -> Result<Json> {
      ++traces;
      const auto known = verdicts.find(alert.subject);
      return known == verdicts.end() ? natural() : known->second;
    };
    alerts.hooks.open_review = [this](const Caller&, const ReviewRequest& request) -> Result<std::string> {
      asked.push_back(request);
      return fmt::format("review-{}", asked.size());
    };
  }
  void broken(const std::string& from, const std::string& to, const std::string& name, double psi = 0.3) {
    broken_all(from, to, {name}, psi);
  }
  void broken_all(const std::string& from, const std::string& to, const std::vector<std::string>& names,
                  double psi = 0.3) {
    Json columns = Json::array();
    for (const auto& name : names) columns.push_back(column(name, psi));
    look(window_of(from, to, columns));
    respond();
  }
  Json action(const std::string& name) { return details(name).alert.action; }
};

TEST_F(Responding, a_page_is_traced_and_reviewed_and_natural_drift_retrains) {
  broken("2013-01-01", "2013-02-01", "temp");
  const auto alert = only();
  EXPECT_EQ(alert.trace["verdict"], "natural_drift");
  EXPECT_EQ(alert.action["kind"], "retrain");
  EXPECT_EQ(alert.action["target"], "reevaluate");
  EXPECT_EQ(alert.action["at"], "2013-02-01T00:00:00.000000Z");
  EXPECT_EQ(alert.action["also"][0]["kind"], "review");
  EXPECT_EQ(alert.action["also"][0]["id"], "review-1");
  ASSERT_EQ(services.retrained.size(), 1U);
  EXPECT_EQ(services.retrained[0],
            (Json{{"deployment", "late"}, {"target", "reevaluate"}, {"horizon", "2013-02-01T00:00:00.000000Z"}}));
  EXPECT_EQ(services.jobs.get("default", alert.action["id"])->kind, kRetrainJob);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].subject, alert.node());
  EXPECT_EQ(asked[0].key, "natural_drift:late@2013-01-01");
  EXPECT_EQ(asked[0].evidence["what"], alert.evidence["text"]);
  const Texts written = lines();
  for (const std::string line :
       {"alert.pending", "alert.fired", "alert.traced", "alert.retraining", "alert.acted", "alert.retrained"})
    EXPECT_EQ(std::count(written.begin(), written.end(), line), 1) << line;
}

TEST_F(Responding, the_end_of_the_retraining_is_written_back) {
  services.retraining = []() -> Result<Json> {
    return Json{{"stages",
                 {{{"stage", "train"}, {"node", "stage:train@1"}, {"action", "ran"}},
                  {{"stage", "reevaluate"}, {"node", "stage:reevaluate@12ab"}, {"action", "ran"}}}},
                {"model", "model:late@3"},
                {"model_state", "gates_passed"},
                {"failed", Json::array()}};
  };
  broken("2013-01-01", "2013-02-01", "temp");
  EXPECT_EQ(only().action["result"], (Json{{"state", "done"},
                                           {"stage", "stage:reevaluate@12ab"},
                                           {"action", "ran"},
                                           {"model", "model:late@3"},
                                           {"model_state", "gates_passed"},
                                           {"failed", Json::array()}}));
  EXPECT_EQ(only().action["kind"], "retrain");
}

TEST_F(Responding, a_retraining_that_fails_is_written_back_with_its_error) {
  services.retraining = []() -> Result<Json> { return Error{Code::invalid, "there is no stage 'reevaluate'"}; };
  broken("2013-01-01", "2013-02-01", "temp");
  EXPECT_EQ(only().action["result"]["state"], "failed");
  EXPECT_NE(only().action["result"]["error"].get<std::string>().find("there is no stage"), std::string::npos);
}

TEST_F(Responding, an_end_that_nobody_told_is_found_again) {
  jobs::Job job;
  services.jobs.on_end([&](const std::string&, const jobs::Job& ended) { job = ended; });
  broken("2013-01-01", "2013-02-01", "temp");
  EXPECT_FALSE(only().action.contains("result"));
  ASSERT_TRUE(alerts.recover());
  EXPECT_EQ(only().action["result"]["state"], "done");
  const auto kept = lines();
  ASSERT_TRUE(alerts.recover());
  ASSERT_TRUE(alerts.note_end("default", *services.jobs.get("default", only().action["id"])));
  EXPECT_EQ(lines(), kept);
}

TEST_F(Responding, within_the_cooldown_nothing_is_retrained) {
  broken("2013-01-01", "2013-02-01", "temp");
  broken("2013-02-01", "2013-03-01", "wind");
  EXPECT_EQ(action("drift:wind")["kind"], "review");
  EXPECT_EQ(action("drift:wind")["also"][0]["reason"],
            "there was a retraining at 2013-02-01, within the cooldown of 60 days");
  broken("2013-03-01", "2013-04-03", "rain");
  EXPECT_EQ(action("drift:rain")["kind"], "retrain") << "61 days later";
  EXPECT_EQ(services.retrained.size(), 2U);
}

TEST_F(Responding, one_retraining_runs_at_a_time) {
  spec.on.cooldown_days = 1;
  services.jobs.on_end([](const std::string&, const jobs::Job&) {});  // its end is not known yet
  broken("2013-01-01", "2013-02-01", "temp");
  broken("2013-04-01", "2013-05-01", "wind");
  EXPECT_EQ(services.retrained.size(), 1U);
  EXPECT_NE(action("drift:wind")["also"][0]["reason"].get<std::string>().find("a retraining is running already"),
            std::string::npos);
}

TEST_F(Responding, what_fires_on_with_another_cause_is_another_alert) {
  broken("2013-01-01", "2013-02-01", "temp");
  const auto natural = only();
  broken("2013-02-01", "2013-03-01", "temp");
  EXPECT_EQ(only().id, natural.id) << "the same story";
  EXPECT_EQ(traces, 2);
  EXPECT_EQ(asked.size(), 1U) << "and asked about once";
  const auto kept = lines();
  broken("2013-02-01", "2013-03-01", "temp");
  EXPECT_EQ(lines(), kept) << "the same look again";

  verdicts["temp"] = caused_by("dataset:weather@3", "data");
  broken("2013-03-01", "2013-04-01", "temp");
  const auto old = alerts.get("default", natural.id)->alert;
  EXPECT_EQ(old.state, "resolved");
  EXPECT_EQ(to_iso(old.resolved_at), "2013-04-01T00:00:00.000000Z");
  const auto now = details("drift:temp").alert;
  EXPECT_NE(now.id, natural.id);
  EXPECT_EQ(old.note, "it goes on with another cause, as " + now.node());
  EXPECT_EQ(now.state, "firing");
  EXPECT_EQ(to_iso(now.first_from), "2013-03-01T00:00:00.000000Z");
  EXPECT_EQ(to_iso(now.fired_at), "2013-04-01T00:00:00.000000Z");
  EXPECT_EQ(now.action["kind"], "refused");
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[1].key, "cause:dataset:weather@3");

  verdicts.clear();
  broken("2013-04-01", "2013-05-01", "temp");
  EXPECT_EQ(alerts.get("default", now.id)->alert.state, "resolved");
  EXPECT_EQ(details("drift:temp").alert.trace["verdict"], "natural_drift");
}

TEST_F(Responding, retraining_waits_for_data_that_the_model_does_not_know) {
  alerts.hooks.learnt_until = [](const std::string&) -> Result<Micros> { return testing::day_of("2013-02-01"); };
  broken("2013-01-01", "2013-02-01", "temp");
  EXPECT_EQ(action("drift:temp")["also"][0]["reason"],
            "there is nothing newer to learn: the model knows the data up to 2013-02-01");
  EXPECT_TRUE(services.retrained.empty());
  broken("2013-02-01", "2013-03-01", "temp");
  ASSERT_EQ(services.retrained.size(), 1U) << "the same alert in the next window";
  EXPECT_EQ(services.retrained[0]["horizon"], "2013-03-01T00:00:00.000000Z");
  EXPECT_EQ(action("drift:temp")["kind"], "retrain");
  EXPECT_EQ(asked.size(), 1U);
}

TEST_F(Responding, broken_input_is_never_learnt) {
  verdicts["temp"] = caused_by("dataset:weather@10", "data");
  broken("2013-01-01", "2013-02-01", "temp");
  EXPECT_EQ(action("drift:temp")["kind"], "refused");
  EXPECT_EQ(action("drift:temp")["node"], "dataset:weather@10");
  EXPECT_EQ(action("drift:temp")["reason"], "the cause is broken input (dataset:weather@10), which must not be learnt");
  broken_all("2013-02-01", "2013-03-01", {"temp", "wind"});
  const auto refused = action("drift:wind");
  EXPECT_EQ(refused["kind"], "refused") << "its own drift is natural, another alert's input is broken";
  EXPECT_EQ(refused["node"], "dataset:weather@10");
  EXPECT_EQ(refused["alert"], details("drift:temp").alert.node());
  EXPECT_TRUE(services.retrained.empty());
  ASSERT_TRUE(alerts.resolve(caller, "drift:temp", "the feed is mended"));
  broken("2013-03-01", "2013-04-01", "wind");
  EXPECT_EQ(services.retrained.size(), 1U);
  EXPECT_EQ(action("drift:wind")["kind"], "retrain") << "what was refused before";
}

TEST_F(Responding, all_alerts_of_a_look_are_traced_before_anything_is_learnt) {
  verdicts["wind"] = caused_by("source:weather", "source");
  look(window_of("2013-01-01", "2013-02-01", Json::array({column("temp", 0.3), column("wind", 0.3)})));
  respond();
  EXPECT_EQ(action("drift:temp")["kind"], "refused");
  EXPECT_EQ(action("drift:temp")["node"], "source:weather");
  EXPECT_EQ(traces, 2);
  EXPECT_TRUE(services.retrained.empty());
}

TEST_F(Responding, alerts_that_fire_on_are_traced_anew_before_anything_is_learnt) {
  spec.on.cooldown_days = 1;
  broken("2013-01-01", "2013-02-01", "wind");
  EXPECT_EQ(action("drift:wind")["kind"], "retrain");
  const auto first = only().id;
  verdicts["wind"] = caused_by("dataset:weather@10", "data");
  broken_all("2013-02-01", "2013-03-01", {"temp", "wind"});
  EXPECT_EQ(action("drift:temp")["kind"], "refused");
  EXPECT_EQ(action("drift:temp")["node"], "dataset:weather@10");
  EXPECT_NE(details("drift:wind").alert.id, first) << "another cause is another alert";
  EXPECT_EQ(action("drift:wind")["kind"], "refused") << "and it is answered";
  EXPECT_EQ(services.retrained.size(), 1U);
}

TEST_F(Responding, a_cause_that_is_no_input_is_reviewed_and_not_retrained) {
  verdicts["temp"] = caused_by("stage:features@12ab", "code");
  broken("2013-01-01", "2013-02-01", "temp");
  EXPECT_EQ(action("drift:temp")["kind"], "review");
  EXPECT_EQ(action("drift:temp")["also"][0]["reason"], "retraining does not mend the cause, stage:features@12ab");
}

TEST_F(Responding, alerts_with_one_cause_are_grouped_and_ask_one_question) {
  verdicts["temp"] = verdicts["wind"] = caused_by("dataset:weather@10", "data");
  broken("2013-01-01", "2013-02-01", "temp");
  broken("2013-02-01", "2013-03-01", "wind");
  EXPECT_EQ(details("drift:temp").to_json()["group"], "dataset:weather@10");
  EXPECT_EQ(details("drift:wind").to_json()["group"], "dataset:weather@10");
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].key, asked[1].key);
  EXPECT_EQ(asked[0].cause, "dataset:weather@10");
}

TEST_F(Responding, a_warning_of_drift_leads_to_nothing_and_one_of_performance_retrains) {
  broken("2013-01-01", "2013-02-01", "temp", 0.15);
  EXPECT_EQ(action("drift:temp")["kind"], "none");
  look({measured("2013-01-01", "2013-02-01", metric(0.74, 0.71, 0.77))});
  respond();
  EXPECT_EQ(action("performance:auc")["kind"], "retrain");
  EXPECT_TRUE(asked.empty());
}

TEST_F(Responding, a_warning_that_becomes_a_page_is_answered_as_one) {
  broken("2013-01-01", "2013-02-01", "temp", 0.15);
  EXPECT_TRUE(asked.empty());
  broken("2013-02-01", "2013-03-01", "temp", 0.3);
  EXPECT_EQ(asked.size(), 1U);
  EXPECT_EQ(traces, 2);
  broken("2013-03-01", "2013-04-01", "temp", 0.3);
  EXPECT_EQ(asked.size(), 1U);
  EXPECT_EQ(traces, 3) << "once in each window";
}

TEST_F(Responding, without_a_trace_there_is_no_verdict_and_a_person_is_asked) {
  alerts.hooks.trace = nullptr;
  broken("2013-01-01", "2013-02-01", "temp");
  EXPECT_EQ(only().trace["verdict"], "not_enough_evidence");
  EXPECT_EQ(only().trace["summary"], "alerts are not traced here");
  EXPECT_EQ(only().action["kind"], "review");
  EXPECT_TRUE(services.retrained.empty());
}

TEST_F(Responding, a_trace_that_cannot_be_made_is_kept_with_its_reason) {
  alerts.hooks.trace = [](const Caller&, const Alert&) -> Result<Json> {
    return Error{Code::unsupported, "there is no reference"};
  };
  broken("2013-01-01", "2013-02-01", "temp");
  EXPECT_EQ(only().trace["summary"], "it could not be traced: there is no reference");
  EXPECT_EQ(only().action["kind"], "review");
}

TEST_F(Responding, without_a_monitor_nothing_follows) {
  alerts.hooks.monitor = [](const std::string&) -> Result<std::optional<MonitorSpec>> {
    return std::optional<MonitorSpec>();
  };
  broken("2013-01-01", "2013-02-01", "temp");
  EXPECT_EQ(only().action["kind"], "none");
  EXPECT_EQ(only().action["reason"], "the policy asks for nothing");
}

TEST_F(Responding, an_alert_that_ended_before_its_answer_is_left_alone) {
  look(drifted("2013-01-01", "2013-02-01", 0.3));
  ASSERT_TRUE(alerts.resolve(caller, "drift:temp", "known"));
  respond();
  EXPECT_EQ(traces, 0);
  EXPECT_TRUE(only().action.is_null());
}

TEST_F(Responding, the_same_look_again_answers_nothing_twice) {
  broken("2013-01-01", "2013-02-01", "temp");
  const auto kept = lines();
  broken("2013-01-01", "2013-02-01", "temp");
  ASSERT_TRUE(alerts.recover());
  respond();
  EXPECT_EQ(lines(), kept);
  EXPECT_EQ(traces, 1);
  EXPECT_EQ(asked.size(), 1U);
}

TEST_F(Responding, a_trace_may_be_made_anew_and_the_newest_counts) {
  broken("2013-01-01", "2013-02-01", "temp");
  const auto kept = alerts.keep_trace(caller, "drift:temp", caused_by("dataset:weather@10", "data"));
  ASSERT_TRUE(kept) << kept.error().text();
  EXPECT_EQ(only().trace["verdict"], "cause");
  EXPECT_EQ(details("drift:temp").to_json()["group"], "dataset:weather@10");
  const auto wrong = alerts.keep_trace(caller, "drift:temp", {{"verdict", "perhaps"}});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message(), "'perhaps' is no verdict of a trace");
  EXPECT_FALSE(alerts.keep_trace(caller, "drift:temp", {{"verdict", "cause"}, {"cause", nullptr}}));
  EXPECT_FALSE(alerts.keep_trace(caller, "drift:temp", "text"));
}

}  // namespace
}  // namespace millrace::monitor
