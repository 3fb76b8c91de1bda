#include "serve/process/crash_marks.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "core/files.h"
#include "core/testing.h"

namespace millrace::serve::process {
namespace {

// Ends the process when it is asked.
class Deadly final : public Model {
 public:
  explicit Deadly(void (*end)()) : end_(end) {}
  std::string_view platform() const override { return "deadly"; }
  const std::vector<TensorSpec>& inputs() const override { return specs_; }
  const std::vector<TensorSpec>& outputs() const override { return specs_; }
  bool batched() const override { return false; }
  Result<std::vector<Tensor>> run(std::span<const Tensor>, std::span<const size_t>) const override {
    end_();
    return std::vector<Tensor>();
  }

 private:
  void (*end_)();
  std::vector<TensorSpec> specs_;
};

struct CrashMarks : ::testing::Test {
  // In a process of its own.
  void run_marked(void (*end)()) const {
    const auto model = marked(std::make_shared<Deadly>(end), folder / "marks", "sha256:abc");
    note_crashes();
    if (model) (*model)->run({}, {}).ok();
    ::_exit(7);
  }
  millrace::testing::Folder folder;
};

TEST_F(CrashMarks, an_abort_inside_a_model_is_noted) {
  EXPECT_EXIT(run_marked(std::abort), ::testing::KilledBySignal(SIGABRT), "");
  EXPECT_EQ(crashed_by(folder / "marks", "sha256:abc"), SIGABRT);
  EXPECT_EQ(crashed_by(folder / "marks", "sha256:other"), 0);
}

TEST_F(CrashMarks, an_instruction_that_fails_inside_a_model_is_noted) {
  // A sanitizer ends it with a status of its own.
  const auto died = [](int status) { return WIFSIGNALED(status) || WEXITSTATUS(status) != 7; };
  EXPECT_EXIT(run_marked([] { __builtin_trap(); }), died, "");
  EXPECT_NE(crashed_by(folder / "marks", "sha256:abc"), 0);
}

TEST_F(CrashMarks, a_model_that_ran_well_is_not) {
  EXPECT_EXIT(run_marked([] {}), ::testing::ExitedWithCode(7), "");
  EXPECT_EQ(crashed_by(folder / "marks", "sha256:abc"), 0);
}

TEST_F(CrashMarks, a_signal_from_outside_ends_the_process_and_says_nothing_of_the_model) {
  // A sanitizer ends the process with a status of its own.
  const auto badly = [](int status) { return !WIFEXITED(status) || WEXITSTATUS(status) == 1; };
  EXPECT_EXIT(run_marked([] { ::kill(::getpid(), SIGBUS); }), badly, "");
  EXPECT_EQ(crashed_by(folder / "marks", "sha256:abc"), 0);
  EXPECT_EXIT(run_marked([] { ::kill(::getpid(), SIGKILL); }), ::testing::KilledBySignal(SIGKILL), "");
  EXPECT_EQ(crashed_by(folder / "marks", "sha256:abc"), 0);
}

TEST_F(CrashMarks, a_crash_outside_of_models_is_not_theirs) {
  EXPECT_EXIT(
      {
        const auto model = marked(std::make_shared<Deadly>([] {}), folder / "marks", "sha256:abc");
        note_crashes();
        (*model)->run({}, {}).ok();
        std::abort();
      },
      ::testing::KilledBySignal(SIGABRT), "");
  EXPECT_EQ(crashed_by(folder / "marks", "sha256:abc"), 0);
}

TEST_F(CrashMarks, a_damaged_mark_is_none) {
  ASSERT_TRUE(make_folders(folder / "marks"));
  ASSERT_TRUE(write_file(folder / "marks/abc.mark", "x"));
  EXPECT_EQ(crashed_by(folder / "marks", "sha256:abc"), 0);
}

}  // namespace
}  // namespace millrace::serve::process
