#include <algorithm>

#include <fmt/format.h>

#include "traces/query.h"
#include "traces/rows.h"
#include "traces/traces.h"
#include "track/names.h"
#include "track/search/query.h"

namespace millrace::traces {
namespace {

constexpr int64_t kCandidates = 500;  // read at once when they have to be looked at one by one

Error bad_token() {
  return Error{Code::invalid, "Invalid page token"}.hint(
      "send the token of the page before, with the same filter and order");
}

Result<store::Value> to_value(const Json& json, const SortKey& key) {
  if (key.is_text != json.is_string()) return bad_token();
  if (key.is_text) return store::Value(json.get<std::string>());
  if (!json.is_number_integer()) return bad_token();
  return store::Value(json.get<int64_t>());
}

// (k0 > ?) OR (k0 = ? AND k1 < ?) OR ...: what comes after the last row of the page before.
Result<void> add_after(Sql& sql, const std::vector<SortKey>& keys, const Json& last) {
  sql.add(" WHERE (");
  for (size_t i = 0; i < keys.size(); ++i) {
    sql.add(i == 0 ? "(" : " OR (");
    for (size_t j = 0; j <= i; ++j) {
      MILLRACE_TRY(auto value, to_value(last[j], keys[j]));
      sql.add(fmt::format("{}k{} {} ?", j == 0 ? "" : " AND ", j,
                          j < i               ? "="
                          : keys[j].ascending ? ">"
                                              : "<"),
              {std::move(value)});
    }
    sql.add(")");
  }
  sql.add(")");
  return {};
}

Json last_of(const store::Row& row, const std::vector<SortKey>& keys) {
  Json last = Json::array();
  for (size_t i = 0; i < keys.size(); ++i)
    last.push_back(keys[i].is_text ? Json(row.text(i + 1)) : Json(row.integer(i + 1)));
  return last;
}

struct Question {
  const std::string& workspace;
  const std::vector<std::string>& experiments;
  const Conditions& conditions;
  const std::vector<SortKey>& keys;
};

// (id, keys...) of what comes after `last`; null = from the start.
Result<store::Rows> candidates(store::Session& session, const Question& asked, const Json& last, int64_t most) {
  Sql sql;
  sql.add("SELECT * FROM (SELECT t.id AS id");
  for (size_t i = 0; i < asked.keys.size(); ++i)
    sql.add(fmt::format(", {} AS k{}", asked.keys[i].sql, i), asked.keys[i].values);
  sql.add(" FROM llm_traces t WHERE t.workspace = ? AND t.experiment_id IN (", {asked.workspace});
  sql.add(track::placeholders(asked.experiments, sql.values) + ")");
  asked.conditions.add_to(sql);
  sql.add(") s");
  if (!last.is_null()) MILLRACE_DO(add_after(sql, asked.keys, last));
  sql.add(" ORDER BY ");
  for (size_t i = 0; i < asked.keys.size(); ++i)
    sql.add(fmt::format("{}k{}{}", i == 0 ? "" : ", ", i, asked.keys[i].ascending ? "" : " DESC"));
  sql.add(" LIMIT ?", {most});
  return session.query(sql.text, sql.values);
}

struct Found {
  std::vector<std::string> ids;
  Json last;  // where the page ends; null when nothing comes after it
};

// Reads on until the page is full, nothing is left, or enough was looked at: then the page is short and has a next one.
Result<Found> find_page(store::Session& session, const Question& asked, Json last, int64_t wanted) {
  Found found;
  const auto at_once = asked.conditions.is_exact() ? wanted + 1 : kCandidates;
  for (size_t looked_at = 0; looked_at < bounds::looked_at;) {
    MILLRACE_TRY(const auto rows, candidates(session, asked, last, at_once));
    for (const auto& row : rows) {
      MILLRACE_TRY(const bool good, asked.conditions.holds(session, asked.workspace, row.text(0)));
      if (good && found.ids.size() == static_cast<size_t>(wanted)) return found.last = std::move(last), found;
      last = last_of(row, asked.keys);
      if (good) found.ids.push_back(row.text(0));
    }
    looked_at += rows.size();
    if (rows.size() < static_cast<size_t>(at_once)) return found;
  }
  found.last = std::move(last);
  return found;
}

}  // namespace

Result<track::Page<TraceInfo>> Traces::search(const Caller& caller, const Search& search) const {
  MILLRACE_DO(track::check_page(search.max_results, bounds::page));
  if (search.experiment_ids.size() > track::bounds::experiment_ids)
    return Error{Code::invalid, fmt::format("a search names at most {} experiments", track::bounds::experiment_ids)};
  MILLRACE_TRY(const auto parsed, parse_filter(search.filter));
  MILLRACE_TRY(const auto conditions, Conditions::of(parsed));
  MILLRACE_TRY(const auto keys, sort_keys(search.order_by));
  const auto question =
      to_text(Json{{"experiments", search.experiment_ids}, {"filter", search.filter}, {"order_by", search.order_by}});
  Json last;
  if (!search.page_token.empty()) {
    MILLRACE_TRY(last, track::read_token(search.page_token, question, keys.size()));
  }
  track::Page<TraceInfo> page;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    const Question asked{caller.workspace, search.experiment_ids, conditions, keys};
    MILLRACE_TRY(auto found, find_page(session, asked, last, search.max_results));
    if (!found.last.is_null()) page.next = track::make_token(found.last, question);
    MILLRACE_TRY(page.items, load_infos(session, caller.workspace, found.ids));
    return {};
  }));
  return page;
}

}  // namespace millrace::traces
