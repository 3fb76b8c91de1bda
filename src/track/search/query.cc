#include "track/search/query.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "core/json.h"
#include "track/names.h"
#include "track/search/count.h"
#include "track/search/lead.h"
#include "track/search/search_sql.h"

namespace millrace::track {
namespace {

// One search on its way through the indexes. What no index helps with, one statement over everything answers.
class RunSearch {
 public:
  RunSearch(store::Session& session, const Question& question, const Leads& leads, std::optional<Json> last,
            size_t want)
      : session_(session), question_(question), leads_(leads), last_(std::move(last)), want_(want) {
    const auto& ids = question.search.experiment_ids;
    const std::set<std::string> distinct(ids.begin(), ids.end());
    experiments_.assign(distinct.begin(), distinct.end());
    for (const auto& each : question.comparisons)
      if (each.entity == Entity::metric && each.op != Operator::unequal) keys_.insert(each.key);
  }

  bool can_be_led() const {
    return &question_.subject == &runs_subject && !experiments_.empty() && experiments_.size() <= leads_.experiments;
  }

  Result<int64_t> count() {
    MILLRACE_TRY(const auto lead, fewest_matches());
    MILLRACE_TRY(const auto holders, fewest_holders(lead ? std::min(lead->second, leads_.few) : leads_.few));
    if (holders) return count_among(*holders);
    if (lead && lead->second <= leads_.few) {
      MILLRACE_TRY(const auto runs, runs_of(lead->first));
      return count_among(runs);
    }
    int64_t out = 0;
    for (const auto& experiment : experiments_) {
      MILLRACE_TRY(const auto some, track::count(session_, question_, {.experiment = &experiment, .by_index = true}));
      out += some;
    }
    return out;
  }

  Result<store::Rows> rows() {
    MILLRACE_TRY(const auto lead, fewest_matches());
    const size_t few = lead ? std::min(lead->second, leads_.few) : leads_.few;
    MILLRACE_TRY(const auto holders, fewest_holders(few));
    if (holders) return among_all(*holders);
    if (lead && lead->second <= leads_.few) return among_few(lead->first);
    const auto& orders = question_.orders;
    const auto is_attribute = [&](size_t at, std::string_view key) {
      return orders[at].entity == Entity::attribute && orders[at].key == key;
    };
    const auto is_start = [&](size_t at) { return is_attribute(at, "start_time") && !orders[at].ascending; };
    const auto is_id = [&](size_t at) { return is_attribute(at, "id") && orders[at].ascending; };
    if (orders.size() == 2 && is_start(0) && is_id(1))
      return lead && lead->second <= leads_.some ? by_start(lead->first) : in_each({}, last_);
    if (orders.size() == 3 && orders[0].entity == Entity::metric && is_start(1) && is_id(2)) return by_value();
    return ask(session_, question_, {}, last_, want_);
  }

 private:
  MetricIn metric_in(const std::string& experiment, const std::string& key) const {
    MetricIn in{question_.workspace, experiment, key, {}};
    for (const auto& each : question_.comparisons)
      if (each.entity == Entity::metric && each.op != Operator::unequal && each.key == key)
        in.comparisons.push_back(&each);
    return in;
  }

  // The metric of the filter that leaves the fewest runs, and how many, counted up to leads_.some + 1.
  Result<std::optional<std::pair<std::string, size_t>>> fewest_matches() {
    std::optional<std::pair<std::string, size_t>> best;
    for (const auto& key : keys_) {
      size_t count = 0;
      const size_t most = best ? best->second : leads_.some + 1;
      for (const auto& experiment : experiments_) {
        if (count >= most) break;
        MILLRACE_TRY(const auto matches, count_matches(session_, metric_in(experiment, key), most - count));
        count += matches;
      }
      if (!best || count < best->second) best = {key, count};
    }
    return best;
  }

  // The runs with the rarest of the parameters and tags that the filter wants, when they are fewer than `most`.
  Result<std::optional<std::vector<std::string>>> fewest_holders(size_t most) {
    std::optional<std::vector<std::string>> best;
    for (const auto& each : question_.comparisons) {
      if (!can_lead(each)) continue;
      MILLRACE_TRY(auto runs, runs_with(session_, question_.workspace, each, most));
      if (runs.size() >= most) continue;
      most = runs.size();
      best = std::move(runs);
    }
    return best;
  }

