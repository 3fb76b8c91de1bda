#include "track/points/buckets.h"

#include <algorithm>
#include <functional>
#include <limits>

#include "track/points/codec.h"

namespace millrace::track {
namespace {

using Take = std::function<void(const Points&)>;

int64_t place_of(const Point& point, bool by_time) { return by_time ? point.timestamp : point.step; }

// Where the points of a metric lie, without reading them.
struct Layout {
  Head head;
  std::vector<Outline> chunks;
  std::vector<Points> old;  // rows of before migration 0009
  int64_t low = std::numeric_limits<int64_t>::max(), high = std::numeric_limits<int64_t>::min();
  int64_t points = 0;

  void note(int64_t place) {
    low = std::min(low, place);
    high = std::max(high, place);
  }
};

Result<std::optional<Layout>> lay_out(store::Session& session, const SeriesName& name, bool by_time) {
  MILLRACE_TRY(auto heads, load_heads(session, name.workspace, name.run, {name.key}));
  if (heads.empty()) return std::optional<Layout>();
  Layout out{.head = std::move(heads.begin()->second), .chunks = {}, .old = {}};
  if (out.head.sealed) {
    MILLRACE_TRY(out.chunks, list_chunks(session, name));
    for (const auto& chunk : out.chunks) {
      out.points += chunk.points;
      out.note(by_time ? chunk.first.timestamp : chunk.min_step);
      if (!by_time) out.note(chunk.max_step);
    }
    if (by_time) out.note(out.head.sealed->timestamp);
  }
  std::optional<Point> last;
  while (out.head.old_rows) {
    MILLRACE_TRY(auto rows, old_rows_after(session, name, last, kChunkPoints));
    if (rows.empty()) break;
    last = rows.points.back();
    out.old.push_back(std::move(rows));
  }
  out.old.push_back(out.head.tail);
  for (const auto& points : out.old) {
    out.points += static_cast<int64_t>(points.size());
    for (const auto& point : points.points) out.note(place_of(point, by_time));
  }
  return std::optional(std::move(out));
}

// Hands on every piece that can hold a point of [low, high].
Result<void> each_piece(store::Session& session, const SeriesName& name, const Layout& layout, const BucketRange& range,
                        const Take& take) {
  const auto low = range.from.value_or(layout.low), high = range.to.value_or(layout.high);
  for (size_t i = 0; i < layout.chunks.size(); ++i) {
    const auto& chunk = layout.chunks[i];
    const int64_t last = i + 1 < layout.chunks.size() ? layout.chunks[i + 1].first.timestamp : layout.high;
    const bool outside =
        range.by_time ? chunk.first.timestamp > high || last < low : chunk.min_step > high || chunk.max_step < low;
    if (outside) continue;
    MILLRACE_TRY(const auto points, load_chunk(session, name, chunk.first));
    take(points);
  }
  for (const auto& points : layout.old) take(points);
  return {};
}

bool reaches_beyond(const BucketRange& range, const Layout& layout) {
  return (range.from && *range.from > layout.low) || (range.to && *range.to < layout.high);
}

Bucket single(const Point& point) {
  return {.at = point, .least = point.value, .greatest = point.value, .points = 1, .numbers = point.is_nan ? 0 : 1};
}

}  // namespace

Buckets::Buckets(int64_t low, int64_t high, size_t count, bool by_time)
    : low_(static_cast<uint64_t>(low)), width_(1), by_time_(by_time), buckets_(count) {
  const uint64_t span = static_cast<uint64_t>(high) - low_;
  width_ = span / count + 1;  // so that `high` is inside the last
}

void Buckets::add(const Point& point) {
  auto& bucket = buckets_[(static_cast<uint64_t>(place_of(point, by_time_)) - low_) / width_];
  const bool later =
      bucket.points == 0 || (by_time_ ? before(bucket.at, point) : bucket.at.on_curve() < point.on_curve());
  if (later) bucket.at = point;
  ++bucket.points;
  if (point.is_nan) return;
  if (bucket.numbers == 0) bucket.least = bucket.greatest = point.value;
  bucket.least = std::min(bucket.least, point.value);
  bucket.greatest = std::max(bucket.greatest, point.value);
  ++bucket.numbers;
}

std::vector<Bucket> Buckets::take() && {
  std::erase_if(buckets_, [](const Bucket& bucket) { return bucket.points == 0; });
  return std::move(buckets_);
}

Result<BucketCurve> bucket_curve(store::Session& session, const SeriesName& name, const BucketRange& range) {
  BucketCurve out;
  MILLRACE_TRY(const auto layout, lay_out(session, name, range.by_time));
  if (!layout || layout->points == 0) return out;
  const auto low = std::max(range.from.value_or(layout->low), layout->low);
  const auto high = std::min(range.to.value_or(layout->high), layout->high);
  if (low > high) return out;
  const auto inside = [&](const Point& point) {
    const auto place = place_of(point, range.by_time);
    return place >= low && place <= high;
  };
  // As long as there are few they are kept one by one; the moment there are more, they fall into buckets.
  Buckets buckets(low, high, range.buckets, range.by_time);
  std::vector<Point> few;
  bool many = !reaches_beyond(range, *layout) && layout->points > static_cast<int64_t>(range.buckets);
  const auto fall = [&] {
    many = true;
    for (const auto& point : few) buckets.add(point);
    few.clear();
  };
  MILLRACE_DO(each_piece(session, name, *layout, range, [&](const Points& points) {
    for (const auto& point : points.points) {
      if (!inside(point)) continue;
      ++out.total;
      if (many) {
        buckets.add(point);
        continue;
      }
      few.push_back(point);
      if (few.size() > range.buckets) fall();
    }
  }));
  if (many) {
    out.buckets = std::move(buckets).take();
    return out;
  }
  out.exact = true;
  std::sort(few.begin(), few.end(),
            [&](const Point& a, const Point& b) { return range.by_time ? before(a, b) : a.on_curve() < b.on_curve(); });
  for (const auto& point : few) out.buckets.push_back(single(point));
  return out;
}

}  // namespace millrace::track
