// Ends the process in the middle of a look, as kill -9 would, at each named point; the next process goes on, and what
// it has in the end is what a process has that nobody ended.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "monitor/testing.h"

namespace millrace::monitor {
namespace {

using testing::at;
using testing::prediction_id;

constexpr const char* kFolder = "MILLRACE_TEST_STATE";

// Its one file, if the folder has it, is what every version was taught.
FindFacts facts_in(const std::string& folder) {
  return [folder](const std::string&, const MonitorSpec&, const std::string& model,
                  int64_t version) -> Result<VersionFacts> {
    MILLRACE_TRY(const auto digest, digest_of_file(folder + "/training.parquet"));
    return VersionFacts{.model = model,
                        .version = version,
                        .taught = Artifact{digest, "artifact:training/training.parquet@" + digest.substr(7, 12)}};
  };
}

// What the hook was told is kept in a file, as alerts would be in rows.
Result<LookReport> look_in(const std::string& folder, testing::MonitorState& state) {
  state.windows.on_look = [&](const Caller&, const MonitorSpec&, const std::vector<Window>& seen,
                              Micros when) -> Result<void> {
    std::string text;
    if (exists(folder + "/told")) {
      MILLRACE_TRY(text, read_file(folder + "/told", 1 << 20));
    }
    return write_file(folder + "/told", text + fmt::format("{} {}\n", to_iso(when), seen.size()));
  };
  return state.windows.look({.workspace = "default", .subject = "millrace", .roles = {"admin"}, .via = "job"},
                            {.deployment = "late", .every = Period::week}, at("2013-08-01"));
}

class MonitorCrash : public testing::MonitorTest {
 protected:
  // June was looked at, then come late labels and requests of it, and July.
  void prepare() {
    artifact("training.parquet", {{{"distance", 1.0}}, {{"distance", 2.0}}}, {{"distance", Kind::number}});
    std::vector<testing::Request> june, july;
    for (int i = 0; i < 30; ++i) june.push_back({.id = i, .time = at("2013-06-01") + i * Micros{86'400'000'000}});
    for (int i = 0; i < 31; ++i) july.push_back({.id = 100 + i, .time = at("2013-07-01") + i * Micros{86'400'000'000}});
    add_file(june);
    facts = {};
    look("2013-07-01");
    add_file(july);
    add_file({{.id = 200, .time = at("2013-06-05")}});
    label({{prediction_id(1), 0, 1, at("2013-07-15")}, {prediction_id(101), 0, 1, at("2013-07-02")}});
    state.reset();
  }
  void run_and_die(const std::string& fault) {
    const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
    const pid_t child = ::fork();
    if (child == 0) {
      ::setenv(kFolder, folder.path().c_str(), 1);
      ::setenv("MILLRACE_FAULT", fault.c_str(), 1);
      ::execl(self.c_str(), self.c_str(), "--gtest_filter=MonitorCrashChild.looks", "--gtest_brief=1", nullptr);
      ::_exit(9);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << fault << " was not reached";
  }
  // All windows in every revision, without the time of recording.
  std::string outcome() {
    state = std::make_unique<testing::MonitorState>(folder.path(), world.context, facts_in(folder.path()));
    const auto report = look_in(folder.path(), *state);
    EXPECT_TRUE(report) << report.error().text();
    std::string out;
    EXPECT_TRUE(state->database->read([&](store::Session& session) -> Result<void> {
      MILLRACE_TRY(const auto rows, session.query("SELECT from_time, arm, version, revision, as_of, summary FROM "
                                                  "monitor_windows ORDER BY from_time, arm, version, revision"));
      for (const auto& row : rows)
        out += fmt::format("{} {} {} {} {} {}\n", to_iso(row.integer(0)), row.text(1), row.integer(2), row.integer(3),
                           to_iso(row.integer(4)), row.text(5));
      MILLRACE_TRY(const auto due, session.query("SELECT * FROM monitor_due"));
      EXPECT_TRUE(due.empty());
      return {};
    }));
    const auto verdict = state->journal.verify();
    EXPECT_TRUE(verdict && verdict->intact);
    return out;
  }
  // When the hook was told, each time once.
  std::string told_times() {
    const auto text = *read_file(folder / "told", 1 << 20);
    std::set<std::string> lines;
    for (size_t from = 0, to = 0; (to = text.find('\n', from)) != std::string::npos; from = to + 1)
      lines.insert(text.substr(from, to - from));
    return fmt::format("{}", fmt::join(lines, "\n"));
  }
};

TEST_F(MonitorCrash, a_look_goes_on_from_wherever_it_was_cut_off) {
  prepare();
  const auto expected = outcome();
  const auto expected_told = told_times();
  EXPECT_NE(expected.find("2013-06-01T00:00:00.000000Z all 0 2"), std::string::npos) << expected;
  for (const std::string fault :
       {"monitor.look.after_seal", "monitor.index.after_files", "monitor.reference.before_row",
        "monitor.look.before_record", "monitor.look.before_record:3", "monitor.look.after_record",
        "monitor.look.after_record:6", "monitor.look.after_hook", "monitor.look.after_hook:6",
        "monitor.look.after_labels", "store.commit.before:4", "store.commit.after:5"}) {
    state.reset();
    ASSERT_TRUE(remove_tree(folder.path()));
    if (testing::on_postgres())
      testing::run_on_postgres(fmt::format("DROP SCHEMA {} CASCADE", testing::schema_of(folder / "meta.db")));
    ASSERT_TRUE(make_folders(folder / "predictions/late"));
    ASSERT_TRUE(make_folders(folder / "tmp"));
    files = 0;
    restart();
    prepare();
    run_and_die(fault);
    EXPECT_EQ(outcome(), expected) << fault;
    EXPECT_EQ(told_times(), expected_told) << fault;
  }
}

// Not a test by itself: run_and_die() starts this program again with only this one.
TEST(MonitorCrashChild, looks) {
  const char* folder = std::getenv(kFolder);
  if (folder == nullptr) return;
  testing::World world;
  testing::MonitorState state(folder, world.context, facts_in(folder));
  (void)look_in(folder, state);
}

}  // namespace
}  // namespace millrace::monitor
