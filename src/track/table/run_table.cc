#include "track/table/run_table.h"

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

// A cursor carries the total, so that a long list is counted once.
std::string cursor_of(const std::string& token, int64_t total) {
  return token.empty() ? "" : fmt::format("{}.{}", token, total);
}

Result<std::optional<int64_t>> take_total(std::string& token) {
  if (token.empty()) return std::optional<int64_t>();
  const auto dot = token.rfind('.');
  int64_t total = 0;
  const auto* end = token.data() + token.size();
  if (dot == std::string::npos || std::from_chars(token.data() + dot + 1, end, total).ptr != end)
    return Error{Code::invalid, "this is no place to go on after"}.at_field("after").hint(
        "give what 'next' of the page before says");
  token.resize(dot);
  return std::optional(total);
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

Result<int64_t> RunTable::total_of(store::Session& session, const std::string& workspace, const Search& search) {
  const auto key = fmt::format("{}\n{}\n{}\n{}", workspace, static_cast<int>(search.view), search.filter,
                               fmt::join(search.experiment_ids, ","));
  const Micros began = context_.clock.steady();
  {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find(key);
    if (known != known_.end() && began < known->second.until) return known->second.total;
  }
  MILLRACE_TRY(const auto total, count_ids(session, runs_subject, workspace, search));
  const Micros now = context_.clock.steady();
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kKnownMost) known_.clear();
  known_[key] = {total, now + (now - began) * kWorth};
  return total;
}

Result<RunRows> RunTable::page(const std::string& workspace, Search search, const std::vector<RunColumn>& columns) {
  RunRows out;
  MILLRACE_TRY(const auto told, take_total(search.page_token));
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(search.experiment_ids, experiments_of(session, workspace, search.experiment_ids));
    MILLRACE_TRY(const auto found, find_ids(session, runs_subject, workspace, search));
    const bool all = !told && found.next.empty();
    out.total = told.value_or(static_cast<int64_t>(found.ids.size()));
    if (!told && !all) {
      MILLRACE_TRY(out.total, total_of(session, workspace, search));
    }
    out.next = cursor_of(found.next, out.total);
    MILLRACE_TRY(auto infos, load_run_infos(session, workspace, found.ids));
    MILLRACE_TRY(auto values, values_of(session, workspace, found.ids, columns));
    for (size_t i = 0; i < found.ids.size(); ++i) {
      const auto info = infos.find(found.ids[i]);
      if (info != infos.end()) out.rows.push_back({std::move(info->second), std::move(values[i])});
    }
    return {};
  }));
  return out;
}

}  // namespace millrace::track
