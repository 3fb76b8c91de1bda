#include "data/datasets/sources.h"

#include "data/testing.h"

namespace millrace::data {
namespace {

Result<std::vector<Source>> read(const millrace::testing::Folder& folder, const std::string& sources) {
  testing::write(folder, "millrace.yaml", "millrace: 1\nproject: p\nsources:\n" + sources);
  MILLRACE_TRY(const auto project, load_project(folder.path()));
  return read_sources(project);
}

TEST(Sources, are_read_with_paths_inside_the_project) {
  const millrace::testing::Folder folder;
  const auto sources = read(
      folder,
      "  flights: {contract: c/f.odcs.yaml, event_time: t, path: data/*.csv}\n  planes: {contract: c/p.odcs.yaml}\n");
  ASSERT_TRUE(sources.ok()) << sources.error().text();
  EXPECT_EQ((*sources)[0].kind, "append");
  EXPECT_TRUE((*sources)[0].contract_path.ends_with("/c/f.odcs.yaml"));
  EXPECT_EQ((*sources)[1].kind, "snapshot");
  EXPECT_EQ(find_source(*sources, "planes"), &(*sources)[1]);
  EXPECT_EQ(find_source(*sources, "plane"), nullptr);
}

TEST(Sources, mistakes_are_named_with_their_place) {
  const millrace::testing::Folder folder;
  const auto hint_of = [&](const std::string& text) {
    const auto sources = read(folder, text);
    return sources.ok() ? "no error" : std::to_string(sources.error().where().line) + " " + sources.error().hint();
  };
  EXPECT_EQ(hint_of("  a: {contrakt: x}\n"), "4 did you mean 'contract'?");
  EXPECT_EQ(hint_of("  a: {contract: x, kind: apend, event_time: t}\n"), "4 did you mean 'append'?");
  EXPECT_EQ(hint_of("  a: {contract: x, kind: append}\n"), "4 name the property that tells a row's time");
  EXPECT_FALSE(read(folder, "  a: {contract: ../x}\n").ok());
}

}  // namespace
}  // namespace millrace::data
