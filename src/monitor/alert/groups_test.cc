#include "monitor/alert/groups.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace millrace::monitor {
namespace {

Headline alert(int number, const std::string& cause, const std::string& state, const std::string& severity,
               const std::string& from) {
  Headline out{.id = fmt::format("alert-{}", number), .deployment = number % 2 == 0 ? "even" : "odd", .kind = "drift"};
  out.subject = "temp";
  out.severity = severity;
  out.state = state;
  out.cause = cause;
  out.from = *parse_time(from);
  out.pending_at = out.from;
  return out;
}

std::string told(const std::vector<AlertGroup>& groups) {
  std::string out;
  for (const auto& group : groups)
    out += fmt::format("{}: {} of {} open, {}\n", group.title, group.open, group.count, group.worst);
  return out;
}

TEST(AlertGroups, put_together_what_has_one_cause_and_what_is_open_first) {
  const std::vector<Headline> alerts{
      alert(5, "", "resolved", "warn", "2013-11-01"), alert(4, "dataset:weather@9", "firing", "warn", "2013-10-01"),
      alert(3, "dataset:weather@9", "resolved", "page", "2013-10-01"), alert(2, "", "resolved", "warn", "2013-09-01")};
  EXPECT_EQ(told(*group_alerts(alerts, "cause")),
            "caused by dataset:weather@9: 1 of 2 open, page\nno cause was found: 0 of 2 open, warn\n");
  EXPECT_EQ(told(*group_alerts(alerts, "month")),
            "2013-10: 1 of 2 open, page\n2013-11: 0 of 1 open, warn\n2013-09: 0 of 1 open, warn\n");
  EXPECT_EQ(told(*group_alerts(alerts, "deployment")), "even: 1 of 2 open, warn\nodd: 0 of 2 open, page\n");
  const auto wrong = group_alerts(alerts, "colour");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().text(), "field by: alerts are not grouped by 'colour'. Hint: cause, deployment or month");
}

TEST(AlertGroups, name_the_newest_twenty) {
  std::vector<Headline> alerts;
  for (int i = 30; i > 0; --i) alerts.push_back(alert(i, "", "resolved", "warn", "2013-10-01"));
  const auto groups = group_alerts(alerts, "cause");
  ASSERT_EQ(groups->size(), 1U);
  EXPECT_EQ((*groups)[0].ids.size(), kGroupIds);
  EXPECT_EQ((*groups)[0].ids.front(), "alert-30");
  EXPECT_EQ((*groups)[0].count, 30);
}

TEST(Headlines, say_what_and_how_much) {
  Headline one{.kind = "nulls", .subject = "temp", .value = 0.25, .limit = 0.1};
  EXPECT_EQ(one.words(), "missing values in temp: 25.00 percent, the limit is 10.00 percent");
  one = {.kind = "performance", .subject = "auc", .version = 2, .value = 0.7012, .limit = 0.72};
  EXPECT_EQ(one.words(), "AUC of version 2: 0.701, the limit is 0.72");
  one = {.kind = "latency", .subject = "p99_us", .version = 1, .value = 21'000, .limit = 900};
  EXPECT_EQ(one.words(), "p99 latency of version 1: 21 ms, the limit is 900 us");
}

}  // namespace
}  // namespace millrace::monitor