  // Rows that came in several parts, each in order.
  store::Rows merged(store::Rows rows) const {
    std::sort(rows.begin(), rows.end(), [&](const auto& a, const auto& b) { return comes_before(question_, a, b); });
    if (rows.size() > want_) rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(want_), rows.end());
    return rows;
  }

  static void move_to(store::Rows& out, store::Rows&& more) {
    std::move(more.begin(), more.end(), std::back_inserter(out));
  }

  // The first `want_` among these runs, in whatever order they come.
  Result<store::Rows> among_all(const std::vector<std::string>& runs) {
    store::Rows out;
    for (auto from = runs.begin(); from != runs.end();) {
      const auto to = from + std::min(static_cast<std::ptrdiff_t>(leads_.at_once), runs.end() - from);
      const std::vector<std::string> ids(from, to);
      MILLRACE_TRY(auto rows, ask(session_, question_, {.ids = &ids}, last_, want_));
      move_to(out, std::move(rows));
      from = to;
    }
    return merged(std::move(out));
  }

  static std::vector<std::string> ids_of(const std::vector<Candidate>& candidates) {
    std::vector<std::string> ids;
    for (const auto& each : candidates) ids.push_back(each.run);
    return ids;
  }

  Result<int64_t> count_among(const std::vector<std::string>& runs) {
    int64_t out = 0;
    for (size_t from = 0; from < runs.size(); from += leads_.at_once) {
      const std::vector<std::string> ids(
          runs.begin() + static_cast<std::ptrdiff_t>(from),
          runs.begin() + static_cast<std::ptrdiff_t>(std::min(runs.size(), from + leads_.at_once)));
      MILLRACE_TRY(const auto some, track::count(session_, question_, {.ids = &ids}));
      out += some;
    }
    return out;
  }

  Result<std::vector<std::string>> runs_of(const std::string& key) {
    std::vector<std::string> runs;
    for (const auto& experiment : experiments_) {
      MILLRACE_TRY(const auto candidates,
                   next_by_start(session_, metric_in(experiment, key), std::nullopt, leads_.few + 1));
      for (auto& id : ids_of(candidates)) runs.push_back(std::move(id));
    }
    return runs;
  }

  Result<store::Rows> among_few(const std::string& key) {
    MILLRACE_TRY(const auto runs, runs_of(key));
    return among_all(runs);
  }

  Result<store::Rows> in_each(Narrow narrow, const std::optional<Json>& last) {
    store::Rows out;
    for (const auto& experiment : experiments_) {
      narrow.experiment = &experiment;
      MILLRACE_TRY(auto rows, ask(session_, question_, narrow, last, want_));
      move_to(out, std::move(rows));
    }
    return merged(std::move(out));
  }

  // Follows candidates in the order of the answer until enough of them hold.
  template <class Next>
  Result<store::Rows> follow(std::optional<Candidate> after, Next next) {
    store::Rows out;
    size_t size = std::min(want_, leads_.at_once);
    while (out.size() < want_) {
      MILLRACE_TRY(const auto candidates, next(after, size));
      if (!candidates.empty()) {
        const auto ids = ids_of(candidates);
        MILLRACE_TRY(auto rows, ask(session_, question_, {.ids = &ids}, last_, want_ - out.size()));
        move_to(out, std::move(rows));
        after = candidates.back();
      }
      if (candidates.size() < size) break;
      size = leads_.at_once;
    }
    return out;
  }

  Result<store::Rows> by_start(const std::string& key) {
    std::optional<Candidate> after;
    if (last_) after = Candidate{(*last_)[1].get<std::string>(), 0, (*last_)[0].get<int64_t>()};
    store::Rows out;
    for (const auto& experiment : experiments_) {
      const auto in = metric_in(experiment, key);
      MILLRACE_TRY(auto rows, follow(after, [&](const auto& from, size_t most) {
                     return next_by_start(session_, in, from, most);
                   }));
      move_to(out, std::move(rows));
    }
    return merged(std::move(out));
  }

  // First the runs with a number, then those with NaN, then those without the metric.
  Result<store::Rows> by_value() {
    const auto& key = question_.orders[0].key;
    const int64_t rank = last_ ? (*last_)[0].get<int64_t>() : 0;
    const bool only_numbers = keys_.contains(key);
    store::Rows out;
    for (const int64_t now : {0, 1}) {
      if (rank > now || out.size() >= want_ || (now == 1 && only_numbers)) continue;
      MILLRACE_TRY(auto rows, of_rank(key, now, last_ && rank == now));
      move_to(out, std::move(rows));
    }
    if (out.size() < want_ && !only_numbers) {
      MILLRACE_TRY(auto rows, in_each({.without = &key}, rank == 2 ? last_ : std::nullopt));
      move_to(out, std::move(rows));
    }
    if (out.size() > want_) out.erase(out.begin() + static_cast<std::ptrdiff_t>(want_), out.end());
    return out;
  }

