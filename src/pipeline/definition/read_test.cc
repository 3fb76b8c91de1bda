#include <gtest/gtest.h>

#include "core/files.h"
#include "core/testing.h"
#include "pipeline/definition/words.h"
#include "pipeline/pipeline.h"

namespace millrace::pipeline {
namespace {

using Words = std::vector<std::string>;

class ReadPipeline : public ::testing::Test {
 protected:
  testing::Folder folder;

  void file(const std::string& path) {
    ASSERT_TRUE(make_folders(parent_of(folder / path)));
    ASSERT_TRUE(write_file(folder / path, "x"));
  }
  Result<Pipeline> read(const std::string& stages) {
    EXPECT_TRUE(write_file(folder / "millrace.yaml", "millrace: 1\nproject: p\npipeline:\n  stages:\n" + stages));
    MILLRACE_TRY(const auto project, load_project(folder.path()));
    return read_pipeline(project);
  }
  // "line:column message | hint"
  std::string refusal(const std::string& stages) {
    const auto pipeline = read(stages);
    if (pipeline) return "accepted";
    const auto& error = pipeline.error();
    EXPECT_EQ(error.where().file, folder / "millrace.yaml");
    return std::to_string(error.where().line) + ":" + std::to_string(error.where().column) + " " + error.message() +
           " | " + error.hint();
  }
};

TEST_F(ReadPipeline, puts_stages_in_order_and_keeps_what_they_say) {
  file("train.py");
  const auto pipeline = read(
      "    b: {cmd: [python, train.py, 'a b'], deps: [train.py, {stage: a}], outs: [z.txt, m/y.txt], params: {n: 3, s: "
      "[1, x]}, seed: 7, timeout: 60}\n"
      "    a: {cmd: \"sh -c 'echo hi > x'\", outs: [x]}\n");
  ASSERT_TRUE(pipeline) << pipeline.error().text();
  ASSERT_EQ(pipeline->stages.size(), 2U);
  EXPECT_EQ(pipeline->stages[0].name, "a");
  EXPECT_EQ(pipeline->stages[0].command, (Words{"sh", "-c", "echo hi > x"}));
  const auto& b = pipeline->stages[1];
  EXPECT_EQ(b.command, (Words{"python", "train.py", "a b"}));
  EXPECT_EQ(b.outs, (Words{"m/y.txt", "z.txt"}));
  EXPECT_EQ(b.params, (Json{{"n", 3}, {"s", {1, "x"}}}));
  EXPECT_EQ(b.seed, 7);
  EXPECT_EQ(b.timeout_seconds, 60);
}

TEST_F(ReadPipeline, a_project_without_a_pipeline_has_no_stages) {
  ASSERT_TRUE(write_file(folder / "millrace.yaml", "millrace: 1\nproject: p\n"));
  const auto pipeline = read_pipeline(*load_project(folder.path()));
  ASSERT_TRUE(pipeline);
  EXPECT_TRUE(pipeline->stages.empty());
}

TEST_F(ReadPipeline, names_a_cycle_with_all_its_stages) {
  EXPECT_EQ(refusal("    a: {cmd: x, deps: [{stage: b}], outs: [a]}\n"
                    "    b: {cmd: x, deps: [{stage: c}], outs: [b]}\n"
                    "    c: {cmd: x, deps: [{stage: b}], outs: [c]}\n"),
            "7:32 the stages need each other in a circle: b -> c -> b | take one of these deps away");
  EXPECT_EQ(refusal("    a: {cmd: x, deps: [{stage: a}], outs: [a]}\n"),
            "5:32 the stages need each other in a circle: a -> a | take one of these deps away");
}

TEST_F(ReadPipeline, names_unknown_deps_with_place_and_way_out) {
  EXPECT_EQ(refusal("    train: {cmd: x, outs: [a]}\n    b: {cmd: x, deps: [{stage: trains}], outs: [b]}\n"),
            "6:32 there is no stage 'trains' | did you mean 'train'?");
  EXPECT_EQ(refusal("    b: {cmd: x, deps: [{dataset: flights}], outs: [b]}\n"),
            "5:34 there is no source 'flights' | ");
  EXPECT_EQ(refusal("    b: {cmd: x, deps: [b.py], outs: [b]}\n"),
            "5:24 the file 'b.py' does not exist | check the path; it is relative to the project");
  EXPECT_EQ(refusal("    b: {cmd: x, deps: ['lib/*.py'], outs: [b]}\n"),
            "5:24 'lib/*.py' matches no file | check the pattern; it is relative to the project");
}

TEST_F(ReadPipeline, refuses_what_would_be_ambiguous_or_unsafe) {
  file("in.txt");
  EXPECT_EQ(refusal("    a: {cmd: x, outs: [m]}\n    b: {cmd: x, outs: [m]}\n"),
            "6:24 the stages 'a' and 'b' both make 'm' | give one of them another name");
  EXPECT_EQ(refusal("    a: {cmd: x, deps: [in.txt], outs: [in.txt]}\n"),
            "5:40 the out 'in.txt' would overwrite a dep of the stage | give it another name");
  EXPECT_TRUE(
      refusal("    a: {cmd: x, outs: [../m]}\n").starts_with("5:24 the path '../m' has an empty, '.' or '..' part"));
  EXPECT_TRUE(refusal("    a: {cmd: x, outs: [/m]}\n").starts_with("5:24 the path '/m' is absolute"));
  EXPECT_TRUE(refusal("    a: {cmd: x | y, outs: [m]}\n").starts_with("5:14 '|' in 'x | y' needs a shell"));
  EXPECT_TRUE(refusal("    a: {cmd: x, sql: in.txt, outs: [m]}\n")
                  .starts_with("5:8 the stage 'a' needs either 'cmd' or 'sql'"));
  EXPECT_TRUE(refusal("    a: {cmd: x}\n").find("'outs'") != std::string::npos);
  EXPECT_TRUE(refusal("    a: {cmd: x, outs: [m], tmeout: 3}\n").find("timeout") != std::string::npos);
  EXPECT_TRUE(refusal("    a: {cmd: x, outs: [m], timeout: 0}\n").starts_with("5:37 timeout is 0"));
  EXPECT_TRUE(refusal("    a: {cmd: x, outs: [m], env: {LD_PRELOAD: x}}\n").find("cannot be set") != std::string::npos);
  EXPECT_TRUE(refusal("    a: {sql: in.txt, outs: [m.csv]}\n").find("ends in .parquet") != std::string::npos);
}

TEST_F(ReadPipeline, a_link_out_of_the_project_is_no_dep) {
  std::filesystem::create_symlink("/etc/hostname", folder / "out.txt");
  const auto pipeline = read("    a: {cmd: x, deps: [out.txt], outs: [m]}\n");
  ASSERT_FALSE(pipeline);
  EXPECT_EQ(pipeline.error().code(), Code::denied);
}

TEST_F(ReadPipeline, selects_what_a_stage_needs) {
  const auto pipeline =
      read("    a: {cmd: x, outs: [a]}\n    b: {cmd: x, deps: [{stage: a}], outs: [b]}\n    c: {cmd: x, outs: [c]}\n");
  ASSERT_TRUE(pipeline);
  const auto chosen = pipeline->select({"b"});
  ASSERT_TRUE(chosen);
  ASSERT_EQ(chosen->size(), 2U);
  EXPECT_EQ(chosen->at(0)->name, "a");
  EXPECT_EQ(pipeline->select({})->size(), 3U);
  EXPECT_EQ(pipeline->select({"d"}).error().code(), Code::not_found);
}

TEST(SplitWords, splits_like_a_shell) {
  EXPECT_EQ(*split_words("  a  b\tc "), (Words{"a", "b", "c"}));
  EXPECT_EQ(*split_words(R"(a 'b c' "d e" f\ g '' x"y"'z')"), (Words{"a", "b c", "d e", "f g", "", "xyz"}));
  EXPECT_EQ(*split_words(R"("a\"b" "c\d" '|')"), (Words{"a\"b", "c\\d", "|"}));
  EXPECT_TRUE(split_words("")->empty());
}

