#include "api/mlflow/select.h"

#include <gtest/gtest.h>

namespace millrace::api::mlflow {
namespace {

struct Plane {
  std::string name;
  int64_t seats = 0;
  std::vector<track::KeyValue> tags;
};

constexpr track::Attribute kAttributes[] = {{"name", "name", false, true}, {"seats", "seats", true}};
constexpr track::Entity kEntities[] = {track::Entity::tag};
const track::Grammar kGrammar{kAttributes, kEntities};
const Searched<Plane> kHow{.grammar = kGrammar,
                           .cell =
                               [](const Plane& plane, const std::string& column) {
                                 return column == "name" ? Cell{.text = plane.name}
                                                         : Cell{.number = static_cast<double>(plane.seats)};
                               },
                           .tags = [](const Plane& plane) -> const std::vector<track::KeyValue>& { return plane.tags; },
                           .order = {"name"},
                           .key = [](const Plane& plane) { return Json::array({plane.name}); },
                           .most = 100};

std::string found(const std::string& filter, std::vector<std::string> order_by = {}) {
  const std::vector<Plane> planes{{"B747", 400}, {"A320", 180}, {"A380", 500}, {"b-52", 0}};
  const auto page = select(planes, kHow, {.filter = filter, .order_by = std::move(order_by), .max_results = 100});
  if (!page) return page.error().message();
  std::string out;
  for (const auto& plane : page->items) out += (out.empty() ? "" : " ") + plane.name;
  return out;
}

TEST(Select, compares_texts_and_numbers) {
  EXPECT_EQ(found(""), "A320 A380 B747 b-52");
  EXPECT_EQ(found("name = 'A320'"), "A320");
  EXPECT_EQ(found("name != 'A320' AND seats >= 400"), "A380 B747");
  EXPECT_EQ(found("name IN ('A320', 'b-52')"), "A320 b-52");
  EXPECT_EQ(found("name NOT IN ('A320', 'b-52')"), "A380 B747");
  EXPECT_EQ(found("seats < 180"), "b-52");
  EXPECT_EQ(found("seats = 180"), "A320");
  EXPECT_EQ(found("tag.`mlflow.prompt.is_prompt` != 'true'"), "A320 A380 B747 b-52");
  EXPECT_EQ(found("tags.x = 'true'"), "");
}

TEST(Select, knows_patterns) {
  EXPECT_EQ(found("name LIKE 'A3%'"), "A320 A380");
  EXPECT_EQ(found("name LIKE '%0'"), "A320 A380");
  EXPECT_EQ(found("name LIKE 'A3_0'"), "A320 A380");
  EXPECT_EQ(found("name LIKE '%3%0%'"), "A320 A380");
  EXPECT_EQ(found("name LIKE 'b%'"), "b-52");
  EXPECT_EQ(found("name ILIKE 'b%'"), "B747 b-52");
  EXPECT_EQ(found("name LIKE '%'"), "A320 A380 B747 b-52");
  EXPECT_EQ(found("name LIKE 'A3'"), "");
}

TEST(Select, orders_and_refuses) {
  EXPECT_EQ(found("", {"seats DESC"}), "A380 B747 A320 b-52");
  EXPECT_EQ(found("", {"name DESC"}), "b-52 B747 A380 A320");
  EXPECT_NE(found("colour = 'red'").find("Invalid attribute key 'colour'"), std::string::npos);
  EXPECT_NE(found("", {"colour"}).find("Invalid attribute key 'colour'"), std::string::npos);
  EXPECT_EQ(found("", {"tags.x"}), "only attributes can be ordered by");
}

TEST(Select, pages_stay_right_while_entries_come) {
  std::vector<Plane> planes;
  for (int i = 10; i < 35; ++i) planes.push_back({"P" + std::to_string(i), i});
  Asked asked{.max_results = 10};
  std::vector<std::string> seen;
  for (int i = 0; i < 4; ++i) {
    const auto page = select(planes, kHow, asked);
    ASSERT_TRUE(page);
    for (const auto& plane : page->items) seen.push_back(plane.name);
    asked.page_token = page->next;
    if (page->next.empty()) break;
    planes.push_back({"P0" + std::to_string(i), 0});  // before all that was seen
  }
  EXPECT_EQ(seen.size(), 25U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  asked = {.filter = "seats > 1", .max_results = 10, .page_token = select(planes, kHow, {.max_results = 3})->next};
  EXPECT_EQ(select(planes, kHow, asked).error().message(), "Invalid page token");
  EXPECT_EQ(select(planes, kHow, {.max_results = 0}).error().code(), Code::invalid);
  EXPECT_EQ(select(planes, kHow, {.max_results = 101}).error().code(), Code::invalid);
}

}  // namespace
}  // namespace millrace::api::mlflow