  Result<store::Rows> of_rank(const std::string& key, int64_t rank, bool goes_on) {
    std::optional<Candidate> after;
    if (goes_on)
      after = Candidate{(*last_)[3].get<std::string>(), (*last_)[1].get<double>(), (*last_)[2].get<int64_t>()};
    const ByValue how{.ascending = question_.orders[0].ascending, .nan = rank == 1};
    store::Rows out;
    for (const auto& experiment : experiments_) {
      const auto in = metric_in(experiment, key);
      MILLRACE_TRY(auto rows, follow(after, [&](const auto& from, size_t most) {
                     return next_by_value(session_, in, how, from, most);
                   }));
      move_to(out, std::move(rows));
    }
    return merged(std::move(out));
  }

  store::Session& session_;
  const Question& question_;
  const Leads& leads_;
  std::optional<Json> last_;  // the keys of the last row of the page before
  size_t want_;
  std::vector<std::string> experiments_;
  std::set<std::string> keys_;  // metrics that the filter wants to be numbers
};

Result<void> check_sizes(const Search& search) {
  if (search.experiment_ids.size() > bounds::experiment_ids)
    return Error{Code::invalid, fmt::format("a search names at most {} experiments", bounds::experiment_ids)};
  if (search.datasets.size() > bounds::search_datasets)
    return Error{Code::invalid, fmt::format("a search names at most {} datasets", bounds::search_datasets)};
  if (!search.order_on.empty() && search.order_on.size() != search.order_by.size())
    return Error{Code::internal, "the datasets to order by are not as many as the orders"};
  return {};
}

// What a page token belongs to.
std::string text_of(const Subject& subject, const Search& search) {
  auto out = fmt::format("{}\n{}\n{}\n{}", subject.table, search.filter, fmt::join(search.order_by, "\n"),
                         static_cast<int>(search.view));
  for (const auto* datasets : {&search.datasets, &search.order_on})
    for (const auto& each : *datasets) out += fmt::format("\n{}\n{}", each.name, each.digest);
  return out;
}

// A token that another server made could hold anything.
Result<void> check_kinds(const Question& question, const Json& last) {
  for (size_t i = 0; i < question.keys.size(); ++i) {
    const auto kind = question.keys[i].kind;
    const bool fits = kind == Kind::text   ? last[i].is_string()
                      : kind == Kind::real ? last[i].is_number()
                                           : last[i].is_number_integer();
    if (!fits) return Error{Code::invalid, "Invalid page token"};
  }
  return {};
}

}  // namespace

Result<Found> find_ids(store::Session& session, const Subject& subject, const std::string& workspace,
                       const Search& search, const Leads& leads) {
  MILLRACE_DO(check_sizes(search));
  MILLRACE_TRY(const auto question, parse_question(subject, workspace, search));
  const auto text = text_of(subject, search);
  std::optional<Json> last;
  if (!search.page_token.empty()) {
    MILLRACE_TRY(last, read_token(search.page_token, text, question.keys.size()));
    MILLRACE_DO(check_kinds(question, *last));
  }
  const auto most = static_cast<size_t>(search.max_results);
  RunSearch led(session, question, leads, last, most + 1);
  MILLRACE_TRY(const auto rows, led.can_be_led() ? led.rows() : ask(session, question, {}, last, most + 1));
  Found found;
  const auto count = std::min(rows.size(), most);
  for (size_t i = 0; i < count; ++i) found.ids.push_back(rows[i].text(0));
  if (rows.size() > count && count > 0) found.next = make_token(last_of(question, rows[count - 1]), text);
  return found;
}

Result<int64_t> count_ids(store::Session& session, const Subject& subject, const std::string& workspace,
                          const Search& search, const Leads& leads) {
  MILLRACE_DO(check_sizes(search));
  MILLRACE_TRY(const auto question, parse_question(subject, workspace, search));
  RunSearch led(session, question, leads, std::nullopt, 0);
  return led.can_be_led() ? led.count() : track::count(session, question, {});
}

}  // namespace millrace::track
