// Ends the process between two moves of alerts and in the middle of their answers, as kill -9 would; the next process
// repeats the looks and comes to what an undisturbed one comes to.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>

#include "monitor/alert/testing.h"

namespace millrace::monitor {
namespace {

using testing::column;
using testing::window_of;

constexpr const char* kFolder = "MILLRACE_ALERT_CRASH_FOLDER";
using Lines = std::vector<std::string>;

// One process over a state folder: looks that fire, raise, end and succeed alerts, and all that they lead to.
struct Process {
  testing::World world;
  std::unique_ptr<store::Database> database;
  std::unique_ptr<testing::AlertServices> services;
  MonitorSpec spec{.deployment = "late", .min_rows = 500};
  bool started = false;
  const Caller caller{.workspace = "default", .subject = "local:ada", .roles = {"admin"}, .via = "job"};

  // The next process begins an hour later: the leases of the one before have run out.
  explicit Process(const std::string& folder, Micros later = 0) {
    world.clock.advance(later);
    database = std::move(*store::open_database(testing::place_of(folder + "/meta.db"), world.context));
    services = std::make_unique<testing::AlertServices>(*database, world.context, folder + "/audit.head");
    spec.rules = {testing::rule("drift", "psi", 0.1, 0.25)};
    spec.on = {.page = "none", .warn = "none", .retrain_target = "reevaluate", .cooldown_days = 60};
    auto& hooks = services->alerts.hooks;
    hooks.monitor = [this](const std::string&) -> Result<std::optional<MonitorSpec>> { return std::optional(spec); };
    hooks.trace = [](const Caller&, const Alert& alert) -> Result<Json> {
      if (alert.subject == "temp" && alert.from >= testing::day_of("2013-03-01"))
        return Json{{"verdict", "cause"},
                    {"summary", "broken"},
                    {"candidates", {{{"rank", 1}, {"node", "dataset:weather@3"}, {"kind", "data"}, {"score", 0.9}}}},
                    {"cause", {{"node", "dataset:weather@3"}, {"columns", {"temp"}}, {"change", "unit"}}}};
      return Json{
          {"verdict", "natural_drift"}, {"summary", "as ever"}, {"candidates", Json::array()}, {"cause", nullptr}};
    };
  }

  Result<void> look(const std::string& from, const std::string& to, double temp, double wind, double rain) {
    world.clock.advance(1'000'000);
    const auto columns = Json::array({column("temp", temp), column("wind", wind), column("rain", rain)});
    return services->alerts.look(caller, spec, {.deployment = "late", .windows = {window_of(from, to, columns)}});
  }
  void answer() {
    if (!started) {
      ASSERT_TRUE(services->jobs.start(1));
    }
    started = true;
    ASSERT_TRUE(services->alerts.recover());
    for (size_t seen = 0; seen != services->jobs.list("default", 1000)->size();) {
      const auto known = *services->jobs.list("default", 1000);
      seen = known.size();
      for (const auto& job : known) ASSERT_TRUE(services->jobs.wait("default", job.id, 60'000'000));
    }
  }
  void run() {
    ASSERT_TRUE(look("2013-01-01", "2013-02-01", 0.15, 0.0, 0.3));
    ASSERT_TRUE(look("2013-02-01", "2013-03-01", 0.3, 0.3, 0.01));
    answer();
    ASSERT_TRUE(look("2013-03-01", "2013-04-01", 0.3, 0.3, 0.01));  // temp fires on, with another cause
    answer();
  }

  // What alerts came to: every line of their histories, and how the answers of each began and ended.
  Lines outcome() {
    Lines out;
    const auto page = services->alerts.list("default", {});
    for (const auto& one : page->items) {
      const auto details = services->alerts.get("default", one.alert.id);
      const auto& alert = details->alert;
      auto line = fmt::format("{} {} {} {} {}:", alert.subject, alert.severity, alert.state, to_iso(alert.fired_at),
                              string_or(alert.action, "kind", "-"));
      std::map<std::string, int> kinds;
      for (const auto& event : details->events) ++kinds[event.kind];
      for (const auto& [kind, count] : kinds) line += fmt::format(" {}={}", kind, count);
      out.push_back(line);
    }
    std::sort(out.begin(), out.end());
    int pipelines = 0;
    const auto known = services->jobs.list("default", 1000);
    for (const auto& job : *known) pipelines += job.kind == kRetrainJob ? 1 : 0;
    out.push_back(fmt::format("{} retrainings", pipelines));
    const auto verdict = services->journal.verify();
    out.push_back(verdict && verdict->intact ? "intact" : "broken");
    return out;
  }
};

// Not a test by itself: the one below starts this program again with only this one.
TEST(AlertCrashChild, runs) {
  if (const char* folder = std::getenv(kFolder); folder != nullptr) Process(folder).run();
}

// True when the process died at the fault, false when it came to its end without reaching it.
bool die_at(const std::string& folder, const std::string& fault) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv(kFolder, folder.c_str(), 1);
    ::setenv("MILLRACE_FAULT", fault.c_str(), 1);
    ::execl(self.c_str(), self.c_str(), "--gtest_filter=AlertCrashChild.runs", "--gtest_brief=1", nullptr);
    ::_exit(9);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

TEST(AlertCrash, alerts_and_their_answers_happen_once_whatever_point_a_process_dies_at) {
  testing::Folder calm;
  Process undisturbed(calm.path());
  undisturbed.run();
  const auto expected = undisturbed.outcome();
  ASSERT_EQ(expected.size(), 6U);
  EXPECT_EQ(expected[4], "1 retrainings");
  const std::map<std::string, int> points{{"monitor.alert.moved", 12},
                                          {"monitor.look.before_responses", 2},
                                          {"monitor.look.response_submitted", 4},
                                          {"monitor.respond.traced", 3},
                                          {"monitor.retrain.claimed", 1},
                                          {"monitor.retrain.submitted", 1},
                                          {"monitor.respond.succeeded", 1},
                                          {"jobs.settle.before", 2}};
  for (const auto& [point, visits] : points)
    for (int visit = 1; visit <= visits; ++visit) {
      const auto fault = fmt::format("{}:{}", point, visit);
      testing::Folder folder;
      ASSERT_TRUE(die_at(folder.path(), fault)) << fault << " was not reached";
      Process next(folder.path(), 3'600'000'000);
      next.run();
      EXPECT_EQ(next.outcome(), expected) << fault;
    }
}

}  // namespace
}  // namespace millrace::monitor
