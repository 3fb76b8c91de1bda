#include "core/project.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "core/testing.h"

namespace millrace {
namespace {

std::string error_of(const std::string& text) {
  const testing::Folder folder;
  EXPECT_TRUE(write_file(folder / "millrace.yaml", text));
  auto project = load_project(folder.path());
  if (project) return "";
  auto out = project.error().text();
  const auto at = out.find(folder.path());
  return at == std::string::npos ? out : out.replace(at, folder.path().size(), "DIR");
}

TEST(Project, reads_what_all_sections_share) {
  const testing::Folder folder;
  ASSERT_TRUE(
      write_file(folder / "millrace.yaml", "millrace: 1\nproject: flights\nsources: {a: {path: data/a, out: ../a}}\n"));
  const auto project = load_project(folder.path() + "/");
  ASSERT_TRUE(project) << project.error().text();
  EXPECT_EQ(project->name, "flights");
  EXPECT_EQ(project->folder, folder.path());
  EXPECT_EQ(project->section("models"), nullptr);
  const auto& source = *project->section("sources")->find("a");
  EXPECT_EQ(*project->path(*source.find("path")), folder / "data/a");
  EXPECT_EQ(project->path(*source.find("out")).error().where().line, 3);
}

TEST(Project, says_what_is_wrong_and_where) {
  EXPECT_EQ(error_of("project: a\n"),
            "DIR/millrace.yaml:1: 'millrace' is missing. Hint: start the file with: millrace: 1");
  EXPECT_EQ(error_of("millrace: 2\nproject: a\n"),
            "DIR/millrace.yaml:1:11 (field millrace): this file is in format 2, this program reads 1. Hint: use a "
            "newer millrace");
  EXPECT_EQ(error_of("millrace: 0\nproject: a\n"),
            "DIR/millrace.yaml:1:11 (field millrace): there is no format 0. Hint: write millrace: 1");
  EXPECT_EQ(error_of("millrace: 1\nproject: a\nmodel: {}\n"),
            "DIR/millrace.yaml:3:8 (field model): unknown key 'model'. Hint: did you mean 'models'?");
  EXPECT_EQ(error_of("millrace: 1\nproject: a/b\n"),
            "DIR/millrace.yaml:2:10 (field project): 'a/b' is not a name. Hint: letters, digits, '_', '-' and '.'");
  EXPECT_NE(error_of(""), "");
  EXPECT_NE(error_of("[]"), "");
  const testing::Folder empty;
  EXPECT_EQ(load_project(empty.path()).error().hint(), "give the folder that holds millrace.yaml: --project DIR");
}

TEST(Project, secrets_come_from_the_environment_or_a_file) {
  const testing::Folder folder;
  ASSERT_TRUE(
      write_file(folder / "millrace.yaml",
                 "millrace: 1\nproject: a\nvalue: [plain, '${env:MILLRACE_TEST_NONE}', '${file:s}', '${x}', '${}']\n"));
  ASSERT_TRUE(write_file(folder / "s", "secret\r\n"));
  const auto project = load_project(folder.path());
  ASSERT_TRUE(project);
  const auto& values = project->section("value")->items();
  EXPECT_EQ(*resolve_secret(*project, values[0]), "plain");
  EXPECT_EQ(resolve_secret(*project, values[1]).error().message(),
            "the environment variable MILLRACE_TEST_NONE is not set");
  EXPECT_EQ(*resolve_secret(*project, values[2]), "secret");
  EXPECT_FALSE(resolve_secret(*project, values[3]));
  EXPECT_FALSE(resolve_secret(*project, values[4]));
}

}  // namespace
}  // namespace millrace