TEST(SplitWords, refuses_what_only_a_shell_can_do) {
  for (const char* line : {"a > b", "a; b", "a && b", "$HOME", "\"$HOME\"", "`a`", "*.py", "'open", "open\\"}) {
    const auto words = split_words(line);
    ASSERT_FALSE(words) << line;
    EXPECT_EQ(words.error().code(), Code::invalid) << line;
  }
}

TEST_F(ReadPipeline, takes_overrides_of_parameters_that_are_there) {
  file("train.py");
  ASSERT_TRUE(read("    a: {cmd: sh, deps: [train.py], outs: [x], params: {trees: 3}}\n"));
  const auto project = *load_project(folder.path());
  const auto moved = read_pipeline(project, {.params = {{"a.trees", 5}}});
  ASSERT_TRUE(moved) << moved.error().text();
  EXPECT_EQ(moved->stages[0].params["trees"], 5);
  const auto wrong = read_pipeline(project, {.params = {{"a.tree", 5}}});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().text(), "field params: no stage has the parameter 'a.tree'. Hint: did you mean 'a.trees'?");
  EXPECT_FALSE(read_overrides({{"params", {{"a.trees", Json::array()}}}}));
  EXPECT_FALSE(read_overrides({{"horizon", 7}}));
}

TEST_F(ReadPipeline, refuses_rows_that_it_cannot_hand_out) {
  file("train.py");
  EXPECT_NE(
      refusal("    a: {cmd: sh, deps: [{dataset: d, rows: some}], outs: [x]}\n").find("must be 'accepted' or 'all'"),
      std::string::npos);
  EXPECT_NE(refusal("    a: {cmd: sh, deps: [{dataset: d, rows: all}], outs: [x]}\n").find("accepted rows only"),
            std::string::npos);
}

}  // namespace
}  // namespace millrace::pipeline
