#include "track/table/run_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_map>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "track/names.h"
#include "track/points/series.h"
#include "track/run_rows.h"
#include "track/search/count.h"

namespace millrace::track {
namespace {

constexpr Micros kWorth = 20;       // how many times as long as it took a total holds
constexpr size_t kKnownMost = 256;  // questions
constexpr size_t kTextShown = 500;  // bytes of a parameter or tag in a table
constexpr size_t kLookedAt = 50;    // runs that tell which columns are common
constexpr int64_t kCommon = 4;      // metrics, and parameters

std::string shown(const std::string& text) {
  if (text.size() <= kTextShown) return text;
  size_t end = kTextShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "\xE2\x80\xA6";
}

Json number(double value, bool is_nan) { return is_nan ? Json(nullptr) : Json(value); }

// run_id, key, value, is_nan, step, timestamp, least, greatest
Json metric_json(const store::Row& row) {
  const bool is_nan = row.integer(3) != 0;
  Json out{{"last", number(row.real(2), is_nan)},
           {"min", row.is_null(6) ? Json(nullptr) : Json(row.real(6))},
           {"max", row.is_null(7) ? Json(nullptr) : Json(row.real(7))},
           {"step", row.integer(4)},
           {"at", to_iso(row.integer(5) * 1000)}};
  if (is_nan) out["nan"] = true;
  return out;
}

using Places = std::unordered_map<std::string, size_t>;

Result<void> add_metrics(store::Session& session, const std::string& workspace, const std::vector<std::string>& ids,
                         const std::vector<std::string>& keys, const Places& places, std::vector<Json>& out) {
  store::Values values;
  auto sql = with_wanted(ids, values);
  values.emplace_back(workspace);
  const auto list = placeholders(keys, values);
  MILLRACE_TRY(const auto rows,
               session.query(fmt::format("{}SELECT f.run_id, f.key, f.value, f.is_nan, f.step, f.timestamp, f.least, "
                                         "f.greatest FROM wanted CROSS JOIN track_latest_metrics f WHERE f.workspace = "
                                         "? AND f.run_id = wanted_id AND f.key IN ({})",
                                         sql, list),
                             values));
  for (const auto& row : rows)
    out[places.at(row.text(0))][RunColumn{Entity::metric, row.text(1)}.name()] = metric_json(row);
  return {};
}

Result<void> add_texts(store::Session& session, const std::string& workspace, const std::vector<std::string>& ids,
                       Entity entity, const std::vector<std::string>& keys, const Places& places,
                       std::vector<Json>& out) {
  store::Values values;
  auto sql = with_wanted(ids, values);
  values.emplace_back(workspace);
  const auto list = placeholders(keys, values);
  MILLRACE_TRY(const auto rows,
               session.query(fmt::format("{}SELECT f.run_id, f.key, f.value FROM wanted CROSS JOIN {} f WHERE "
                                         "f.workspace = ? AND f.run_id = wanted_id AND f.key IN ({})",
                                         sql, entity == Entity::param ? "track_params" : "track_run_tags", list),
                             values));
  for (const auto& row : rows) out[places.at(row.text(0))][RunColumn{entity, row.text(1)}.name()] = shown(row.text(2));
  return {};
}

// A cursor carries the total, so that a long list is counted once; nothing after the dot where nobody counted.
std::string cursor_of(const std::string& token, std::optional<int64_t> total) {
  return token.empty() ? "" : fmt::format("{}.{}", token, total ? std::to_string(*total) : "");
}

Result<std::optional<int64_t>> take_total(std::string& token) {
  if (token.empty()) return std::optional<int64_t>();
  const auto dot = token.rfind('.');
  int64_t total = 0;
  const auto* end = token.data() + token.size();
  const bool uncounted = dot != std::string::npos && dot + 1 == token.size();
  if (dot == std::string::npos || (!uncounted && std::from_chars(token.data() + dot + 1, end, total).ptr != end))
    return Error{Code::invalid, "this is no place to go on after"}.at_field("after").hint(
        "give what 'next' of the page before says");
  token.resize(dot);
  return uncounted ? std::optional<int64_t>() : std::optional(total);
}

// What a total belongs to.
std::string question_of(const std::string& workspace, const Search& search) {
  return fmt::format("{}\n{}\n{}\n{}", workspace, static_cast<int>(search.view), search.filter,
                     fmt::join(search.experiment_ids, ","));
}

}  // namespace

Result<std::vector<std::string>> experiments_of(store::Session& session, const std::string& workspace,
                                                const std::vector<std::string>& named) {
  std::vector<std::string> out;
  if (named.empty()) {
    MILLRACE_TRY(const auto rows, session.query("SELECT id FROM track_experiments WHERE workspace = ? AND "
                                                "lifecycle_stage = 'active' ORDER BY id LIMIT ?",
                                                {workspace, static_cast<int64_t>(bounds::experiment_ids)}));
    for (const auto& row : rows) out.push_back(row.text(0));
    return out;
  }
  for (const auto& id : named) {
    MILLRACE_TRY(const auto row,
                 session.first("SELECT id FROM track_experiments WHERE workspace = ? AND id = ?", {workspace, id}));
    if (!row)
      return Error{Code::not_found, fmt::format("there is no experiment '{}'", id.substr(0, 100))}
          .at_field("experiment")
          .hint("GET /experiments lists those that there are");
    out.push_back(id);
  }
  return out;
}

Result<std::vector<Json>> values_of(store::Session& session, const std::string& workspace,
                                    const std::vector<std::string>& ids, const std::vector<RunColumn>& columns) {
  std::vector<Json> out(ids.size(), Json::object());
  Places places;
  for (size_t i = 0; i < ids.size(); ++i) places.emplace(ids[i], i);
  for (const auto entity : {Entity::metric, Entity::param, Entity::tag}) {
    std::vector<std::string> keys;
    for (const auto& column : columns)
      if (column.entity == entity) keys.push_back(column.key);
    if (keys.empty() || ids.empty()) continue;
    MILLRACE_DO(entity == Entity::metric ? add_metrics(session, workspace, ids, keys, places, out)
                                         : add_texts(session, workspace, ids, entity, keys, places, out));
  }
  return out;
}

Result<std::vector<RunColumn>> common_columns(store::Session& session, const std::string& workspace,
                                              const std::vector<std::string>& ids) {
  std::vector<RunColumn> out;
  if (ids.empty()) return out;
  const std::vector<std::string> first(ids.begin(),
                                       ids.begin() + static_cast<std::ptrdiff_t>(std::min(ids.size(), kLookedAt)));
  for (const auto entity : {Entity::metric, Entity::param}) {
    store::Values values;
    const auto sql = with_wanted(first, values);
    values.emplace_back(workspace);
    values.emplace_back(kCommon);
    MILLRACE_TRY(const auto rows,
                 session.query(fmt::format("{}SELECT f.key, count(*) FROM wanted CROSS JOIN {} f WHERE f.workspace = ? "
                                           "AND f.run_id = wanted_id GROUP BY f.key ORDER BY count(*) DESC, f.key "
                                           "LIMIT ?",
                                           sql, entity == Entity::metric ? "track_latest_metrics" : "track_params"),
                               values));
    // A column that few of them have would be empty nearly everywhere.
    for (const auto& row : rows)
      if (row.integer(1) * 10 >= rows.front().integer(1)) out.push_back({entity, row.text(0)});
  }
  return out;
}

std::optional<int64_t> RunTable::known_total(const std::string& question) {
  const std::lock_guard lock(mutex_);
  const auto known = known_.find(question);
  if (known == known_.end() || context_.clock.steady() >= known->second.until) return std::nullopt;
  return known->second.total;
}

Result<int64_t> RunTable::total_of(store::Session& session, const std::string& workspace, const Search& search) {
  const auto question = question_of(workspace, search);
  if (const auto known = known_total(question)) return *known;
  const Micros began = context_.clock.steady();
  MILLRACE_TRY(const auto total, count_ids(session, runs_subject, workspace, search));
  const Micros now = context_.clock.steady();
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kKnownMost) known_.clear();
  known_[question] = {total, now + (now - began) * kWorth};
  return total;
}

