// Every move of an alert, over a real store.
#include "monitor/alerts.h"

#include "lineage/graph.h"
#include "monitor/alert/testing.h"

namespace millrace::monitor {
namespace {

using testing::AlertsTest;
using testing::day_of;
using testing::drifted;
using testing::measured;
using testing::metric;
using testing::window_of;
using Texts = std::vector<std::string>;

struct Alerting : AlertsTest {
  static Window january(double psi) { return drifted("2013-01-01", "2013-02-01", psi); }
  static Window february(double psi) { return drifted("2013-02-01", "2013-03-01", psi); }
  static Window march(double psi) { return drifted("2013-03-01", "2013-04-01", psi); }
  static Window partly(Window window, const std::string& as_of) {
    window.as_of = day_of(as_of);
    return window;
  }
  template <class T>
  static std::string said(const Result<T>& result) {
    return result ? "ok" : fmt::format("{}: {}", name_of(result.error().code()), result.error().message());
  }
};

TEST_F(Alerting, a_window_that_breaks_a_rule_fires_at_its_end) {
  look(january(0.3));
  EXPECT_EQ(states(), Texts{"drift temp page firing"});
  const auto alert = only();
  EXPECT_EQ(alert.fired_at, day_of("2013-02-01"));
  EXPECT_EQ(alert.pending_at, day_of("2013-02-01"));
  EXPECT_EQ(alert.from, day_of("2013-01-01"));
  EXPECT_EQ(alert.value, 0.3);
  EXPECT_EQ(alert.limit, 0.25);
  EXPECT_EQ(history("drift:temp"), (Texts{"pending", "fired"}));
  EXPECT_EQ(lines(), (Texts{"alert.pending", "alert.fired"}));
  const auto events = details("drift:temp").events;
  EXPECT_EQ(events[1].event_time, day_of("2013-02-01"));
  EXPECT_EQ(events[1].recorded_at, store.world.clock.now());
}

TEST_F(Alerting, a_rule_that_holds_leaves_nothing_behind) {
  look(january(0.09));
  EXPECT_TRUE(all().empty());
  EXPECT_TRUE(lines().empty());
}

TEST_F(Alerting, the_graph_leads_from_the_alert_to_its_windows) {
  look(january(0.3));
  look(february(0.3));
  const auto walk = lineage::walk(*store.database, "default", only().node(), lineage::Direction::upstream);
  ASSERT_TRUE(walk) << walk.error().text();
  ASSERT_EQ(walk->nodes.size(), 3U);
  EXPECT_EQ(walk->nodes[1].id, january(0).node());
  EXPECT_EQ(walk->nodes[2].id, february(0).node());
}

TEST_F(Alerting, for_asks_for_looks_in_a_row) {
  spec.for_looks = 3;
  look(partly(january(0.3), "2013-01-08"));
  look(partly(january(0.3), "2013-01-15"));
  EXPECT_EQ(states(), Texts{"drift temp page pending"});
  look(partly(january(0.12), "2013-01-22"));
  EXPECT_EQ(states(), Texts{"drift temp page firing"});
  EXPECT_EQ(only().fired_at, day_of("2013-01-22"));
  EXPECT_EQ(history("drift:temp"), (Texts{"pending", "seen", "seen", "fired"}));
}

TEST_F(Alerting, pending_ends_quietly_when_the_rule_holds_again) {
  spec.for_looks = 2;
  look(january(0.3));
  look(february(0.1));
  EXPECT_EQ(states(), Texts{"drift temp page resolved"});
  EXPECT_EQ(only().fired_at, 0);
  EXPECT_TRUE(services.jobs.list("default", 10)->empty());
  look(march(0.3));
  EXPECT_EQ(states(), (Texts{"drift temp page resolved", "drift temp page pending"}));
}

TEST_F(Alerting, a_look_with_too_few_rows_neither_counts_nor_ends) {
  spec.for_looks = 2;
  look(january(0.3));
  auto few = february(0.3);
  few.summary["columns"][0]["n"] = 20;
  look(few);
  EXPECT_EQ(states(), Texts{"drift temp page pending"});
  look(march(0.3));
  EXPECT_EQ(states(), Texts{"drift temp page firing"});
  few = drifted("2013-04-01", "2013-05-01", 0.0);
  few.summary["columns"][0]["n"] = 20;
  look(few);
  EXPECT_EQ(states(), Texts{"drift temp page firing"});
}

TEST_F(Alerting, a_new_revision_of_a_look_is_no_further_one) {
  spec.for_looks = 2;
  look(january(0.3));
  auto again = january(0.31);
  again.revision = 2;
  look(again);
  EXPECT_EQ(states(), Texts{"drift temp page pending"});
  EXPECT_EQ(only().value, 0.31);
}

TEST_F(Alerting, the_same_looks_again_change_nothing) {
  spec.for_looks = 2;
  const auto repeat = [&] {
    look(january(0.3));
    look(february(0.3));
    look(march(0.05));
    look(drifted("2013-04-01", "2013-05-01", 0.15));
  };
  repeat();
  const auto before = states();
  EXPECT_EQ(before, (Texts{"drift temp page resolved", "drift temp warn pending"}));
  const auto kept = lines();
  repeat();
  repeat();
  EXPECT_EQ(states(), before);
  EXPECT_EQ(lines(), kept);
}

TEST_F(Alerting, a_firing_alert_resolves_only_in_the_clear_of_a_later_complete_window) {
  look(january(0.3));
  look(partly(february(0.01), "2013-02-15"));
  EXPECT_EQ(states(), Texts{"drift temp page firing"}) << "not complete";
  look(february(0.095));
  EXPECT_EQ(states(), Texts{"drift temp page firing"}) << "not a tenth inside the limit";
  look(march(0.08));
  EXPECT_EQ(states(), Texts{"drift temp page resolved"});
  const auto alert = only();
  EXPECT_EQ(alert.resolved_at, day_of("2013-04-01"));
  EXPECT_NE(alert.note.find("2013-03-01 to 2013-04-01 is in the clear"), std::string::npos) << alert.note;
  EXPECT_EQ(alert.from, day_of("2013-01-01")) << "the newest period that broke the rule";
}

TEST_F(Alerting, a_window_that_broke_while_it_filled_and_holds_when_complete_resolves) {
  look(partly(january(0.3), "2013-01-08"));
  look(january(0.05));
  EXPECT_EQ(states(), Texts{"drift temp page resolved"});
}

TEST_F(Alerting, what_breaks_again_after_it_was_resolved_is_a_new_alert) {
  look(january(0.3));
  look(february(0.05));
  look(march(0.3));
  EXPECT_EQ(states(), (Texts{"drift temp page resolved", "drift temp page firing"}));
  EXPECT_EQ(all()[1].alert.first_from, day_of("2013-03-01"));
}

TEST_F(Alerting, severity_rises_while_open_and_never_falls) {
  look(january(0.15));
  EXPECT_EQ(states(), Texts{"drift temp warn firing"});
  look(february(0.3));
  EXPECT_EQ(states(), Texts{"drift temp page firing"});
  EXPECT_EQ(history("drift:temp"), (Texts{"pending", "fired", "raised"}));
  look(march(0.15));
  EXPECT_EQ(states(), Texts{"drift temp page firing"});
  EXPECT_EQ(history("drift:temp").back(), "seen");
}

TEST_F(Alerting, late_labels_open_an_alert_for_a_window_that_is_over) {
  look({january(0.0), measured("2013-01-01", "2013-02-01", nullptr)});
  look({february(0.0), measured("2013-02-01", "2013-03-01", nullptr)});
  EXPECT_TRUE(all().empty());
  auto late = measured("2013-01-01", "2013-02-01", metric(0.6, 0.58, 0.62));
  late.revision = 2;
  look({late}, day_of("2013-03-10"));
  EXPECT_EQ(states(), Texts{"performance auc page firing"});
  EXPECT_EQ(only().fired_at, day_of("2013-03-10"));
}

TEST_F(Alerting, late_labels_that_mend_the_window_resolve_its_alert_with_that_reason) {
  look({measured("2013-01-01", "2013-02-01", metric(0.6, 0.58, 0.62, 600))});
  auto late = measured("2013-01-01", "2013-02-01", metric(0.752, 0.74, 0.77, 5000));
  late.revision = 2;
  look({late});
  EXPECT_EQ(states(), Texts{"performance auc page resolved"}) << "without a tenth to spare: it never broke";
  EXPECT_NE(only().note.find("revision 2 of the window 2013-01-01 to 2013-02-01 no longer breaks the rule"),
            std::string::npos)
      << only().note;
  look({measured("2013-01-01", "2013-02-01", metric(0.6, 0.58, 0.62, 600))});
  EXPECT_EQ(all().size(), 1U) << "the revision before it does not come back";
}

TEST_F(Alerting, an_older_window_does_not_move_the_alert_of_a_newer_one) {
  look({measured("2013-02-01", "2013-03-01", metric(0.6, 0.58, 0.62))});
  look({measured("2013-01-01", "2013-02-01", metric(0.9, 0.88, 0.92))});
  look({measured("2013-01-01", "2013-02-01", metric(0.5, 0.48, 0.52))});
  EXPECT_EQ(only().state, "firing");
  EXPECT_EQ(only().from, day_of("2013-02-01"));
  EXPECT_EQ(history("performance:auc"), (Texts{"pending", "fired"}));
}

TEST_F(Alerting, arms_and_versions_have_alerts_of_their_own) {
  auto canary = measured("2013-01-01", "2013-02-01", metric(0.6, 0.58, 0.62), 4);
  canary.arm = "canary";
  look({measured("2013-01-01", "2013-02-01", metric(0.6, 0.58, 0.62)), canary});
  EXPECT_EQ(all().size(), 2U);
  const auto ambiguous = alerts.get("default", "performance:auc");
  ASSERT_FALSE(ambiguous);
  EXPECT_EQ(said(ambiguous), "invalid: 'performance:auc' names 2 alerts");
  EXPECT_NE(ambiguous.error().hint().find(all()[1].alert.id), std::string::npos);
}

TEST_F(Alerting, an_alert_of_a_version_that_answers_no_more_is_resolved) {
  look({january(0.0), measured("2013-01-01", "2013-02-01", metric(0.6, 0.58, 0.62), 3)});
  look({february(0.0), measured("2013-02-01", "2013-03-01", metric(0.8, 0.78, 0.82), 4)});
  EXPECT_EQ(states(), Texts{"performance auc page resolved"});
  EXPECT_NE(only().note.find("nothing watches this"), std::string::npos);
}

TEST_F(Alerting, an_alert_of_a_rule_that_is_gone_is_resolved_by_a_complete_window) {
  look(january(0.3));
  spec.rules.erase(spec.rules.begin());
  look(partly(february(0.3), "2013-02-10"));
  EXPECT_EQ(only().state, "firing");
  look(february(0.3));
  EXPECT_EQ(only().state, "resolved");
}

TEST_F(Alerting, quarantine_is_judged_on_the_batches_behind_the_window_and_leads_to_them) {
  spec.rules = {testing::rule("quarantine", "rate", 0.01, 0.03)};
  alerts.hooks.batches = [](const std::string&, const Window& window) -> Result<std::vector<data::DatasetVersion>> {
    data::DatasetVersion batch;
    batch.dataset = "weather";
    batch.version = 10;
    batch.rows = 1000;
    batch.quarantined = window.from == day_of("2013-01-01") ? 200 : 0;
    return std::vector{batch};
  };
  look(january(0.0));
  EXPECT_EQ(states(), Texts{"quarantine weather page firing"});
  const auto walk = lineage::walk(*store.database, "default", only().node(), lineage::Direction::upstream);
  ASSERT_TRUE(walk);
  EXPECT_TRUE(std::any_of(walk->nodes.begin(), walk->nodes.end(),
                          [](const auto& node) { return node.id == "dataset:weather@10"; }));
  look(february(0.0));
  EXPECT_EQ(only().state, "resolved");
}

TEST_F(Alerting, a_person_acknowledges_a_firing_alert_once) {
  alerts.hooks.event_now = [](const std::string&, const std::string&) -> Result<Micros> {
    return day_of("2013-02-05");
  };
  look(january(0.3));
  const auto done = alerts.acknowledge(caller, "drift:temp", "I look at the feed");
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->alert.state, "acknowledged");
  EXPECT_EQ(done->alert.acknowledged_at, day_of("2013-02-05"));
  EXPECT_EQ(done->alert.owner, "local:ada");
  EXPECT_EQ(done->alert.note, "I look at the feed");
  const auto again = alerts.acknowledge(caller, "drift:temp", "me too");
  EXPECT_EQ(said(again), fmt::format("conflict: alert:{} was acknowledged by local:ada at "
                                     "2013-02-05T00:00:00.000000Z: I look at the feed",
                                     only().id));
  look(february(0.3));
  EXPECT_EQ(only().state, "acknowledged");
  look(march(0.0));
  EXPECT_EQ(only().state, "resolved");
}

TEST_F(Alerting, a_person_resolves_at_any_time_with_a_reason) {
  spec.for_looks = 2;
  look(january(0.3));
  EXPECT_EQ(said(alerts.acknowledge(caller, "drift:temp", "x")),
            fmt::format("conflict: alert:{} is pending: it has not fired", only().id));
  EXPECT_EQ(said(alerts.resolve(caller, "drift:temp", " ")), "invalid: the end of an alert needs a reason");
  EXPECT_EQ(said(alerts.resolve(reader, "drift:temp", "x")),
            "denied: rob may not answer alerts: that takes the role 'writer'");
  ASSERT_TRUE(alerts.resolve(caller, "drift:temp", "a known holiday"));
  EXPECT_EQ(only().resolved_at, store.world.clock.now()) << "there is no event clock";
  EXPECT_NE(said(alerts.resolve(caller, "drift:temp", "x")).find("conflict"), std::string::npos);
  EXPECT_NE(said(alerts.acknowledge(caller, "drift:temp", "x")).find("was resolved by local:ada"), std::string::npos);
  look(january(0.3));
  EXPECT_EQ(all().size(), 1U) << "the same look does not bring it back";
  look(february(0.3));
  EXPECT_EQ(states(), (Texts{"drift temp page resolved", "drift temp page pending"}));
}

TEST_F(Alerting, ids_may_be_cut_short_and_wrong_ones_are_named) {
  look(january(0.3));
  const auto found = all().front();
  EXPECT_EQ(details(found.short_id).alert.id, found.alert.id);
  EXPECT_EQ(details(found.alert.node()).alert.id, found.alert.id);
  EXPECT_EQ(details(found.alert.id.substr(6, 12)).alert.id, found.alert.id);
  for (const std::string wrong : {"alert-0000", "nothing:temp", "drift:nothing", "", "alert-", "alert:", "~", "%"}) {
    const auto none = alerts.get("default", wrong);
    ASSERT_FALSE(none) << wrong;
    EXPECT_EQ(said(none), fmt::format("not_found: there is no alert '{}'", wrong));
    EXPECT_NE(none.error().hint().find("millrace alert list"), std::string::npos);
  }
  EXPECT_EQ(said(alerts.get("other", "drift:temp")), "not_found: there is no alert 'drift:temp'");
}

TEST_F(Alerting, short_ids_are_unique_among_alerts_of_one_moment) {
  auto wide = window_of("2013-01-01", "2013-02-01");
  for (int i = 0; i < 20; ++i) wide.summary["columns"].push_back(testing::column(fmt::format("c{}", i), 0.3));
  look(wide);
  ASSERT_EQ(all().size(), 20U);
  for (const auto& one : all()) EXPECT_EQ(details(one.short_id).alert.id, one.alert.id);
}

TEST_F(Alerting, lists_are_filtered_and_a_wrong_state_is_named) {
  look(january(0.3));
  look(february(0.05));
  look(march(0.3));
  const auto count = [&](const AlertFilter& filter) { return alerts.list("default", filter)->items.size(); };
  EXPECT_EQ(count({}), 2U);
  EXPECT_EQ(count({.state = "open"}), 1U);
  EXPECT_EQ(count({.state = "resolved"}), 1U);
  EXPECT_EQ(count({.deployment = "other"}), 0U);
  EXPECT_EQ(count({.before = all()[1].alert.id}), 1U);
  const auto wrong = alerts.list("default", {.state = "fireing"});
  EXPECT_EQ(said(wrong), "invalid: 'fireing' is no state of an alert");
  EXPECT_EQ(wrong.error().hint(), "did you mean 'firing'?");
}

TEST_F(Alerting, every_line_of_the_chain_holds) {
  look(january(0.3));
  ASSERT_TRUE(alerts.acknowledge(caller, "drift:temp", "x"));
  look(february(0.0));
  const auto verdict = services.journal.verify();
  ASSERT_TRUE(verdict);
  EXPECT_TRUE(verdict->intact) << verdict->reason;
}

}  // namespace
}  // namespace millrace::monitor
