#include "track/search/lead.h"

#include <algorithm>

#include <fmt/format.h>

namespace millrace::track {
namespace {

struct Condition {
  std::string text;
  store::Values values;
  void add(std::string_view more, const store::Values& bound) {
    text += more;
    values.insert(values.end(), bound.begin(), bound.end());
  }
};

std::string_view symbol_of(Operator op) {
  switch (op) {
    case Operator::less: return "<";
    case Operator::less_or_equal: return "<=";
    case Operator::greater: return ">";
    case Operator::greater_or_equal: return ">=";
    default: return "=";
  }
}

Condition condition_of(const MetricIn& in, bool nan) {
  Condition out{"workspace = ? AND experiment_id = ? AND key = ? AND is_nan = ?",
                {in.workspace, in.experiment, in.key, int64_t{nan}}};
  for (const auto* one : in.comparisons) out.add(fmt::format(" AND value {} ?", symbol_of(one->op)), {one->number});
  return out;
}

void add_later_start(Condition& condition, const Candidate& after) {
  condition.add(" AND start_time <= ? AND (start_time < ? OR run_id > ?)",
                {after.start_time, after.start_time, after.run});
}

Result<std::vector<Candidate>> select(store::Session& session, const Condition& condition, std::string_view order,
                                      size_t most) {
  auto values = condition.values;
  values.emplace_back(static_cast<int64_t>(most));
  MILLRACE_TRY(const auto rows,
               session.query(fmt::format("SELECT run_id, value, start_time FROM track_latest_metrics WHERE {} "
                                         "ORDER BY {} LIMIT ?",
                                         condition.text, order),
                             values));
  std::vector<Candidate> out;
  out.reserve(rows.size());
  for (const auto& row : rows) out.push_back({row.text(0), row.real(1), row.integer(2)});
  return out;
}

// Of one value those after `after`, which has that value too, if it is given.
Result<std::vector<Candidate>> of_value(store::Session& session, const MetricIn& in, bool nan, double value,
                                        const Candidate* after, size_t most) {
  auto condition = condition_of(in, nan);
  condition.add(" AND value = ?", {value});
  if (after != nullptr) add_later_start(condition, *after);
  return select(session, condition, "start_time DESC, run_id", most);
}

void move_to(std::vector<Candidate>& out, std::vector<Candidate>&& more) {
  std::move(more.begin(), more.end(), std::back_inserter(out));
}

}  // namespace

// The index holds equal values with the latest start first, whichever way it is read: so runs are taken by value alone,
// and those that share the last value are asked for once more in their own order.
Result<std::vector<Candidate>> next_by_value(store::Session& session, const MetricIn& in, const ByValue& how,
                                             const std::optional<Candidate>& after, size_t most) {
  std::vector<Candidate> out;
  if (after) {
    MILLRACE_TRY(out, of_value(session, in, how.nan, after->value, &*after, most));
  }
  if (out.size() >= most) return out;
  auto condition = condition_of(in, how.nan);
  if (after) condition.add(how.ascending ? " AND value > ?" : " AND value < ?", {after->value});
  const auto room = most - out.size();
  MILLRACE_TRY(auto more, select(session, condition, how.ascending ? "value" : "value DESC", room));
  const bool cut = more.size() == room;
  const double last = more.empty() ? 0 : more.back().value;
  if (cut) std::erase_if(more, [&](const Candidate& each) { return each.value == last; });
  std::sort(more.begin(), more.end(), [&](const Candidate& a, const Candidate& b) {
    if (a.value != b.value) return (a.value < b.value) == how.ascending;
    if (a.start_time != b.start_time) return a.start_time > b.start_time;
    return a.run < b.run;
  });
  move_to(out, std::move(more));
  if (!cut) return out;
  MILLRACE_TRY(auto rest, of_value(session, in, how.nan, last, nullptr, most - out.size()));
  move_to(out, std::move(rest));
  return out;
}

Result<std::vector<Candidate>> next_by_start(store::Session& session, const MetricIn& in,
                                             const std::optional<Candidate>& after, size_t most) {
  auto condition = condition_of(in, false);
  if (after) add_later_start(condition, *after);
  return select(session, condition, "start_time DESC, run_id", most);
}

Result<size_t> count_matches(store::Session& session, const MetricIn& in, size_t most) {
  auto condition = condition_of(in, false);
  condition.values.emplace_back(static_cast<int64_t>(most));
  MILLRACE_TRY(const auto row,
               session.first(fmt::format("SELECT count(*) FROM (SELECT 1 FROM track_latest_metrics WHERE {} LIMIT ?) s",
                                         condition.text),
                             condition.values));
  return static_cast<size_t>(row->integer(0));
}

bool can_lead(const Comparison& one) {
  const bool pair = one.entity == Entity::param || one.entity == Entity::tag;
  return pair && one.op == Operator::equal;
}

Result<std::vector<std::string>> runs_with(store::Session& session, const std::string& workspace, const Comparison& one,
                                           size_t most) {
  MILLRACE_TRY(const auto rows,
               session.query(fmt::format("SELECT run_id FROM {} WHERE workspace = ? AND key = ? AND "
                                         "substr(value, 1, 64) = substr(?, 1, 64) LIMIT ?",
                                         one.entity == Entity::param ? "track_params" : "track_run_tags"),
                             {workspace, one.key, one.texts.at(0), static_cast<int64_t>(most)}));
  std::vector<std::string> out;
  out.reserve(rows.size());
  for (const auto& row : rows) out.push_back(row.text(0));
  return out;
}

}  // namespace millrace::track
