#include "report/svg/timeline.h"

#include <algorithm>

#include "report/svg/canvas.h"

namespace millrace::report::svg {
namespace {

constexpr double kGroup = 26, kTop = 6, kBottom = 26, kRight = 18;

struct Frame {
  double row, bar;  // height of a row, and where its bar's middle is in it
  Scale x;
};

const char* css_of(State state) {
  switch (state) {
    case State::firing: return "firing";
    case State::acknowledged: return "acknowledged";
    default: return "pending";
  }
}

double height_of(State state) { return state == State::firing ? 12 : state == State::acknowledged ? 8 : 6; }

void draw_row(Canvas& canvas, const TimeRow& row, const Timeline& line, const Frame& frame, double y) {
  const double middle = y + frame.bar;
  const std::string css = row.page ? " page" : " warn";
  canvas.line({frame.x.start, middle}, {frame.x.end, middle}, "grid");
  if (line.names > 0)
    canvas.label({line.names - 10, middle + 4}, "t end", fitted(row.name, line.names - 14));
  else
    canvas.label({0, y + 12}, "t", fitted(row.name, line.width));
  double end = frame.x.start;
  for (const auto& part : row.parts) {
    const double from = std::clamp(frame.x.at(static_cast<double>(part.from)), frame.x.start, frame.x.end);
    end = std::clamp(frame.x.at(static_cast<double>(part.to)), frame.x.start, frame.x.end);
    const double height = height_of(part.state);
    // What is over at once is still to be seen.
    canvas.rect({from, middle - height / 2}, std::max(2.0, end - from), height, css_of(part.state) + css, row.hint);
  }
  if (row.parts.empty()) return;
  if (row.ended == 0) {
    canvas.path({{end, middle - 6}, {end + 9, middle}, {end, middle + 6}}, "open" + css, true);
    return;
  }
  const double x = std::clamp(frame.x.at(static_cast<double>(row.ended)), frame.x.start, frame.x.end);
  canvas.mark(Shape::circle, {x, middle}, 6, "done", row.hint);
  canvas.path({{x - 2.8, middle}, {x - 0.8, middle + 2.3}, {x + 3, middle - 2.5}}, "tick");
}

}  // namespace

Html draw(const Timeline& line) {
  const Frame frame{.row = line.names > 0 ? 24.0 : 36.0,
                    .bar = line.names > 0 ? 12.0 : 25.0,
                    .x = {static_cast<double>(line.from), static_cast<double>(line.to), std::max(8.0, line.names),
                          line.width - kRight}};
  double height = kTop + kBottom;
  for (const auto& group : line.groups) height += kGroup + frame.row * static_cast<double>(group.rows.size());
  Canvas canvas(line.width, std::max(height, 60.0), line.summary);
  if (line.groups.empty() || line.to <= line.from) {
    canvas.label({line.width / 2, 34}, "t mid", "nothing happened");
    return canvas.finish();
  }
  const double bottom = height - kBottom;
  const auto ticks = time_ticks(line.from, line.to, static_cast<int>((frame.x.end - frame.x.start) / 60));
  for (const auto& tick : ticks) canvas.line({frame.x.at(tick.at), kTop}, {frame.x.at(tick.at), bottom}, "grid");
  double y = kTop;
  for (const auto& group : line.groups) {
    canvas.label({0, y + 17}, "t strong", fitted(group.name, line.width));
    y += kGroup;
    for (const auto& row : group.rows) {
      draw_row(canvas, row, line, frame, y);
      y += frame.row;
    }
  }
  draw_time_axis(canvas, frame.x, ticks, bottom, line.width);
  return canvas.finish();
}

}  // namespace millrace::report::svg
