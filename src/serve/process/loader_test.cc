#include "serve/process/loader.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "core/hash.h"
#include "core/testing.h"
#include "serve/testdata/models.h"

namespace millrace::serve::process {
namespace {

struct LoaderTest : ::testing::Test {
  ProcessOptions options(const std::string& program = "/proc/self/exe") const {
    return {.program = program,
            .runtime = {.folder = library_folder(), .onnxruntime = library_folder() + "/libonnxruntime.so"}};
  }
  Result<std::shared_ptr<const Model>> load(Loader& loader, const std::string& name,
                                            Isolation isolation = Isolation::in_process) const {
    const auto bytes = testdata::bytes_of(name);
    return loader.load({.bytes = bytes, .digest = digest_of(bytes), .from = name + ".onnx"}, isolation);
  }
  // One that says nothing good of any file.
  std::string refusing() const {
    EXPECT_TRUE(write_file(folder / "refusing", "#!/bin/sh\nexit 3\n", 0700));
    return folder / "refusing";
  }
  millrace::testing::World world;
  millrace::testing::Folder folder;
};

bool has_line(const std::string& text, const std::string& line) {
  return text.find("\n" + line + "\n") != std::string::npos;
}

TEST_F(LoaderTest, a_file_is_tried_once) {
  Loader loader(options(), "", world.context);
  ASSERT_TRUE(load(loader, "linear"));
  ASSERT_TRUE(load(loader, "linear"));
  ASSERT_TRUE(load(loader, "columns"));
  EXPECT_TRUE(has_line(loader.metrics_text(), "millrace_model_trials_passed_total 2")) << loader.metrics_text();
}

TEST_F(LoaderTest, what_brings_down_the_child_is_not_loaded_here) {
  Loader loader(options(refusing()), "", world.context);
  for (int i = 0; i < 2; ++i) {
    const auto model = load(loader, "linear");
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().code(), Code::corrupt);
  }
  EXPECT_TRUE(has_line(loader.metrics_text(), "millrace_model_trials_refused_total 2")) << loader.metrics_text();
}

TEST_F(LoaderTest, a_digest_that_went_well_is_known_to_the_next_server) {
  ASSERT_TRUE(load(*std::make_unique<Loader>(options(), folder / "tried", world.context), "linear"));
  Loader next(options(refusing()), folder / "tried", world.context);
  EXPECT_TRUE(load(next, "linear"));
  EXPECT_FALSE(load(next, "columns"));
}

TEST_F(LoaderTest, a_note_of_another_runtime_counts_for_nothing) {
  ASSERT_TRUE(load(*std::make_unique<Loader>(options(), folder / "tried", world.context), "linear"));
  const auto digest = digest_of(testdata::bytes_of("linear"));
  ASSERT_TRUE(write_file(folder / "tried/" + digest.substr(7), digest + " 0.0.1 onnxruntime 1.2.3\n"));
  Loader next(options(refusing()), folder / "tried", world.context);
  EXPECT_FALSE(load(next, "linear"));
}

TEST_F(LoaderTest, a_model_in_a_process_goes_with_its_last_user) {
  Loader loader(options(), "", world.context);
  auto model = load(loader, "linear", Isolation::process);
  ASSERT_TRUE(model) << model.error().text();
  EXPECT_EQ((*model)->platform(), "onnx_onnxv1");
  EXPECT_TRUE((*model)->batched());
  EXPECT_TRUE(has_line(loader.metrics_text(), "millrace_model_processes 1"));
  model->reset();
  EXPECT_TRUE(has_line(loader.metrics_text(), "millrace_model_processes 0"));
  EXPECT_TRUE(has_line(loader.metrics_text(), "millrace_model_process_restarts_total 0"));
}

TEST_F(LoaderTest, a_model_that_brought_down_a_server_gets_a_process_of_its_own) {
  const auto digest = digest_of(testdata::bytes_of("linear"));
  {
    Loader first(options(), folder / "tried", world.context);
    ASSERT_TRUE(load(first, "linear"));
    EXPECT_TRUE(has_line(first.metrics_text(), "millrace_model_processes 0"));
  }
  const int32_t signal = 11;
  ASSERT_TRUE(write_file(folder / ("tried/" + digest.substr(7) + ".mark"),
                         std::string_view(reinterpret_cast<const char*>(&signal), sizeof signal)));
  Loader next(options(), folder / "tried", world.context);
  const auto apart = load(next, "linear"), here = load(next, "columns");
  ASSERT_TRUE(apart && here);
  EXPECT_TRUE(has_line(next.metrics_text(), "millrace_model_processes 1")) << next.metrics_text();
}

TEST_F(LoaderTest, without_a_program_files_are_loaded_untried_and_here) {
  Loader loader(options(""), "", world.context);
  EXPECT_TRUE(load(loader, "linear"));
  const auto model = load(loader, "linear", Isolation::process);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code(), Code::unsupported);
}

TEST(Isolation, is_read_by_name) {
  EXPECT_EQ(*read_isolation("process", "--isolation"), Isolation::process);
  EXPECT_EQ(*read_isolation("in_process", "--isolation"), Isolation::in_process);
  const auto wrong = read_isolation("thread", "--isolation");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(
      wrong.error().text(),
      "field --isolation: 'thread' is no isolation of a model. Hint: in_process (in the server, after a trial in a "
      "child) or process (in a process of its own)");
}

}  // namespace
}  // namespace millrace::serve::process
