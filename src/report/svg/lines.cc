#include "report/svg/lines.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/svg/canvas.h"

namespace millrace::report::svg {
namespace {

constexpr double kTop = 22, kBottom = 24, kRight = 10;

struct Frame {
  double left, right, top, bottom;
  Scale x, y;
};

std::string tick_label(const Tick& tick, bool as_percent) {
  if (!as_percent) return tick.label;
  return fmt::format("{:g}%", std::round(tick.at * 1000) / 10);
}

bool is_drawn(const Reading& reading, const LineChart& chart) {
  return std::isfinite(reading.value) && reading.at >= chart.from && reading.at <= chart.to;
}

Extent extent_of(const LineChart& chart) {
  Extent out;
  for (const auto& line : chart.lines)
    for (const auto& reading : line.readings) {
      if (!is_drawn(reading, chart)) continue;
      for (const double value : {reading.value, reading.low, reading.high}) out.note(value);
    }
  if (!out.empty() && chart.from_zero) out.note(0);
  if (chart.as_percent && !out.empty() && out.low() == 0 && out.high() == 0) out.note(0.01);
  if (!out.empty())
    for (const auto& limit : chart.limits) out.note(limit.at);
  return out;
}

Frame frame_of(const LineChart& chart, const std::vector<Tick>& ticks, const Scale& y) {
  double widest = 0;
  for (const auto& tick : ticks) widest = std::max(widest, width_of(tick_label(tick, chart.as_percent)));
  Frame out{.left = widest + 10, .right = chart.width - kRight, .top = kTop, .bottom = chart.height - kBottom};
  out.y = y;
  out.x = {static_cast<double>(chart.from), static_cast<double>(chart.to), out.left + 8, out.right - 8};
  return out;
}

void draw_axes(Canvas& canvas, const LineChart& chart, const Frame& frame, const std::vector<Tick>& ticks) {
  for (const auto& tick : ticks) {
    const double y = frame.y.at(tick.at);
    canvas.line({frame.left, y}, {frame.right, y}, "grid");
    canvas.label({frame.left - 6, y + 4}, "t end", tick_label(tick, chart.as_percent));
  }
  canvas.line({frame.left, frame.bottom}, {frame.right, frame.bottom}, "axis");
  const int room = static_cast<int>((frame.right - frame.left) / 52);
  draw_time_axis(canvas, frame.x, time_ticks(chart.from, chart.to, room), frame.bottom, chart.width);
}

struct Box {
  double left, right, top, bottom;
  bool holds(Spot spot) const { return spot.x >= left && spot.x <= right && spot.y >= top && spot.y <= bottom; }
  bool meets(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

// How much of the lines runs through a box, in steps of a tenth of each piece.
int crossings(const LineChart& chart, const Frame& frame, const Box& box) {
  int out = 0;
  for (const auto& line : chart.lines) {
    const Reading* before = nullptr;
    for (const auto& reading : line.readings) {
      if (!is_drawn(reading, chart)) {
        before = nullptr;
        continue;
      }
      const Spot to{frame.x.at(static_cast<double>(reading.at)), frame.y.at(reading.value)};
      out += 3 * box.holds(to);
      if (before != nullptr) {
        const Spot from{frame.x.at(static_cast<double>(before->at)), frame.y.at(before->value)};
        for (double share = 0.1; share < 1; share += 0.1)
          out += box.holds({from.x + share * (to.x - from.x), from.y + share * (to.y - from.y)});
      }
      before = &reading;
    }
  }
  return out;
}

// A limit's words stand where they hide least: at either end of its line, above or below it.
void draw_limits(Canvas& canvas, const LineChart& chart, const Frame& frame) {
  std::vector<Box> taken;
  for (const auto& limit : chart.limits) {
    const double y = frame.y.at(limit.at), width = width_of(limit.words);
    canvas.line({frame.left, y}, {frame.right, y}, limit.page ? "limit page" : "limit warn");
    Box best{};
    int least = std::numeric_limits<int>::max();
    for (const bool above : {true, false})
      for (const bool right : {true, false}) {
        const double x = right ? frame.right - width : frame.left + 4, top = above ? y - 17 : y + 2;
        const Box box{x, x + width, top, top + 15};
        int cost = crossings(chart, frame, box);
        for (const auto& other : taken) cost += 100 * box.meets(other);
        if (box.top < frame.top - 6 || box.bottom > frame.bottom) cost += 50;
        if (cost >= least) continue;
        least = cost;
        best = box;
      }
    taken.push_back(best);
    canvas.label({best.left, best.bottom - 3}, "t limit-word", limit.words);
  }
}

void draw_band(Canvas& canvas, const LineChart& chart, const Frame& frame, const Line& line) {
  std::vector<Spot> upper, lower;
  const auto flush = [&] {
    upper.insert(upper.end(), lower.rbegin(), lower.rend());
    if (lower.size() > 1) canvas.path(upper, fmt::format("band c{}", line.colour), true);
    upper.clear();
    lower.clear();
  };
  for (const auto& reading : line.readings) {
    if (!is_drawn(reading, chart) || !std::isfinite(reading.low) || !std::isfinite(reading.high)) {
      flush();
      continue;
    }
    const double x = frame.x.at(static_cast<double>(reading.at));
    upper.push_back({x, frame.y.at(reading.high)});
    lower.push_back({x, frame.y.at(reading.low)});
  }
  flush();
}

void draw_line(Canvas& canvas, const LineChart& chart, const Frame& frame, const Line& line) {
  const auto css = fmt::format("c{} d{}", line.colour, line.dash);
  std::vector<Spot> run;
  const auto flush = [&] {
    if (run.size() > 1) canvas.path(run, "line " + css);
    run.clear();
  };
  for (const auto& reading : line.readings) {
    if (!is_drawn(reading, chart)) {
      flush();
      continue;
    }
    run.push_back({frame.x.at(static_cast<double>(reading.at)), frame.y.at(reading.value)});
  }
  flush();
  if (!line.marks) return;
  for (const auto& reading : line.readings) {
    if (!is_drawn(reading, chart)) continue;
    const double x = frame.x.at(static_cast<double>(reading.at));
    if (std::isfinite(reading.low) && std::isfinite(reading.high))
      canvas.line({x, frame.y.at(reading.low)}, {x, frame.y.at(reading.high)}, fmt::format("whisker c{}", line.colour));
    canvas.mark(shape_of(line.colour), {x, frame.y.at(reading.value)}, 4,
                fmt::format("dot c{}{}", line.colour, line.hollow ? " hollow" : ""), reading.hint);
  }
}

void draw_happenings(Canvas& canvas, const LineChart& chart, const Frame& frame) {
  double last = -100;
  for (const auto& happening : chart.happenings) {
    if (happening.at < chart.from || happening.at > chart.to) continue;
    const double x = frame.x.at(static_cast<double>(happening.at));
    if (happening.badge.empty()) {
      canvas.mark(Shape::triangle, {x, frame.bottom - 6}, 5, "alert-mark", happening.hint);
      continue;
    }
    canvas.line({x, frame.top - 5}, {x, frame.bottom}, "event");
    const double place = std::min(std::max(x, last + 17), chart.width - 9);
    canvas.badge({place, frame.top - 13}, happening.badge, happening.hint);
    last = place;
  }
}

}  // namespace

Html draw(const LineChart& chart) {
  Canvas canvas(chart.width, chart.height, chart.summary);
  const auto extent = extent_of(chart);
  if (extent.empty()) {
    canvas.label({chart.width / 2, chart.height / 2}, "t mid", "no values yet");
    return canvas.finish();
  }
  const auto y = extent.scale(chart.height - kBottom, kTop, 0.08, chart.floor, chart.ceiling);
  const auto ticks = number_ticks(y.from, y.to, 5);
  const auto frame = frame_of(chart, ticks, y);
  draw_axes(canvas, chart, frame, ticks);
  for (const auto& line : chart.lines) draw_band(canvas, chart, frame, line);
  draw_limits(canvas, chart, frame);
  draw_happenings(canvas, chart, frame);
  for (const auto& line : chart.lines) draw_line(canvas, chart, frame, line);
  return canvas.finish();
}

}  // namespace millrace::report::svg
