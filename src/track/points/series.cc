#include "track/points/series.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/fault.h"
#include "track/points/codec.h"
#include "track/search/query.h"

namespace millrace::track {
namespace {

constexpr int kTries = 16;  // that one write makes while other servers write to the same metric

bool is_later(const Point& a, const Point& b) {
  return std::tie(a.step, a.timestamp, a.value) > std::tie(b.step, b.timestamp, b.value);
}

Point point_in(const store::Row& row, size_t first) {
  return {.timestamp = row.integer(first),
          .step = row.integer(first + 1),
          .value = row.real(first + 2),
          .is_nan = row.integer(first + 3) != 0};
}

Origin origin_in(const store::Row& row, size_t first) {
  return {row.text(first), row.text(first + 1), row.text(first + 2)};
}

// key, point, origin, unsealed, tail, sealed, old_rows, version, extremes
constexpr std::string_view kColumns =
    "key, timestamp, step, value, is_nan, model_id, dataset_name, dataset_digest, unsealed, sealed_timestamp, "
    "sealed_step, old_rows, version, tail, least, greatest";

Result<Head> to_head(const store::Row& row, const std::string& run) {
  Head head{.latest = point_in(row, 1),
            .origin = origin_in(row, 5),
            .tail = {},
            .sealed = std::nullopt,
            .old_rows = row.integer(11) != 0,
            .version = row.integer(12)};
  if (row.integer(9) >= 0) head.sealed = Point{.timestamp = row.integer(9), .step = row.integer(10)};
  if (!row.is_null(14) && !row.is_null(15)) head.range = ValueRange{row.real(14), row.real(15)};
  if (row.integer(8) == 0) return head;
  if (row.is_null(13)) {
    head.tail.add(head.latest, head.origin);
    return head;
  }
  auto tail = decode(row.text(13));
  if (!tail) return std::move(tail).error().while_doing(fmt::format("reading metric '{}' of run {}", row.text(0), run));
  head.tail = std::move(*tail);
  return head;
}

store::Value coded_tail(const Head& head) {
  const auto& tail = head.tail;
  if (tail.empty()) return nullptr;
  const bool latest_alone =
      tail.size() == 1 && same(tail.points.front(), head.latest) && tail.origin_of(tail.points.front()) == head.origin;
  if (latest_alone) return nullptr;
  return store::Blob{encode(tail)};
}

// False when another server wrote meanwhile.
Result<bool> store_head(store::Session& session, const std::string& workspace, const RunInfo& run,
                        const std::string& key, const Head& head) {
  const auto sealed = head.sealed.value_or(Point{.timestamp = -1});
  store::Values values{head.latest.timestamp,      head.latest.step,
                       head.latest.value,          int64_t{head.latest.is_nan},
                       head.origin.model_id,       head.origin.dataset_name,
                       head.origin.dataset_digest, static_cast<int64_t>(head.tail.size()),
                       sealed.timestamp,           sealed.step,
                       coded_tail(head),           int64_t{head.old_rows}};
  for (const auto& value : {head.range ? store::Value(head.range->least) : store::Value(nullptr),
                            head.range ? store::Value(head.range->greatest) : store::Value(nullptr)})
    values.push_back(value);
  if (head.version < 0) {
    values.insert(values.end(), {workspace, run.id, key, run.experiment_id, run.start_time});
    MILLRACE_TRY(
        const auto added,
        session.execute(
            "INSERT INTO track_latest_metrics (timestamp, step, value, is_nan, model_id, dataset_name, dataset_digest, "
            "unsealed, sealed_timestamp, sealed_step, tail, old_rows, least, greatest, workspace, run_id, key, "
            "experiment_id, start_time) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (workspace, run_id, key) DO "
            "NOTHING",
            values));
    return added == 1;
  }
  values.insert(values.end(), {workspace, run.id, key, head.version});
  MILLRACE_TRY(
      const auto changed,
      session.execute(
          "UPDATE track_latest_metrics SET timestamp = ?, step = ?, value = ?, is_nan = ?, model_id = ?, "
          "dataset_name = ?, dataset_digest = ?, unsealed = ?, sealed_timestamp = ?, sealed_step = ?, tail = ?, "
          "old_rows = ?, least = ?, greatest = ?, version = version + 1 WHERE workspace = ? AND run_id = ? AND key = ? "
          "AND version = ?",
          values));
  return changed == 1;
}

void note_sealed(Head& head, const Points& points) {
  for (const auto& point : points.points)
    if (!head.sealed || std::tie(point.timestamp, point.step) > std::tie(head.sealed->timestamp, head.sealed->step))
      head.sealed = Point{.timestamp = point.timestamp, .step = point.step};
}

// The first of those that are left, as many as a chunk holds.
Result<void> move_some_old_rows(store::Session& session, const SeriesName& name, Head& head) {
  MILLRACE_TRY(const auto rows, old_rows_after(session, name, std::nullopt, kChunkPoints));
  head.old_rows = rows.size() == kChunkPoints;
  if (rows.empty()) return {};
  MILLRACE_DO(seal(session, name, rows, head.sealed));
  note_sealed(head, rows);
  const auto& last = rows.points.back();
  MILLRACE_TRY(const auto removed,
               session.execute(
                   "DELETE FROM track_metrics WHERE workspace = ? AND run_id = ? AND key = ? AND "
                   "(timestamp, step, value, is_nan) <= (?, ?, ?, ?)",
                   {name.workspace, name.run, name.key, last.timestamp, last.step, last.value, int64_t{last.is_nan}}));
  (void)removed;
  return {};
}

// Those of `added` that are not stored yet.
Result<Points> fresh_of(store::Session& session, const SeriesName& name, const Head& head, const Points& added) {
  Points late, out;
  for (const auto& point : added.points) {
    const auto& tail = head.tail.points;
    if (std::binary_search(tail.begin(), tail.end(), point, before)) continue;
    const bool beyond =
        !head.sealed || std::tie(point.timestamp, point.step) > std::tie(head.sealed->timestamp, head.sealed->step);
    (beyond ? out : late).add(point, added.origin_of(point));
  }
  MILLRACE_DO(drop_sealed(session, name, late));
  out.merge(late);
  return out;
}

// Makes the head's row this transaction's own before chunks are touched. False when another server wrote meanwhile.
Result<bool> claim(store::Session& session, const SeriesName& name, const RunInfo& run, Head& head) {
  if (head.version < 0) {
    auto empty = head;
    empty.tail = {};
    head.version = 0;
    return store_head(session, name.workspace, run, name.key, empty);
  }
  MILLRACE_TRY(const auto changed,
               session.execute("UPDATE track_latest_metrics SET version = version + 1 WHERE workspace = ? AND run_id = "
                               "? AND key = ? AND version = ?",
                               {name.workspace, name.run, name.key, head.version}));
  ++head.version;
  return changed == 1;
}

// Stays unknown where there are older points that only chunks hold.
void take_range(Head& head, const Points& fresh) {
  if (head.version >= 0 && !head.range) {
    if (head.sealed || head.old_rows) return;
    head.range = range_of(head.tail);
  }
  const auto more = range_of(fresh);
  if (!more) return;
  head.range =
      head.range ? ValueRange{std::min(head.range->least, more->least), std::max(head.range->greatest, more->greatest)}
                 : *more;
}

void take_latest(Head& head, const Points& fresh) {
  bool any = head.version >= 0;
  for (const auto& point : fresh.points) {
    if (any && !is_later(point, head.latest)) continue;
    head.latest = point;
    head.origin = fresh.origin_of(point);
    any = true;
  }
}

// True when the points are stored, false when another server wrote meanwhile: nothing is changed then.
Result<bool> append_one(store::Session& session, const std::string& workspace, const RunInfo& run,
                        const std::string& key, Head head, const Points& added) {
  const SeriesName name{workspace, run.id, key};
  const bool moving = head.old_rows;
  if (moving) {
    MILLRACE_TRY(const bool mine, claim(session, name, run, head));
    if (!mine) return false;
    while (head.old_rows) MILLRACE_DO(move_some_old_rows(session, name, head));
  }
  MILLRACE_TRY(const auto fresh, fresh_of(session, name, head, added));
  if (fresh.empty() && !moving) return true;
  take_range(head, fresh);
  take_latest(head, fresh);
  head.tail.merge(fresh);
  if (head.tail.size() > kTailPoints) {
    if (!moving) {
      MILLRACE_TRY(const bool mine, claim(session, name, run, head));
      if (!mine) return false;
    }
    MILLRACE_DO(seal(session, name, head.tail, head.sealed));
    note_sealed(head, head.tail);
    head.tail = {};
  }
  return store_head(session, workspace, run, key, head);
}

}  // namespace

std::optional<ValueRange> range_of(const Points& points) {
  std::optional<ValueRange> out;
  for (const auto& point : points.points) {
    if (point.is_nan) continue;
    if (!out) out = ValueRange{point.value, point.value};
    out->least = std::min(out->least, point.value);
    out->greatest = std::max(out->greatest, point.value);
  }
  return out;
}

Result<std::map<std::string, Head>> load_heads(store::Session& session, const std::string& workspace,
                                               const std::string& run, const std::vector<std::string>& keys) {
  store::Values values{workspace, run};
  const auto list = placeholders(keys, values);
  MILLRACE_TRY(const auto rows,
               session.query(fmt::format("SELECT {} FROM track_latest_metrics WHERE workspace = ? AND run_id = ? AND "
                                         "key IN ({})",
                                         kColumns, list),
                             values));
  std::map<std::string, Head> heads;
  for (const auto& row : rows) {
    MILLRACE_TRY(auto head, to_head(row, run));
    heads.emplace(row.text(0), std::move(head));
  }
  return heads;
}

Result<void> append(store::Session& session, const std::string& workspace, const RunInfo& run, const Additions& added) {
  std::vector<std::string> keys;
  for (const auto& [key, points] : added)
    if (!points.empty()) keys.push_back(key);
  for (int left = kTries; left > 0 && !keys.empty(); --left) {
    MILLRACE_TRY(auto heads, load_heads(session, workspace, run.id, keys));
    std::vector<std::string> again;
    for (const auto& key : keys) {
      MILLRACE_TRY(const bool stored, append_one(session, workspace, run, key, std::move(heads[key]), added.at(key)));
      if (!stored) again.push_back(key);
    }
    keys = std::move(again);
  }
  if (keys.empty()) return {};
  return Error{Code::unavailable,
               fmt::format("metric '{}' of run {} is written to by others all the time", keys[0], run.id)}
      .hint("try again in a moment");
}

Result<bool> seal_old_rows(store::Session& session, const std::string& workspace, const RunInfo& run,
                           const std::string& key) {
  const SeriesName name{workspace, run.id, key};
  MILLRACE_TRY(auto heads, load_heads(session, workspace, run.id, {key}));
  if (heads.empty() || !heads.begin()->second.old_rows) return false;
  auto& head = heads.begin()->second;
  MILLRACE_TRY(const bool mine, claim(session, name, run, head));
  if (!mine) return false;
  MILLRACE_DO(move_some_old_rows(session, name, head));
  FAULT_POINT("track.old_points.before_store");
  MILLRACE_TRY(const bool stored, store_head(session, workspace, run, key, head));
  return stored && head.old_rows;
}

Result<Points> old_rows_after(store::Session& session, const SeriesName& name, const std::optional<Point>& after,
                              size_t most) {
  store::Values values{name.workspace, name.run, name.key};
  if (after) values.insert(values.end(), {after->timestamp, after->step, after->value, int64_t{after->is_nan}});
  values.emplace_back(static_cast<int64_t>(most));
  MILLRACE_TRY(const auto rows,
               session.query(fmt::format("SELECT timestamp, step, value, is_nan, model_id, dataset_name, "
                                         "dataset_digest FROM track_metrics WHERE workspace = ? AND run_id = ? AND "
                                         "key = ?{} ORDER BY timestamp, step, value, is_nan LIMIT ?",
                                         after ? " AND (timestamp, step, value, is_nan) > (?, ?, ?, ?)" : ""),
                             values));
  Points out;
  for (const auto& row : rows) out.add(point_in(row, 0), origin_in(row, 4));
  return out;
}

Result<Points> history_after(store::Session& session, const SeriesName& name, const std::optional<Point>& after,
                             size_t most) {
  MILLRACE_TRY(auto heads, load_heads(session, name.workspace, name.run, {name.key}));
  if (heads.empty()) return Points{};
  auto& head = heads.begin()->second;
  Points out;
  if (head.sealed) {
    MILLRACE_TRY(out, chunks_after(session, name, after, most));
  }
  if (after) std::erase_if(head.tail.points, [&](const Point& point) { return !before(*after, point); });
  out.merge(head.tail);
  if (head.old_rows) {
    MILLRACE_TRY(const auto rows, old_rows_after(session, name, after, most));
    out.merge(rows);
  }
  if (out.size() > most) out.points.resize(most);
  return out;
}

}  // namespace millrace::track
