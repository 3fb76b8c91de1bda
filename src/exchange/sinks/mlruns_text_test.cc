#include "exchange/sinks/mlruns_text.h"

#include <gtest/gtest.h>

#include "core/yaml.h"

namespace millrace::exchange {
namespace {

TEST(YamlText, any_text_comes_back_as_it_was) {
  for (const std::string text :
       {"", "null", "007", "a: b # c", "'quoted' \"twice\" \\n", "line\nline\n", "\t\r\x01\x7f", "é ü 日本 🙂",
        "\xc2\x85\xe2\x80\xa8\xe2\x80\xa9\xef\xbb\xbf", "{{x}}", "- [", " spaced "}) {
    const auto yaml = YamlText().add("key", text).add("more", {{text + "k", text}}).text();
    const auto read = parse_yaml(yaml, "test");
    ASSERT_TRUE(read) << yaml << read.error().text();
    EXPECT_EQ(read->find("key")->text(), text) << yaml;
    ASSERT_EQ(read->find("more")->entries().size(), 1U);
    EXPECT_EQ(read->find("more")->entries()[0].first, text + "k");
  }
  EXPECT_EQ(YamlText().add("a", int64_t{7}).add_null("b").add_or_null("c", "").text(), "a: 7\nb: null\nc: null\n");
}

TEST(CheckKeys, a_file_is_not_a_folder_and_no_path_leaves) {
  EXPECT_TRUE(check_keys({"a/b", "a/c", "ab"}, "tag"));
  for (const auto& key : {std::string(), std::string("/a"), std::string("a//b"), std::string("a/"), std::string(".."),
                          std::string("a/../b"), std::string("./a"), std::string("a\0b", 3)})
    EXPECT_FALSE(check_keys({key}, "tag")) << key;
  EXPECT_FALSE(check_keys({std::string(256, 'k')}, "tag"));
  const auto both = check_keys({"a/b/c", "a/b"}, "metric");
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().code(), Code::unsupported);
  EXPECT_NE(both.error().text().find("'a/b' would be a file and the folder of 'a/b/c'"), std::string::npos);
}

TEST(MetricLine, is_what_the_package_reads) {
  EXPECT_EQ(metric_line({.timestamp = 7, .step = -3, .value = 0.1}).value_or(""), "7 0.1 -3\n");
  Point point{.timestamp = 7, .step = 2, .value = 1, .on = std::make_shared<Measured>(Measured{"", "days", "d1"})};
  EXPECT_EQ(metric_line(point).value_or(""), "7 1 2 days d1\n");
  point.on = std::make_shared<Measured>(Measured{"m-1", "days", "d1"});
  EXPECT_EQ(metric_line(point).value_or(""), "7 1 2\n");
  point.on = std::make_shared<Measured>(Measured{"", "two words", "d1"});
  EXPECT_FALSE(metric_line(point));
  EXPECT_EQ(model_metric_line({.key = "auc", .value = 0.5, .timestamp = 1, .step = 2, .run_id = "r"}).value_or(""),
            "1 0.5 2 r\n");
}

}  // namespace
}  // namespace millrace::exchange
