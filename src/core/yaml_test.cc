#include "core/yaml.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "core/limits.h"
#include "core/testing.h"

namespace millrace {
namespace {

Yaml read(const std::string& text) {
  auto parsed = parse_yaml(text, "a.yaml");
  EXPECT_TRUE(parsed) << parsed.error().text();
  return std::move(*parsed);
}

std::string error_of(const std::string& text) {
  auto parsed = parse_yaml(text, "a.yaml");
  return parsed ? "" : parsed.error().text();
}

std::string nested(size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

TEST(Yaml, every_node_knows_its_place) {
  const auto root = read("stages:\n  train:\n    deps: [a, b]\n");
  const auto& deps = *root.find("stages")->find("train")->find("deps");
  EXPECT_EQ(deps.where().text(), "a.yaml:3:11 (field stages.train.deps)");
  EXPECT_EQ(deps.items()[1].where().text(), "a.yaml:3:15 (field stages.train.deps[1])");
}

TEST(Yaml, scalars_become_values_by_the_core_schema) {
  EXPECT_EQ(to_text(read("{i: 12, n: -0.5, e: 1e3, t: true, f: False, z: ~, s: text, q: '12', v: !!str 12, x: 0x10, d: "
                         "1_000, b: +-5, y: yes}")
                        .to_json()),
            R"({"b":"+-5","d":"1_000","e":1000.0,"f":false,"i":12,)"
            R"("n":-0.5,"q":"12","s":"text","t":true,"v":"12","x":"0x10","y":"yes","z":null})");
}

TEST(Yaml, typed_reading_names_the_place) {
  const auto root = read("a: x\nb: 3\nc: '3'\nd: [1, 2]\ne: .inf\nf: {g: 1}\n");
  EXPECT_EQ(*root.find("b")->integer(), 3);
  EXPECT_EQ(root.find("a")->integer().error().text(), "a.yaml:1:4 (field a): expected a whole number, not 'x'");
  EXPECT_EQ(root.find("a")->boolean().error().text(), "a.yaml:1:4 (field a): expected true or false, not 'x'");
  EXPECT_FALSE(root.find("c")->integer());
  EXPECT_FALSE(root.find("e")->number());
  EXPECT_EQ(*root.find("d")->strings(), (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(*root.find("a")->strings(), std::vector<std::string>{"x"});
  EXPECT_FALSE(root.find("f")->strings());
  EXPECT_FALSE(root.find("f")->string());
  EXPECT_EQ(root.get("zz").error().message(), "'zz' is missing");
  EXPECT_FALSE(root.find("a")->get("b"));
  EXPECT_EQ(root.string_or("zz", "else"), "else");
  EXPECT_EQ(*root.get_string("a"), "x");
}

TEST(Yaml, a_key_that_stands_twice_is_refused) {
  EXPECT_EQ(error_of("a: {b: 1}\nc:\n  d: 1\n  d: 2\n"), "a.yaml:4:3 (field c.d): the key 'd' stands twice");
}

TEST(Yaml, aliases_and_tags_are_refused) {
  EXPECT_EQ(error_of("a: &x 1\nb: *x\n"),
            "a.yaml:2:4: aliases (*name) are not allowed. Hint: write the values out in full");
  EXPECT_NE(error_of("a: &x [*x]\n"), "");
  EXPECT_NE(error_of("a: !!python/object:os.system x\n").find("is not allowed"), std::string::npos);
  EXPECT_NE(error_of("a: !own {b: 1}\n").find("is not allowed"), std::string::npos);
}

TEST(Yaml, an_unknown_key_meets_the_nearest_known_one) {
  const auto root = read("sorces: {}\n");
  EXPECT_EQ(root.only_keys({"sources", "models"}).error().text(),
            "a.yaml:1:9 (field sorces): unknown key 'sorces'. Hint: did you mean 'sources'?");
  EXPECT_EQ(root.only_keys({"models"}).error().hint(), "known keys: models");
  EXPECT_TRUE(root.only_keys({"sorces"}));
  EXPECT_FALSE(read("[a]").only_keys({"a"}));
}

TEST(Yaml, suggestions_are_near_or_none) {
  EXPECT_EQ(did_you_mean("pipelne", {"pipeline", "project"}), "pipeline");
  EXPECT_EQ(did_you_mean("x", {"pipeline"}), std::nullopt);
  EXPECT_EQ(did_you_mean("", {"a"}), "a");
  EXPECT_EQ(did_you_mean("abc", {}), std::nullopt);
}

TEST(Yaml, depth_is_bounded) {
  EXPECT_EQ(error_of(nested(limits::yaml_depth)), "");
  EXPECT_NE(error_of(nested(limits::yaml_depth + 1)).find("nested deeper than 32 levels"), std::string::npos);
  EXPECT_NE(error_of(std::string(100'000, '[')), "");
}

TEST(Yaml, nodes_and_bytes_are_bounded) {
  std::string list = "[";
  for (size_t i = 0; i + 2 < limits::yaml_nodes; ++i) list += "1,";
  EXPECT_EQ(error_of(list + "1]"), "");
  EXPECT_NE(error_of(list + "1,1]").find("too many nodes"), std::string::npos);
  const std::string comment(limits::yaml_bytes, '#');
  EXPECT_EQ(error_of(comment), "");
  EXPECT_NE(error_of(comment + "#").find("larger than"), std::string::npos);
}

TEST(Yaml, an_empty_file_is_null) {
  for (const char* text : {"", "\n", "# only words\n", "---\n"}) EXPECT_TRUE(read(text).is_null()) << text;
}

TEST(Yaml, broken_documents_are_errors_with_a_place) {
  EXPECT_EQ(error_of("a: [1\nb: 2\n").substr(0, 9), "a.yaml:2:");
  for (const char* text : {"a: b: c", "\ta: 1", "a: 'x", "{a: 1", "- a\nb: 1", "a: 1\n---\nb: 2\n", "? [a]\n: 1",
                           "\"\\xzz\"", "%TAG ! x\n---\n&"})
    EXPECT_NE(error_of(text), "") << text;
}

TEST(Yaml, text_that_is_not_utf8_is_refused_with_its_line) {
  using namespace std::string_view_literals;
  for (const auto text : {"a: 1\nb: caf\xe9"sv, "a: 1\nb: \xc0\x80"sv, "a: 1\nb: \xed\xa0\x80"sv,
                          "a: 1\nb: \xf4\x90\x80\x80"sv, "a: 1\nb: \xe2\x82"sv, "a: 1\nb: x\0y"sv}) {
    const auto read = parse_yaml(text, "f.yaml");
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().where().line, 2) << read.error().text();
    EXPECT_FALSE(read.error().hint().empty());
  }
  EXPECT_TRUE(
      parse_yaml("\xef\xbb\xbf"
                 "a: caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\x82",
                 "f.yaml"));
}

TEST(Yaml, a_file_that_is_missing_is_named) {
  const testing::Folder folder;
  EXPECT_EQ(load_yaml(folder / "none.yaml").error().where().file, folder / "none.yaml");
}

}  // namespace
}  // namespace millrace
