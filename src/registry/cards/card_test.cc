#include "registry/cards/markdown.h"
#include "registry/testing.h"

namespace millrace::registry {
namespace {

using Card = testing::RegistryTest;

void expect_in(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << part << "\nis not in\n" << text;
}

TEST_F(Card, says_plainly_what_is_not_known) {
  card = "{owner: ada}";
  write_project(1);
  registered();
  const auto text = shown(models->card("default", spec(), 1));
  expect_in(text, "# Model card: late version 1");
  expect_in(text, "Not known: nobody has written it.");
  expect_in(text, "Not known: the gates were not evaluated.");
  expect_in(text, "Not known: no dataset version stands behind the model.");
  expect_in(text, "0 of 1 given");
}

TEST_F(Card, is_written_from_the_facts) {
  gates =
      "[{auc: {min: 0.7}}, {calibration: {max: 1}}, {group_recall: {by: origin, min: 0.1, rows: 10}}, card_complete]";
  ready(4);
  const auto text = shown(models->card("default", spec(), 1));
  expect_in(text, "its state is **approved**");
  expect_in(text, "## Intended use\n\nto be tried\n");
  expect_in(text, "- parameters: `{\"trees\":4}`");
  expect_in(text, "- seed: 3");
  expect_in(text, "### Recall by origin");
  expect_in(text, "### Calibration");
  expect_in(text, "Measured on 1000 held-out rows (400 positive)");
  expect_in(text, "| `distance` | number | required | from 10 |");
  expect_in(text, "| bob |");
  expect_in(text, "`millrace run --verify train`");
  const Json digests = models->get("default", "late", 1)->digests.to_json();
  for (const auto& [name, digest] : digests.items())
    expect_in(text, "| " + name + " | `" + digest.get<std::string>() + "` |");
}

TEST_F(Card, keeps_what_was_approved_when_the_project_says_something_else) {
  ready(1);
  card = "{intended_use: everything, limitations: none, ethical: none, owner: ada}";
  write_project(1);
  const auto text = shown(models->card("default", spec(), 1));
  expect_in(text, "## Intended use\n\nto be tried\n");
  expect_in(text, "the text above is what the gates were evaluated with");
}

TEST(Markdown, text_from_outside_is_never_markup) {
  EXPECT_EQ(markdown::text("a|b\n\n# <script>*x*</script> [l](u)"),
            "a\\|b \\# \\<script\\>\\*x\\*\\</script\\> \\[l\\](u)");
  EXPECT_EQ(markdown::text("- item"), "\\- item");
  EXPECT_EQ(markdown::text("1. item"), "1\\. item");
  EXPECT_EQ(markdown::text("\x01 a"), "a");
  EXPECT_EQ(markdown::code("a`b"), "`` a`b ``");
  EXPECT_EQ(markdown::code(""), "(none)");
  EXPECT_EQ(markdown::table({"a"}, {}), "");
}

}  // namespace
}  // namespace millrace::registry
