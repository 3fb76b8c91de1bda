// For tests only: alerts over a real store with real jobs, and windows that are made up.
#pragma once
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "monitor/alerts.h"
#include "pipeline/pipeline.h"
#include "store/testing.h"

namespace millrace::testing {

inline Micros day_of(const std::string& date) { return *parse_time(date); }

// A column of a window that drifted by `psi`.
inline Json column(const std::string& name, double psi, int64_t n = 5000) {
  return {{"column", name},
          {"role", "input"},
          {"type", "number"},
          {"psi", psi},
          {"js", psi / 5.5},
          {"effect", 0.4},
          {"effect_kind", "cohens_d"},
          {"n", n},
          {"reference_n", 20000},
          {"null_rate", 0.01},
          {"reference_null_rate", 0.01},
          {"edges", {1, 2}},
          {"counts", {100, 200, 300}},
          {"reference_counts", {300, 200, 100}}};
}

inline Json metric(double value, double low, double high, int64_t n = 2000) {
  return {{"value", value}, {"low", low}, {"high", high}, {"n", n}};
}

inline monitor::RuleSpec rule(const std::string& kind, const std::string& metric, std::optional<double> warn,
                              std::optional<double> page, bool below = false) {
  return {.kind = kind, .metric = metric, .bound = {.warn = warn, .page = page, .below = below}};
}

// A month of all arms, complete.
inline monitor::Window window_of(const std::string& from, const std::string& to, Json columns = Json::array()) {
  monitor::Window out{.deployment = "late", .from = day_of(from), .to = day_of(to), .arm = "all", .revision = 1};
  out.as_of = out.to;
  out.summary = {{"requests", 5000},
                 {"answered", 5000},
                 {"refused", 0},
                 {"failed", 0},
                 {"labels", 0},
                 {"latency_us", nullptr},
                 {"refusals", Json::array()},
                 {"performance", nullptr},
                 {"columns", std::move(columns)},
                 {"difference", nullptr}};
  return out;
}

inline monitor::Window drifted(const std::string& from, const std::string& to, double psi) {
  return window_of(from, to, Json::array({column("temp", psi)}));
}

// The window of the stable arm, with labels.
inline monitor::Window measured(const std::string& from, const std::string& to, const Json& auc, int64_t version = 3) {
  auto out = window_of(from, to);
  out.arm = "stable";
  out.version = version;
  out.model = "late";
  out.summary["labels"] = auc.is_null() ? Json(0) : auc.at("n");
  if (!auc.is_null()) out.summary["performance"] = {{"auc", auc}};
  return out;
}

struct AlertServices {
  AlertServices(store::Database& database, Context& context, const std::string& checkpoint)
      : journal(database, context, "main", checkpoint),
        jobs(database, journal, context),
        alerts(database, journal, jobs, context) {
    jobs.add(std::string(monitor::kRespondJob), [this](jobs::Running& running) { return alerts.respond(running); });
    jobs.add(std::string(monitor::kRetrainJob), [this](jobs::Running& running) -> Result<Json> {
      retrained.push_back(running.job().payload);
      return retraining ? retraining() : Result<Json>(Json{{"stages", Json::array()}});
    });
    jobs.on_end([this](const std::string& workspace, const jobs::Job& job) {
      if (auto done = alerts.note_end(workspace, job); !done) ADD_FAILURE() << done.error().text();
    });
  }
  lineage::Journal journal;
  jobs::Jobs jobs;
  monitor::Alerts alerts;
  std::vector<Json> retrained;
  std::function<Result<Json>()> retraining;
};

class AlertsTest : public ::testing::Test {
 protected:
  Store store;
  Caller caller{.workspace = "default", .subject = "local:ada", .roles = {"admin"}, .via = "cli"};
  Caller reader{.workspace = "default", .subject = "rob", .roles = {"reader"}, .via = "native"};
  monitor::MonitorSpec spec{.deployment = "late", .min_rows = 500};
  AlertServices services{*store.database, store.world.context, store.folder / "audit.head"};
  monitor::Alerts& alerts = services.alerts;

  void SetUp() override {
    spec.rules = {rule("drift", "psi", 0.1, 0.25), rule("performance", "auc", 0.75, 0.72, true)};
    spec.on.page = "none";
    alerts.hooks.monitor = [this](const std::string&) -> Result<std::optional<monitor::MonitorSpec>> {
      return std::optional(spec);
    };
  }
  void look(std::vector<monitor::Window> windows, Micros at = 0) {
    store.world.clock.advance(1'000'000);  // so that the order of ids is that of making
    const auto done = alerts.look(caller, spec, {.deployment = "late", .windows = std::move(windows), .at = at});
    ASSERT_TRUE(done) << done.error().text();
  }
  void look(const monitor::Window& window) { look(std::vector{window}); }
  std::vector<monitor::AlertDetails> all() const {
    auto page = alerts.list("default", {});
    EXPECT_TRUE(page) << page.error().text();
    std::reverse(page->items.begin(), page->items.end());
    return std::move(page->items);
  }
  monitor::Alert only() const {
    const auto found = all();
    EXPECT_EQ(found.size(), 1U);
    return found.empty() ? monitor::Alert{} : found.front().alert;
  }
  monitor::AlertDetails details(const std::string& name) const {
    auto found = alerts.get("default", name);
    EXPECT_TRUE(found) << found.error().text();
    return found ? std::move(*found) : monitor::AlertDetails{};
  }
  // "drift temp page firing" of each, oldest first.
  std::vector<std::string> states() const {
    std::vector<std::string> out;
    for (const auto& [alert, id, events] : all())
      out.push_back(fmt::format("{} {} {} {}", alert.kind, alert.subject, alert.severity, alert.state));
    return out;
  }
  std::vector<std::string> history(const std::string& name) const {
    std::vector<std::string> out;
    for (const auto& event : details(name).events) out.push_back(event.kind);
    return out;
  }
  // Lines of the journal about alerts, in order.
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    const auto events = services.journal.read_after("default", 0, 1000);
    for (const auto& event : *events)
      if (event.kind.starts_with("alert.")) out.push_back(event.kind);
    return out;
  }
  // Lets the jobs run until the alert's answer is there.
  void respond() {
    if (!std::exchange(started_, true)) {
      ASSERT_TRUE(services.jobs.start(1));
    }
    const auto known = services.jobs.list("default", 1000);
    for (const auto& job : *known) (void)services.jobs.wait("default", job.id, 60'000'000);
    const auto again = services.jobs.list("default", 1000);
    if (again->size() != known->size()) respond();
  }

 private:
  bool started_ = false;
};

}  // namespace millrace::testing
