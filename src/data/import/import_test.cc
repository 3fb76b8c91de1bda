#include "data/import/import.h"

#include "data/contracts/contract.h"
#include "data/contracts/contract_write.h"
#include "data/testing.h"

namespace millrace::data {
namespace {

std::string fixture(const std::string& name) {
  const auto text = read_file(testing::source_root() + "/src/data/import/testdata/" + name, 1 << 20);
  EXPECT_TRUE(text.ok()) << name;
  return text ? *text : "";
}

// The rules of what was imported, and what was left out, by name.
struct Outcome {
  ImportedContract imported;
  Contract contract;
  std::set<std::string> rules, left;
};
Outcome outcome(Result<ImportedContract> imported, const std::string& object) {
  Outcome out;
  EXPECT_TRUE(imported.ok()) << imported.error().text();
  if (!imported) return out;
  out.imported = std::move(*imported);
  auto contract = parse_contract(write_contract(out.imported.document), "imported.yaml");
  EXPECT_TRUE(contract.ok()) << contract.error().text() << write_contract(out.imported.document);
  if (!contract) return out;
  out.contract = std::move(*contract);
  const auto rules = rules_of(out.contract, **out.contract.object(object));
  EXPECT_TRUE(rules.ok()) << rules.error().text();
  for (const auto& rule : *rules) out.rules.insert(rule.id);
  for (const auto& one : out.imported.left_out) out.left.insert(one.name + " " + one.about);
  return out;
}

using Names = std::set<std::string>;

TEST(ImportGx, a_suite_of_the_genuine_package) {
  const auto out = outcome(import_gx(fixture("suite.json"), "suite.json", ""), "orders");
  EXPECT_EQ(out.rules, (Names{"id.required", "id.type", "id.unique", "note_null_rate", "amount.type", "amount.range",
                              "tax.type", "tax_rule", "state.set", "country.set", "code.pattern", "code.length",
                              "code.type", "orders_rows", "orders.unique", "orders_rule"}));
  EXPECT_EQ(out.left,
            (Names{"expect_column_values_to_match_regex orders.other", "expect_column_mean_to_be_between orders.amount",
                   "expect_column_kl_divergence_to_be_less_than orders.amount",
                   "expect_column_values_to_be_between orders.amount"}));
  const auto* amount = out.contract.objects[0].find("amount");
  EXPECT_TRUE(amount->minimum->open);
  EXPECT_EQ(amount->maximum->number, 100);
  EXPECT_EQ(out.contract.objects[0].find("state")->quality[0].severity, Severity::warning);
}

TEST(ImportGx, what_it_says_holds_and_breaks_as_there) {
  const auto out = outcome(import_gx(fixture("suite.json"), "suite.json", ""), "orders");
  testing::Trial trial;
  std::string rows = "id,note,amount,tax,state,country,code,other\n";
  for (int i = 0; i < 20; ++i) rows += fmt::format("{},n,{},1,new,DE,K-{},x\n", i, i + 1, i);
  const auto good =
      trial.run_text(write_contract(out.imported.document), testing::write(trial.folder, "good.csv", rows));
  ASSERT_TRUE(good.ok()) << good.error().text();
  EXPECT_TRUE(good->passed()) << to_pretty(good->to_json()["alerts"]);
  const auto bad = trial.run_text(write_contract(out.imported.document),
                                  testing::write(trial.folder, "bad.csv", rows + "19,,0,90,old,XX,Q,x\n"));
  ASSERT_TRUE(bad.ok()) << bad.error().text();
  for (const auto* rule :
       {"id.unique", "amount.range", "state.set", "country.set", "code.pattern", "code.length", "orders_rule"})
    EXPECT_FALSE(testing::find_rule(*bad, rule)->ok) << rule;
}

TEST(ImportDbt, the_manifest_and_the_file_that_it_was_made_from_say_the_same) {
  const auto file = outcome(import_dbt(fixture("dbt_schema.yml"), "schema.yml", "shop"), "orders");
  const auto manifest = outcome(import_dbt(fixture("manifest.json"), "manifest.json", "shop"), "orders");
  EXPECT_EQ(file.rules, (Names{"id.required", "id.type", "id.unique", "state.set", "customer_id.fk"}));
  EXPECT_EQ(manifest.rules, file.rules);
  EXPECT_EQ(file.left, (Names{"not_null orders.customer_id"}));
  EXPECT_EQ(manifest.left, file.left);
  EXPECT_EQ(file.contract.objects.size(), 2u);
}

TEST(ImportDbt, tests_of_its_packages) {
  const auto out = outcome(
      import_dbt("models:\n  - name: t\n    tests:\n      - dbt_utils.unique_combination_of_columns: "
                 "{combination_of_columns: [a, b]}\n"
                 "      - dbt_utils.expression_is_true: {expression: a < b}\n      - dbt_utils.recency: {field: a}\n"
                 "    columns:\n      - name: a\n        tests:\n          - dbt_utils.accepted_range: {min_value: 0, "
                 "inclusive: false}\n"
                 "          - dbt_utils.not_null_proportion: {at_least: 0.95}\n"
                 "          - dbt_expectations.expect_column_values_to_match_regex: {regex: '^x'}\n      - name: b\n",
                 "schema.yml", "t"),
      "t");
  EXPECT_EQ(out.rules, (Names{"a.type", "a.range", "a_null_rate", "a.pattern", "t.unique", "t_rule"}));
  EXPECT_EQ(out.left, (Names{"dbt_utils.recency t"}));
  EXPECT_TRUE(out.contract.objects[0].find("a")->minimum->open);
}

TEST(ImportPandera, its_yaml_and_its_json_say_the_same) {
  const auto yaml = outcome(import_pandera(fixture("schema.yaml"), "schema.yaml", ""), "orders");
  const auto json = outcome(import_pandera(fixture("schema.json"), "schema.json", ""), "orders");
  EXPECT_EQ(yaml.rules, (Names{"id.required", "id.type", "id.range", "id.unique", "amount.type", "amount.range",
                               "amount_rule", "state.required", "state.type", "state.set", "code.required", "code.type",
                               "code.pattern", "code.length", "even.required", "even.type", "orders.unique"}));
  EXPECT_EQ(json.rules, yaml.rules);
  EXPECT_EQ(yaml.left, (Names{"column orders.day"}));
  EXPECT_EQ(yaml.contract.objects[0].find("id")->description, "the key");
  EXPECT_TRUE(yaml.contract.objects[0].find("amount")->minimum->open);
}

TEST(Import, a_file_of_something_else_is_an_error) {
  EXPECT_NE(import_gx("{}", "a.json", "").error().text().find("the file has no 'expectations'"), std::string::npos);
  EXPECT_NE(import_gx("[", "a.json", "").error().text().find("a.json"), std::string::npos);
  EXPECT_NE(import_pandera("a: 1", "a.yaml", "").error().text().find("the file has no 'columns'"), std::string::npos);
  EXPECT_NE(import_dbt("version: 2", "a.yml", "").error().text().find("there is nothing of dbt in the file"),
            std::string::npos);
}

}  // namespace
}  // namespace millrace::data
