#include "track/points/curve.h"

#include <algorithm>
#include <limits>

namespace millrace::track {
namespace {

bool on_curve_before(const Point& a, const Point& b) { return a.on_curve() < b.on_curve(); }

// A chunk and the tail's points within its reach, or points that no chunk holds.
struct Piece {
  std::optional<Point> chunk;
  Points extra;
  int64_t min_step = std::numeric_limits<int64_t>::max(), max_step = std::numeric_limits<int64_t>::min();
  size_t points = 0;

  void add(const Point& point, const Origin& origin) {
    extra.add(point, origin);
    min_step = std::min(min_step, point.step);
    max_step = std::max(max_step, point.step);
    ++points;
  }
};

// Pieces that are put in order together; `points` of them are in the range.
struct Stretch {
  std::vector<const Piece*> pieces;
  size_t points = 0;
};

class Curve {
 public:
  Curve(store::Session& session, const SeriesName& name, const CurveRange& range)
      : session_(session),
        name_(name),
        start_(range.start_step.value_or(std::numeric_limits<int64_t>::min())),
        end_(range.end_step.value_or(std::numeric_limits<int64_t>::max())) {}

  Result<void> open() {
    MILLRACE_TRY(auto heads, load_heads(session_, name_.workspace, name_.run, {name_.key}));
    if (heads.empty()) return {};
    const auto& head = heads.begin()->second;
    MILLRACE_DO(add_chunks(head));
    if (head.old_rows) MILLRACE_DO(add_old_rows());
    std::erase_if(pieces_, [&](const Piece& piece) { return piece.max_step < start_ || piece.min_step > end_; });
    part();
    for (auto& stretch : stretches_) {
      MILLRACE_TRY(stretch.points, count(stretch));
      total_ += stretch.points;
    }
    return {};
  }

  size_t total() const { return total_; }
  const std::vector<Stretch>& stretches() const { return stretches_; }

  // The stretch's points of the range, in the order of steps.
  Result<Points> load(const Stretch& stretch) const {
    Points out;
    for (const auto* piece : stretch.pieces) {
      if (piece->chunk) {
        MILLRACE_TRY(const auto points, load_chunk(session_, name_, *piece->chunk));
        out.merge(points);
      }
      out.merge(piece->extra);
    }
    std::erase_if(out.points, [&](const Point& point) { return point.step < start_ || point.step > end_; });
    if (!std::is_sorted(out.points.begin(), out.points.end(), on_curve_before))
      std::sort(out.points.begin(), out.points.end(), on_curve_before);
    return out;
  }

 private:
  Result<void> add_chunks(const Head& head) {
    if (head.sealed) {
      MILLRACE_TRY(const auto chunks, list_chunks(session_, name_));
      for (const auto& chunk : chunks)
        pieces_.push_back({.chunk = chunk.first,
                           .extra = {},
                           .min_step = chunk.min_step,
                           .max_step = chunk.max_step,
                           .points = static_cast<size_t>(chunk.points)});
    }
    Piece last;
    for (const auto& point : head.tail.points) {
      const bool beyond =
          !head.sealed || std::tie(point.timestamp, point.step) > std::tie(head.sealed->timestamp, head.sealed->step);
      (beyond || pieces_.empty() ? last : covering(point)).add(point, head.tail.origin_of(point));
    }
    if (last.points > 0) pieces_.push_back(std::move(last));
    return {};
  }

  Piece& covering(const Point& point) {
    const auto after = std::upper_bound(pieces_.begin(), pieces_.end(), point,
                                        [](const Point& p, const Piece& piece) { return before(p, *piece.chunk); });
    return after == pieces_.begin() ? *after : *(after - 1);
  }

