// A workspace has few of these datasets, so a search looks at all of them: they are compared here, alike over any
// store.
#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "evaluation/rows.h"
#include "traces/match.h"
#include "track/names.h"
#include "track/search/filter.h"
#include "track/search/query.h"

namespace millrace::evaluation {
namespace {

constexpr track::Attribute kAttributes[] = {
    {"name", "name", false, true},          {"dataset_id", "id"},
    {"created_time", "created_time", true}, {"last_update_time", "last_update_time", true},
    {"created_by", "created_by"},           {"last_updated_by", "last_updated_by"}};
constexpr track::Entity kEntities[] = {track::Entity::tag};
constexpr track::Grammar kGrammar{kAttributes, kEntities};

std::string text_of(const Dataset& it, const std::string& column) {
  if (column == "name") return it.name;
  if (column == "id") return it.id;
  return column == "created_by" ? it.created_by : it.updated_by;
}
int64_t number_of(const Dataset& it, const std::string& column) {
  return column == "created_time" ? it.create_time : it.update_time;
}
bool is_number(const std::string& column) { return column == "created_time" || column == "last_update_time"; }

bool holds(const track::Comparison& it, double value) {
  using track::Operator;
  switch (it.op) {
    case Operator::unequal: return value != it.number;
    case Operator::less: return value < it.number;
    case Operator::less_or_equal: return value <= it.number;
    case Operator::greater: return value > it.number;
    case Operator::greater_or_equal: return value >= it.number;
    default: return value == it.number;
  }
}

bool holds(const track::Comparison& it, const std::string& text) {
  using track::Operator;
  const bool listed = std::find(it.texts.begin(), it.texts.end(), text) != it.texts.end();
  switch (it.op) {
    case Operator::unequal:
    case Operator::not_in: return !listed;
    case Operator::like: return traces::is_like(text, it.texts[0], false);
    case Operator::ilike: return traces::is_like(text, it.texts[0], true);
    default: return listed;
  }
}

bool holds(const track::Comparison& it, const Dataset& dataset) {
  if (it.entity == track::Entity::attribute)
    return it.numeric ? holds(it, static_cast<double>(number_of(dataset, it.key)))
                      : holds(it, text_of(dataset, it.key));
  const auto tag = dataset.tags.find(it.key);
  if (it.op == track::Operator::is_null) return tag == dataset.tags.end();
  if (tag == dataset.tags.end()) return false;
  return it.op == track::Operator::is_not_null || holds(it, tag->second);
}

Result<std::vector<track::Order>> orders_of(const std::vector<std::string>& order_by) {
  if (order_by.size() > track::bounds::order_by)
    return Error{Code::invalid, fmt::format("order_by has at most {} clauses", track::bounds::order_by)};
  std::vector<track::Order> out;
  for (const auto& text : order_by) {
    MILLRACE_TRY(auto order, track::parse_order(text, kGrammar));
    if (order.entity != track::Entity::attribute)
      return Error{Code::invalid, "Invalid order_by entity: only attributes can be ordered by"};
    out.push_back(std::move(order));
  }
  if (out.empty()) out.push_back({track::Entity::attribute, "created_time", false});
  out.push_back({track::Entity::attribute, "id", false});
  return out;
}

// What a dataset is ordered by, as a page token keeps it.
Json key_of(const Dataset& it, const std::vector<track::Order>& orders) {
  Json out = Json::array();
  for (const auto& order : orders)
    out.push_back(is_number(order.key) ? Json(number_of(it, order.key)) : Json(text_of(it, order.key)));
  return out;
}

bool comes_before(const Json& a, const Json& b, const std::vector<track::Order>& orders) {
  for (size_t i = 0; i < orders.size(); ++i)
    if (a[i] != b[i]) return (a[i] < b[i]) == orders[i].ascending;
  return false;
}

}  // namespace

Result<track::Page<Dataset>> Datasets::search(const Caller& caller, const Search& search) const {
  MILLRACE_DO(track::check_page(search.max_results, bounds::page));
  MILLRACE_TRY(const auto comparisons, track::parse_filter(search.filter, kGrammar));
  MILLRACE_TRY(const auto orders, orders_of(search.order_by));
  const auto question =
      to_text(Json{{"experiments", search.experiment_ids}, {"filter", search.filter}, {"order_by", search.order_by}});
  Json last;
  if (!search.page_token.empty()) {
    MILLRACE_TRY(last, track::read_token(search.page_token, question, orders.size()));
  }
  std::vector<Dataset> all;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(all, load_all(session, caller.workspace));
    return {};
  }));
  const std::set<std::string> experiments(search.experiment_ids.begin(), search.experiment_ids.end());
  std::erase_if(all, [&](const Dataset& it) {
    const bool among = experiments.empty() || std::any_of(it.experiment_ids.begin(), it.experiment_ids.end(),
                                                          [&](const auto& each) { return experiments.contains(each); });
    return !among || !std::all_of(comparisons.begin(), comparisons.end(),
                                  [&](const auto& comparison) { return holds(comparison, it); });
  });
  std::vector<std::pair<Json, size_t>> order;
  for (size_t i = 0; i < all.size(); ++i) order.emplace_back(key_of(all[i], orders), i);
  std::sort(order.begin(), order.end(),
            [&](const auto& a, const auto& b) { return comes_before(a.first, b.first, orders); });
  track::Page<Dataset> page;
  for (const auto& [key, at] : order) {
    if (!last.is_null() && !comes_before(last, key, orders)) continue;
    if (page.items.size() == static_cast<size_t>(search.max_results)) {
      page.next = track::make_token(key_of(page.items.back(), orders), question);
      break;
    }
    page.items.push_back(std::move(all[at]));
  }
  return page;
}

}  // namespace millrace::evaluation