Result<int64_t> RunTable::total(const std::string& workspace, Search search) {
  int64_t out = 0;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(search.experiment_ids, experiments_of(session, workspace, search.experiment_ids));
    MILLRACE_TRY(out, total_of(session, workspace, search));
    return {};
  }));
  return out;
}

Result<RunRows> RunTable::page(const std::string& workspace, Search search, RunPage wanted) {
  RunRows out;
  MILLRACE_TRY(const auto told, take_total(search.page_token));
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(search.experiment_ids, experiments_of(session, workspace, search.experiment_ids));
    MILLRACE_TRY(const auto found, find_ids(session, runs_subject, workspace, search));
    out.total = told;
    if (search.page_token.empty() && found.next.empty()) {
      out.total = static_cast<int64_t>(found.ids.size());
    } else if (!told && wanted.count) {
      MILLRACE_TRY(out.total, total_of(session, workspace, search));
    } else if (!told) {
      out.total = known_total(question_of(workspace, search));
    }
    out.columns = std::move(wanted.columns);
    if (wanted.common) {
      MILLRACE_TRY(out.columns, common_columns(session, workspace, found.ids));
    }
    out.next = cursor_of(found.next, out.total);
    MILLRACE_TRY(auto infos, load_run_infos(session, workspace, found.ids));
    MILLRACE_TRY(auto values, values_of(session, workspace, found.ids, out.columns));
    for (size_t i = 0; i < found.ids.size(); ++i) {
      const auto info = infos.find(found.ids[i]);
      if (info != infos.end()) out.rows.push_back({std::move(info->second), std::move(values[i])});
    }
    return {};
  }));
  return out;
}

}  // namespace millrace::track
