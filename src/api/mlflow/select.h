// A search over values in memory, with the filters, orders and pages of MLflow's clients.
#pragma once
#include <algorithm>
#include <string>
#include <vector>

#include "api/mlflow/body.h"
#include "track/filter.h"
#include "track/names.h"
#include "track/query.h"
#include "track/tracking.h"

namespace millrace::api::mlflow {

struct Cell {
  std::string text;
  double number = 0;
};
bool holds(const track::Comparison& comparison, const Cell& cell);
// A tag that is not there equals nothing and differs from nothing, as MLflow has it.
bool tag_holds(const track::Comparison& comparison, const std::vector<track::KeyValue>& tags);

struct Asked {
  std::string filter;
  std::vector<std::string> order_by;
  int64_t max_results = 0;
  std::string page_token;

  static Asked of(Body& in, int64_t standard);
  std::string question() const;  // what a page token belongs to
};

// How entries of one kind are searched.
template <class Entry>
struct Searched {
  const track::Grammar& grammar;
  Cell (*cell)(const Entry& entry, const std::string& column);
  const std::vector<track::KeyValue>& (*tags)(const Entry& entry);
  std::vector<std::string_view> order;  // when none is asked for; its last words end every order
  Json (*key)(const Entry& entry);      // a list unlike any other's
  size_t most = 0;
};

template <class Entry>
Result<track::Page<Entry>> select(std::vector<Entry> entries, const Searched<Entry>& how, const Asked& asked) {
  MILLRACE_DO(track::check_page(asked.max_results, how.most));
  MILLRACE_TRY(const auto comparisons, track::parse_filter(asked.filter, how.grammar));
  std::vector<track::Order> orders;
  for (const auto& text : asked.order_by) {
    MILLRACE_TRY(const auto order, track::parse_order(text, how.grammar));
    if (order.entity != track::Entity::attribute) return Error{Code::invalid, "only attributes can be ordered by"};
    if (std::any_of(orders.begin(), orders.end(), [&](const auto& each) { return each.key == order.key; }))
      return Error{Code::invalid, "`order_by` contains duplicate fields: '" + text + "'"};
    orders.push_back(order);
  }
  for (const auto& text : how.order) {
    MILLRACE_TRY(const auto order, track::parse_order(text, how.grammar));
    orders.push_back(order);
  }
  std::erase_if(entries, [&](const Entry& entry) {
    return !std::all_of(comparisons.begin(), comparisons.end(), [&](const track::Comparison& each) {
      return each.entity == track::Entity::attribute ? holds(each, how.cell(entry, each.key))
                                                     : tag_holds(each, how.tags(entry));
    });
  });
  std::stable_sort(entries.begin(), entries.end(), [&](const Entry& a, const Entry& b) {
    for (const auto& order : orders) {
      const auto one = how.cell(a, order.key), other = how.cell(b, order.key);
      if (one.number != other.number) return (one.number < other.number) == order.ascending;
      if (one.text != other.text) return (one.text < other.text) == order.ascending;
    }
    return false;
  });
  auto from = entries.begin();
  if (!asked.page_token.empty()) {
    MILLRACE_TRY(const auto last, track::read_token(asked.page_token, asked.question(), how.key({}).size()));
    from = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return how.key(entry) == last; });
    if (from != entries.end()) ++from;
  }
  track::Page<Entry> page;
  for (; from != entries.end() && page.items.size() < static_cast<size_t>(asked.max_results); ++from)
    page.items.push_back(*from);
  if (from != entries.end()) page.next = track::make_token(how.key(page.items.back()), asked.question());
  return page;
}

}  // namespace millrace::api::mlflow
