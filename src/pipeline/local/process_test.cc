#include "pipeline/local/process.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "core/files.h"
#include "core/testing.h"
#include "pipeline/bounds.h"

namespace millrace::pipeline {
namespace {

constexpr Micros kSecond = 1'000'000;

class Process : public ::testing::Test {
 protected:
  testing::Folder folder;
  ManualClock clock;
  std::vector<std::string> lines;
  ProcessSpec spec{.program = "/bin/sh", .environment = {"PATH=/usr/bin:/bin"}, .folder = folder.path()};

  Result<ProcessEnd> shell(const std::string& script) {
    spec.words = {"sh", "-c", script};
    if (!spec.on_line)
      spec.on_line = [this](bool is_error, std::string_view line) {
        lines.push_back((is_error ? "2:" : "1:") + std::string(line));
      };
    return run_process(spec, clock);
  }
  using Lines = std::vector<std::string>;
};

TEST_F(Process, gives_lines_status_and_nothing_of_our_environment) {
  ::setenv("MILLRACE_TEST_SECRET", "s", 1);
  const auto end = shell("echo one; echo two >&2; printf three; pwd >&2; env | grep -c SECRET; exit 3");
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(end->text(), "ended with status 3");
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(lines, (Lines{"1:one", "1:three0", "2:" + folder.path(), "2:two"}));
}

TEST_F(Process, is_its_own_group_with_limits_and_no_input) {
  const auto end = shell("ulimit -c; ulimit -n; cat; ps -o pgid= -p $$ | tr -d ' ' | grep -cx $$");
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(lines, (Lines{"1:0", "1:" + std::to_string(bounds::open_files), "1:1"}));
}

TEST_F(Process, inherits_no_file_of_ours) {
  const auto end = shell("ls /proc/self/fd | wc -l");
  ASSERT_TRUE(end);
  EXPECT_EQ(lines, (Lines{"1:4"}));  // three streams, and the folder that ls reads
}

TEST_F(Process, says_which_signal_killed_it) {
  const auto end = shell("kill -9 $$");
  ASSERT_TRUE(end);
  EXPECT_EQ(end->text(), "was killed by SIGKILL");
}

TEST_F(Process, timeout_asks_then_kills_the_whole_group) {
  spec.timeout = 5 * kSecond;
  spec.grace = 3 * kSecond;
  // The clock moves when the script says so: nothing here waits for real time. Both the shell and its child ignore the
  // asking; the end of the streams shows that both are gone.
  spec.on_line = [&](bool, std::string_view line) {
    lines.emplace_back(line);
    if (line == "child ready") clock.advance(5 * kSecond);
    if (line == "asked") clock.advance(3 * kSecond);
  };
  const auto end =
      shell("trap 'echo asked' TERM; (trap '' TERM; echo child ready; while :; do :; done) & while :; do wait; done");
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(end->how, ProcessEnd::How::timed_out);
  EXPECT_EQ(end->status, SIGKILL);
  EXPECT_EQ(lines, (Lines{"child ready", "asked"}));
}

TEST_F(Process, a_child_that_outlives_its_parent_is_killed) {
  const auto end = shell("(trap '' TERM HUP; while :; do :; done) & echo $!");
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->ok());
  ASSERT_EQ(lines.size(), 1U);
  // Gone, or a zombie that its new parent has not reaped yet; it would run for ever if it had not been killed.
  const auto is_alive = [&] {
    const auto status = read_file("/proc/" + lines[0].substr(2) + "/stat", 4096);
    return status && status->find(") Z ") == std::string::npos;
  };
  while (is_alive()) std::this_thread::yield();
}

TEST_F(Process, can_be_cancelled) {
  bool ready = false;
  spec.grace = kSecond;
  spec.on_line = [&](bool, std::string_view) { ready = true; };
  spec.cancelled = [&] { return ready; };
  const auto end = shell("echo ready; while :; do :; done");
  ASSERT_TRUE(end);
  EXPECT_EQ(end->text(), "was cancelled");
}

TEST_F(Process, cuts_long_lines) {
  const auto end = shell("head -c 100000 /dev/zero | tr '\\0' x");
  ASSERT_TRUE(end);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].size(), 2 + bounds::line_bytes + std::string(" ... (cut)").size());
}

TEST_F(Process, a_program_that_cannot_start_is_an_error) {
  spec.program = folder / "missing";
  EXPECT_EQ(shell("true").error().code(), Code::not_found);
  ASSERT_TRUE(write_file(folder / "plain", "no program", 0600));
  spec.program = folder / "plain";
  EXPECT_EQ(shell("true").error().code(), Code::denied);
}

TEST(FindProgram, looks_at_absolute_folders_of_path) {
  EXPECT_TRUE(find_program("sh", "/nowhere:/usr/bin:/bin"));
  EXPECT_EQ(find_program("sh", "").error().code(), Code::not_found);
  EXPECT_EQ(find_program("no-such-program", "/usr/bin").error().message(),
            "the program 'no-such-program' is not on PATH");
}

}  // namespace
}  // namespace millrace::pipeline
