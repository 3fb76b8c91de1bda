#include "track/points/chunks.h"

#include <algorithm>

#include <fmt/format.h>

#include "track/points/codec.h"

namespace millrace::track {
namespace {

constexpr size_t kReadAtOnce = 4;

constexpr std::string_view kWhere = "workspace = ? AND run_id = ? AND key = ?";
constexpr std::string_view kPlace = "first_timestamp, first_step, first_value, first_is_nan";

store::Values bound(const SeriesName& name) { return {name.workspace, name.run, name.key}; }

store::Values bound(const SeriesName& name, const Point& place) {
  return {name.workspace, name.run, name.key, place.timestamp, place.step, place.value, int64_t{place.is_nan}};
}

Point place_of(const store::Row& row) {
  return {.timestamp = row.integer(0), .step = row.integer(1), .value = row.real(2), .is_nan = row.integer(3) != 0};
}

Result<Points> read_bytes(const SeriesName& name, const std::string& bytes) {
  auto points = decode(bytes);
  if (!points)
    return std::move(points).error().while_doing(fmt::format("reading metric '{}' of run {}", name.key, name.run));
  return points;
}

// The chunk that a place belongs to: the last that does not begin after it.
Result<std::optional<Point>> covering(store::Session& session, const SeriesName& name, const Point& place) {
  MILLRACE_TRY(const auto row,
               session.first(fmt::format("SELECT {0} FROM track_metric_chunks WHERE {1} AND ({0}) <= (?, ?, ?, ?) "
                                         "ORDER BY first_timestamp DESC, first_step DESC, first_value DESC, "
                                         "first_is_nan DESC LIMIT 1",
                                         kPlace, kWhere),
                             bound(name, place)));
  return row ? std::optional<Point>(place_of(*row)) : std::nullopt;
}

Result<void> remove(store::Session& session, const SeriesName& name, const Point& first) {
  MILLRACE_TRY(const auto removed,
               session.execute(fmt::format("DELETE FROM track_metric_chunks WHERE {} AND first_timestamp = ? AND "
                                           "first_step = ? AND first_value = ? AND first_is_nan = ?",
                                           kWhere),
                               bound(name, first)));
  (void)removed;
  return {};
}

Result<void> insert(store::Session& session, const SeriesName& name, const Points& piece) {
  const auto [least, most] = std::minmax_element(piece.points.begin(), piece.points.end(),
                                                 [](const Point& a, const Point& b) { return a.step < b.step; });
  auto values = bound(name, piece.points.front());
  values.insert(values.end(),
                {least->step, most->step, static_cast<int64_t>(piece.size()), store::Blob{encode(piece)}});
  MILLRACE_TRY(const auto added,
               session.execute(fmt::format("INSERT INTO track_metric_chunks (workspace, run_id, key, {}, min_step, "
                                           "max_step, points, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                           kPlace),
                               values));
  (void)added;
  return {};
}

// The last chunk is filled before the next begins; one in the middle is parted evenly, so that each has room.
Result<void> insert_pieces(store::Session& session, const SeriesName& name, const Points& points, bool at_end) {
  if (points.size() <= kChunkPoints) return insert(session, name, points);
  const size_t pieces = (points.size() + kChunkPoints - 1) / kChunkPoints;
  const size_t size = at_end ? kChunkPoints : (points.size() + pieces - 1) / pieces;
  for (size_t from = 0; from < points.size(); from += size)
    MILLRACE_DO(insert(session, name, points.slice(from, std::min(from + size, points.size()))));
  return {};
}

// A chunk and those of some points that belong to it.
struct Share {
  const Outline& chunk;
  Points points;
  bool at_end;
};

// Calls `take` for each chunk that some of the points belong to. Answers whether there is any chunk.
Result<bool> by_chunk(store::Session& session, const SeriesName& name, const Points& points,
                      const std::function<Result<void>(Share)>& take) {
  if (points.empty()) return true;
  MILLRACE_TRY(const auto chunks, list_chunks(session, name, points.points.front()));
  size_t from = 0;
  for (size_t i = 0; i < chunks.size() && from < points.size(); ++i) {
    const bool at_end = i + 1 == chunks.size();
    size_t to = from;
    while (to < points.size() && (at_end || before(points.points[to], chunks[i + 1].first))) ++to;
    if (to > from) MILLRACE_DO(take({chunks[i], points.slice(from, to), at_end}));
    from = to;
  }
  return !chunks.empty();
}

}  // namespace

Result<std::vector<Outline>> list_chunks(store::Session& session, const SeriesName& name,
                                         const std::optional<Point>& from) {
  std::optional<Point> begin;
  if (from) {
    MILLRACE_TRY(begin, covering(session, name, *from));
  }
  MILLRACE_TRY(
      const auto rows,
      session.query(
          fmt::format("SELECT {0}, min_step, max_step, points FROM track_metric_chunks WHERE {1}{2} ORDER BY {0}",
                      kPlace, kWhere, begin ? fmt::format(" AND ({}) >= (?, ?, ?, ?)", kPlace) : ""),
          begin ? bound(name, *begin) : bound(name)));
  std::vector<Outline> out;
  out.reserve(rows.size());
  for (const auto& row : rows)
    out.push_back(
        {.first = place_of(row), .min_step = row.integer(4), .max_step = row.integer(5), .points = row.integer(6)});
  return out;
}

Result<Points> load_chunk(store::Session& session, const SeriesName& name, const Point& first) {
  MILLRACE_TRY(const auto row,
               session.first(fmt::format("SELECT bytes FROM track_metric_chunks WHERE {} AND first_timestamp = ? AND "
                                         "first_step = ? AND first_value = ? AND first_is_nan = ?",
                                         kWhere),
                             bound(name, first)));
  return read_bytes(name, row ? row->text(0) : std::string());
}

Result<Points> chunks_after(store::Session& session, const SeriesName& name, const std::optional<Point>& after,
                            size_t most) {
  std::optional<Point> begin;
  if (after) {
    MILLRACE_TRY(begin, covering(session, name, *after));
  }
  const auto at_once = static_cast<int64_t>(std::min(kReadAtOnce, 1 + most / kChunkPoints));
  Points out;
  std::string beyond = begin ? fmt::format(" AND ({}) >= (?, ?, ?, ?)", kPlace) : "";
  while (out.size() < most) {
    auto values = begin ? bound(name, *begin) : bound(name);
    values.emplace_back(at_once);
    MILLRACE_TRY(
        const auto rows,
        session.query(fmt::format("SELECT {0}, bytes FROM track_metric_chunks WHERE {1}{2} ORDER BY {0} LIMIT ?",
                                  kPlace, kWhere, beyond),
                      values));
    for (const auto& row : rows) {
      MILLRACE_TRY(auto points, read_bytes(name, row.text(4)));
      if (after) std::erase_if(points.points, [&](const Point& point) { return !before(*after, point); });
      out.merge(points);
    }
    if (static_cast<int64_t>(rows.size()) < at_once) break;
    begin = place_of(rows.back());
    beyond = fmt::format(" AND ({}) > (?, ?, ?, ?)", kPlace);
  }
  return out;
}

Result<void> drop_sealed(store::Session& session, const SeriesName& name, Points& points) {
  Points fresh;
  MILLRACE_TRY(const bool any, by_chunk(session, name, points, [&](Share share) -> Result<void> {
                 MILLRACE_TRY(const auto sealed, load_chunk(session, name, share.chunk.first));
                 std::erase_if(share.points.points, [&](const Point& point) {
                   return std::binary_search(sealed.points.begin(), sealed.points.end(), point, before);
                 });
                 fresh.merge(share.points);
                 return {};
               }));
  if (any) points = std::move(fresh);
  return {};
}

Result<void> seal(store::Session& session, const SeriesName& name, const Points& points,
                  const std::optional<Point>& last) {
  if (points.empty()) return {};
  if (!last) return insert_pieces(session, name, points, true);
  MILLRACE_TRY(const bool any, by_chunk(session, name, points, [&](Share share) -> Result<void> {
                 const auto& first = share.points.points.front();
                 const bool beyond = std::tie(first.timestamp, first.step) > std::tie(last->timestamp, last->step);
                 if (share.at_end && beyond && share.chunk.points >= static_cast<int64_t>(kChunkPoints))
                   return insert_pieces(session, name, share.points, true);
                 MILLRACE_TRY(auto merged, load_chunk(session, name, share.chunk.first));
                 merged.merge(share.points);
                 MILLRACE_DO(remove(session, name, share.chunk.first));
                 return insert_pieces(session, name, merged, share.at_end);
               }));
  return any ? Result<void>{} : insert_pieces(session, name, points, true);
}

}  // namespace millrace::track
