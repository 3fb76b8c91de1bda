#include "track/search/filter.h"

#include <gtest/gtest.h>

namespace millrace::track {
namespace {

std::string refusal(std::string_view text, const Grammar& grammar = run_grammar) {
  const auto parsed = parse_filter(text, grammar);
  return parsed ? "" : parsed.error().message();
}

TEST(FilterTest, reads_comparisons_joined_by_and) {
  const auto parsed = parse_filter(
      "metrics.auc >= 0.7 and params.`learning rate`='0.1' AND tags.\"a.b\" LIKE 'x%' AND run_id IN ('a', \"b\",)",
      run_grammar);
  ASSERT_TRUE(parsed) << parsed.error().text();
  ASSERT_EQ(parsed->size(), 4U);
  EXPECT_EQ((*parsed)[0].entity, Entity::metric);
  EXPECT_EQ((*parsed)[0].key, "auc");
  EXPECT_EQ((*parsed)[0].op, Operator::greater_or_equal);
  EXPECT_DOUBLE_EQ((*parsed)[0].number, 0.7);
  EXPECT_EQ((*parsed)[1].key, "learning rate");
  EXPECT_EQ((*parsed)[1].texts, std::vector<std::string>{"0.1"});
  EXPECT_EQ((*parsed)[2].key, "a.b");
  EXPECT_EQ((*parsed)[2].op, Operator::like);
  EXPECT_EQ((*parsed)[3].key, "id");
  EXPECT_EQ((*parsed)[3].texts, (std::vector<std::string>{"a", "b"}));
}

TEST(FilterTest, an_empty_filter_compares_nothing) {
  EXPECT_TRUE(parse_filter("", run_grammar)->empty());
  EXPECT_TRUE(parse_filter(" \n\t", run_grammar)->empty());
}

TEST(FilterTest, numbers_may_be_negative_and_in_powers_of_ten) {
  EXPECT_DOUBLE_EQ(parse_filter("metrics.a>-1.5e-3", run_grammar)->at(0).number, -1.5e-3);
  EXPECT_DOUBLE_EQ(parse_filter("metrics.a != +.5", run_grammar)->at(0).number, 0.5);
}

TEST(FilterTest, attributes_have_several_names) {
  for (const auto* text : {"start_time > 1", "attributes.start_time > 1", "attr.created > 1", "run.Created > 1"})
    EXPECT_EQ(parse_filter(text, run_grammar)->at(0).key, "start_time") << text;
  EXPECT_EQ(parse_filter("\"run name\" = 'a'", run_grammar)->at(0).key, "name");
  EXPECT_EQ(parse_filter("attributes.`Run Name` = 'a'", run_grammar)->at(0).key, "name");
}

TEST(FilterTest, a_doubled_quote_stands_for_itself) {
  EXPECT_EQ(parse_filter("params.a = 'it''s'", run_grammar)->at(0).texts[0], "it's");
}

TEST(FilterTest, missing_values_of_params_and_tags_can_be_asked_for) {
  EXPECT_EQ(parse_filter("params.a IS NULL", run_grammar)->at(0).op, Operator::is_null);
  EXPECT_EQ(parse_filter("tags.a is not null AND params.b = '1'", run_grammar)->at(0).op, Operator::is_not_null);
  EXPECT_NE(refusal("metrics.a IS NULL").find("Invalid comparator"), std::string::npos);
}

TEST(FilterTest, or_and_brackets_are_refused_by_name) {
  EXPECT_EQ(refusal("metrics.a > 1 or metrics.b > 1"), "Invalid clause(s) in filter string: 'or'");
  EXPECT_EQ(refusal("(metrics.a > 1)"), "Invalid clause(s) in filter string: '('");
  EXPECT_EQ(refusal("metrics.a > 1; DROP TABLE track_runs"), "Invalid clause(s) in filter string: ';'");
}

TEST(FilterTest, refusals_name_what_is_wrong) {
  EXPECT_NE(refusal("metrics.a > 'x'").find("Expected numeric value type for metric"), std::string::npos);
  EXPECT_NE(refusal("params.a = 1").find("Expected a quoted string value"), std::string::npos);
  EXPECT_NE(refusal("params.a > '1'").find("Invalid comparator '>'"), std::string::npos);
  EXPECT_NE(refusal("colour = 'red'").find("Invalid attribute key 'colour'"), std::string::npos);
  EXPECT_NE(refusal("traces.a = 'x'").find("Invalid entity type 'traces'"), std::string::npos);
  EXPECT_NE(refusal("params.a IN ('x')").find("Invalid comparator 'IN'"), std::string::npos);
  EXPECT_NE(refusal("run_id IN ()").find("non-empty list"), std::string::npos);
  EXPECT_NE(refusal("metrics.a").find("Expected 3 tokens found 1"), std::string::npos);
  EXPECT_NE(refusal("metrics.a == 1").find("Invalid comparator '=='"), std::string::npos);
  EXPECT_NE(refusal("metrics.a > 1 AND").find("Expected 3 tokens found 0"), std::string::npos);
  EXPECT_NE(refusal("metrics.a > 1e999").find("Expected numeric"), std::string::npos);
  EXPECT_NE(refusal("metrics.a = 1", experiment_grammar).find("Invalid entity type"), std::string::npos);
}

// Whatever comes, the parser ends with an answer and touches nothing outside of the text.
TEST(FilterTest, survives_every_prefix_and_every_changed_byte) {
  const std::string whole =
      "metrics.`a b` >= -1.5e3 AND tags.\"x\" NOT IN ('a', 'b''c') AND run_id IN ('q') AND params.p IS NOT NULL";
  for (size_t i = 0; i <= whole.size(); ++i) (void)parse_filter(whole.substr(0, i), run_grammar);
  for (size_t i = 0; i < whole.size(); ++i)
    for (const char c : {'\'', '"', '`', '(', ')', ',', '\0', '\xff', '-', 'e', ' '}) {
      auto changed = whole;
      changed[i] = c;
      (void)parse_filter(changed, run_grammar);
      (void)parse_order(changed, run_grammar);
    }
  EXPECT_FALSE(parse_filter(std::string(1 << 20, 'a'), run_grammar));
}

TEST(FilterTest, orders_have_a_direction) {
  EXPECT_TRUE(parse_order("metrics.auc", run_grammar)->ascending);
  EXPECT_FALSE(parse_order("metrics.`a b` desc", run_grammar)->ascending);
  EXPECT_EQ(parse_order("attribute.created ASC", run_grammar)->key, "start_time");
  EXPECT_FALSE(parse_order("metrics.auc UP", run_grammar));
  EXPECT_FALSE(parse_order("metrics.auc DESC, metrics.b", run_grammar));
  EXPECT_FALSE(parse_order("datasets.name", run_grammar));
  EXPECT_FALSE(parse_order("", run_grammar));
}

}  // namespace
}  // namespace millrace::track
