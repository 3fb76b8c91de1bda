#include "serve/process/trial/trial.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "core/files.h"
#include "core/testing.h"
#include "serve/process/trial/confine.h"
#include "serve/testdata/models.h"

namespace millrace::serve::process {
namespace {

ProcessOptions options() {
  return {.program = "/proc/self/exe",
          .runtime = {.folder = library_folder(), .onnxruntime = library_folder() + "/libonnxruntime.so"}};
}

Result<Verdict> trial(std::string_view bytes, const ProcessOptions& how = options()) {
  const auto file = share_file(bytes, "m.onnx");
  if (!file) return file.error();
  return try_file(how, *file);
}

Result<Verdict> trial_of(const std::string& model, const ProcessOptions& how = options()) {
  return trial(testdata::bytes_of(model), how);
}

void expect_refused(const Result<Verdict>& verdict, Code code, std::string_view part) {
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().code(), code) << verdict.error().text();
  EXPECT_NE(verdict.error().text().find(part), std::string::npos) << verdict.error().text();
  EXPECT_NE(verdict.error().text().find("m.onnx"), std::string::npos) << verdict.error().text();
}

TEST(Trial, tells_what_the_runtime_here_would) {
  for (const char* name : {"linear", "columns", "every_type", "lying", "nested", "sometimes_endless"}) {
    const auto verdict = trial_of(name);
    ASSERT_TRUE(verdict) << verdict.error().text();
    const auto here =
        make_runtimes(options().runtime, system_clock(), silent_log())->load(testdata::bytes_of(name), "m.onnx");
    ASSERT_TRUE(here);
    EXPECT_EQ(to_json(verdict->inputs), to_json((*here)->inputs()));
    EXPECT_EQ(to_json(verdict->outputs), to_json((*here)->outputs()));
    EXPECT_EQ(verdict->batched, (*here)->batched());
    EXPECT_EQ(verdict->platform, (*here)->platform());
    EXPECT_GT(verdict->peak_bytes, 0);
    EXPECT_TRUE(verdict->confined);
  }
}

TEST(Trial, what_the_runtime_refuses_is_refused_in_its_words) {
  expect_refused(trial_of("unknown_op"), Code::invalid, "NoSuchOperator");
  expect_refused(trial_of("eighth"), Code::unsupported, "element type");
  expect_refused(trial_of("external"), Code::invalid, "lies in another file");
  expect_refused(trial("not a model"), Code::corrupt, "not an ONNX model");
  expect_refused(trial(""), Code::corrupt, "not an ONNX model");
}

TEST(Trial, every_cut_of_a_model_is_refused_or_a_model) {
  const std::string whole = testdata::bytes_of("linear");
  for (size_t size = 0; size < whole.size(); size += 13) {
    const auto verdict = trial(std::string_view(whole).substr(0, size));
    if (!verdict) {
      EXPECT_NE(verdict.error().code(), Code::internal) << size;
    }
  }
}

TEST(Trial, files_that_want_more_memory_than_there_is_are_too_large) {
  if (!bounds_memory()) return expect_refused(trial("not a model"), Code::corrupt, "not an ONNX model");
  auto small = options();
  small.memory = 512 << 20;
  expect_refused(trial_of("bomb", small), Code::too_large, "m.onnx");
  expect_refused(trial_of("huge", small), Code::too_large, "m.onnx");
}

TEST(Trial, a_file_that_never_ends_is_too_large) {
  auto short_time = options();
  short_time.trial_time = 500'000;
  expect_refused(trial_of("endless", short_time), Code::too_large, "took longer than 0.5 s");
}

// Programs that do what a file that took over its child could.
struct Hostile : ::testing::Test {
  ProcessOptions script(const std::string& lines) {
    const std::string path = folder / "child";
    EXPECT_TRUE(write_file(path, "#!/bin/sh\n" + lines + "\n", 0700));
    auto out = options();
    out.program = path;
    out.trial_time = 60'000'000;  // each ends by itself
    return out;
  }
  millrace::testing::Folder folder;
};

TEST_F(Hostile, a_crash_names_the_signal) {
  expect_refused(trial_of("linear", script("kill -SEGV $$")), Code::corrupt, "signal 11 (Segmentation fault)");
  expect_refused(trial_of("linear", script("kill -ABRT $$")), Code::corrupt, "signal 6");
  expect_refused(trial_of("linear", script("kill -KILL $$")), Code::too_large, "out of memory");
  expect_refused(trial_of("linear", script("kill -XCPU $$")), Code::too_large, "took longer than");
  expect_refused(trial_of("linear", script("exit 3")), Code::corrupt, "exit status 3");
  expect_refused(trial_of("linear", script("exit 86")), Code::too_large, "of memory, which is the limit");
}

TEST_F(Hostile, a_broken_answer_is_corrupt) {
  expect_refused(trial_of("linear", script(R"(printf '\005\000\000\000hello' >&3)")), Code::corrupt, "broken answer");
  expect_refused(trial_of("linear", script(R"(printf '\002\000\000\000{}' >&3)")), Code::corrupt, "broken answer");
  expect_refused(trial_of("linear", script(R"(printf '\377\377\377\377' >&3)")), Code::corrupt, "4294967295 bytes");
  expect_refused(trial_of("linear", script(R"(printf '\100\000\000\000{"plat' >&3)")), Code::corrupt, "exit status 0");
}

TEST_F(Hostile, one_that_says_nothing_is_ended) {
  expect_refused(trial_of("linear", script("exec 3>&-; while :; do :; done")), Code::too_large,
                 "was ended by signal 9");
  auto silent = script("cat <&3 >/dev/null");
  silent.trial_time = 300'000;
  expect_refused(trial_of("linear", silent), Code::too_large, "took longer than 0.3 s");
  auto slow = script(R"(printf '\100\000\000\000{"plat' >&3; cat <&3 >/dev/null)");
  slow.trial_time = 300'000;
  expect_refused(trial_of("linear", slow), Code::too_large, "took longer than 0.3 s");
}

TEST_F(Hostile, gets_no_descriptor_and_no_secret_of_ours) {
  ::setenv("MILLRACE_TEST_SECRET", "hunter2", 1);
  const int open_here = ::fcntl(1, F_DUPFD, 100);  // would be passed on by exec()
  EXPECT_FALSE(trial_of("linear", script("ls /proc/$$/fd > " + (folder / "seen") + "; env >> " + (folder / "seen"))));
  ::close(open_here);
  ::unsetenv("MILLRACE_TEST_SECRET");
  const auto seen = read_file(folder / "seen", 1 << 16);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->find("hunter2"), std::string::npos) << *seen;
  EXPECT_NE(seen->find("\n3\n4\n"), std::string::npos) << *seen;
  EXPECT_EQ(seen->find("\n" + std::to_string(open_here) + "\n"), std::string::npos) << *seen;
}

TEST(Trial, without_a_program_there_is_no_trial) {
  auto absent = options();
  absent.program = "/nonexistent/millrace";
  const auto verdict = trial_of("linear", absent);
  ASSERT_FALSE(verdict);
  EXPECT_EQ(verdict.error().code(), Code::unavailable);
  EXPECT_NE(verdict.error().text().find("/nonexistent/millrace"), std::string::npos) << verdict.error().text();
}

TEST(Trial, memory_grows_with_the_file_up_to_the_machine) {
  ProcessOptions how = options();
  EXPECT_LE(memory_for(how, 0), limits::model_memory);
  EXPECT_LE(memory_for(how, size_t{1} << 40), machine_memory() / 4 * 3);
  how.memory = 77;
  EXPECT_EQ(memory_for(how, 1'000), 77U);
}

}  // namespace
}  // namespace millrace::serve::process