  Result<void> add_old_rows() {
    std::optional<Point> last;
    while (true) {
      MILLRACE_TRY(const auto rows, old_rows_after(session_, name_, last, 4'096));
      if (rows.empty()) return {};
      Piece piece;
      for (const auto& point : rows.points) piece.add(point, rows.origin_of(point));
      pieces_.push_back(std::move(piece));
      last = rows.points.back();
    }
  }

  // Between two pieces is a border when no step before it is greater than one after it: then, as pieces are in the
  // order of time, all before it comes first on the curve too.
  void part() {
    std::vector<int64_t> least_after(pieces_.size() + 1, std::numeric_limits<int64_t>::max());
    for (size_t i = pieces_.size(); i > 0; --i) least_after[i - 1] = std::min(least_after[i], pieces_[i - 1].min_step);
    int64_t most = std::numeric_limits<int64_t>::min();
    Stretch stretch;
    for (size_t i = 0; i < pieces_.size(); ++i) {
      stretch.pieces.push_back(&pieces_[i]);
      stretch.points += pieces_[i].points;
      most = std::max(most, pieces_[i].max_step);
      if (most <= least_after[i + 1] || stretch.points > kInterleaved) stretches_.push_back(std::exchange(stretch, {}));
    }
    if (!stretch.pieces.empty()) stretches_.push_back(std::move(stretch));
  }

  Result<size_t> count(const Stretch& stretch) const {
    const bool whole = std::all_of(stretch.pieces.begin(), stretch.pieces.end(), [&](const Piece* piece) {
      return piece->min_step >= start_ && piece->max_step <= end_;
    });
    if (whole) return stretch.points;
    MILLRACE_TRY(const auto points, load(stretch));
    return points.size();
  }

  store::Session& session_;
  const SeriesName& name_;
  int64_t start_, end_;
  std::vector<Piece> pieces_;  // in the order of a history
  std::vector<Stretch> stretches_;
  size_t total_ = 0;
};

// The part of `parts` that a place among `total` lies in, as SQL's NTILE has it: larger parts come first.
size_t begin_of_part(size_t part, size_t total, size_t parts) {
  return part * (total / parts) + std::min(part, total % parts);
}

// The least and the greatest number of one part, in the order in which they come; a NaN when there is nothing else.
class Extremes {
 public:
  void add(const Point& point) {
    if (!any_ || (least_.is_nan && !point.is_nan)) {
      least_ = greatest_ = point;
      any_ = true;
    } else if (!point.is_nan && point.value < least_.value) {
      least_ = point;
    } else if (!point.is_nan && point.value > greatest_.value) {
      greatest_ = point;
    }
  }
  void take(const Points& from, Points& out) {
    if (!any_) return;
    const bool rising = on_curve_before(least_, greatest_);
    add_new(rising ? least_ : greatest_, from, out);
    add_new(rising ? greatest_ : least_, from, out);
    any_ = false;
  }
  static void add_new(const Point& point, const Points& from, Points& out) {
    if (out.empty() || on_curve_before(out.points.back(), point)) out.add(point, from.origin_of(point));
  }

 private:
  bool any_ = false;
  Point least_, greatest_;
};

}  // namespace

std::vector<size_t> evenly_spaced(size_t total, size_t wanted) {
  std::vector<size_t> out;
  const size_t parts = std::min(total, wanted);
  for (size_t part = 0; part < parts; ++part) out.push_back(begin_of_part(part, total, parts));
  if (out.empty() || out.back() == total - 1) return out;
  if (out.size() < wanted)
    out.push_back(total - 1);
  else
    out.back() = total - 1;
  return out;
}

Result<Points> sample_evenly(store::Session& session, const SeriesName& name, const CurveRange& range) {
  Curve curve(session, name, range);
  MILLRACE_DO(curve.open());
  const auto chosen = evenly_spaced(curve.total(), range.wanted);
  Points out;
  size_t begin = 0, next = 0;
  for (const auto& stretch : curve.stretches()) {
    const auto end = begin + stretch.points;
    if (next < chosen.size() && chosen[next] < end) {
      MILLRACE_TRY(const auto points, curve.load(stretch));
      for (; next < chosen.size() && chosen[next] < end; ++next) {
        const auto& point = points.points.at(chosen[next] - begin);
        out.add(point, points.origin_of(point));
      }
    }
    begin = end;
  }
  return out;
}

Result<Points> sample_extremes(store::Session& session, const SeriesName& name, const CurveRange& range) {
  constexpr size_t ends = 2;
  if (range.wanted < 2 * ends) return sample_evenly(session, name, range);
  Curve curve(session, name, range);
  MILLRACE_DO(curve.open());
  if (curve.total() <= range.wanted) return sample_evenly(session, name, range);
  const size_t parts = (range.wanted - ends) / 2;
  Points out;
  size_t place = 0, part = 0;
  Points of_part;  // the origins that `extremes` refers to
  Extremes extremes;
  for (const auto& stretch : curve.stretches()) {
    MILLRACE_TRY(const auto points, curve.load(stretch));
    std::vector<uint32_t> index;
    for (const auto& origin : points.origins) index.push_back(of_part.index_of(origin));
    for (auto point : points.points) {
      point.origin = index[point.origin];
      if (place == begin_of_part(part + 1, curve.total(), parts)) {
        extremes.take(of_part, out);
        ++part;
      }
      if (place == 0) Extremes::add_new(point, of_part, out);
      extremes.add(point);
      if (++place < curve.total()) continue;
      extremes.take(of_part, out);
      Extremes::add_new(point, of_part, out);
    }
  }
  return out;
}

}  // namespace millrace::track
