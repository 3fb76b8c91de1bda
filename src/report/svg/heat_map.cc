#include "report/svg/heat_map.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/svg/canvas.h"

namespace millrace::report::svg {
namespace {

constexpr double kHead = 22, kRow = 25, kGap = 2;
constexpr ptrdiff_t kShades = 5;

ptrdiff_t shade_of(double value, const std::vector<double>& steps) {
  return std::min(kShades, std::upper_bound(steps.begin(), steps.end(), value) - steps.begin());
}

void draw_cell(Canvas& canvas, const HeatMap& map, const Cell& cell, Spot corner, double width) {
  const double height = kRow - kGap;
  if (!std::isfinite(cell.value)) {
    canvas.rect(corner, width - kGap, height, "cell none");
    return;
  }
  const auto shade = shade_of(cell.value, map.steps);
  canvas.rect(corner, width - kGap, height, fmt::format("cell h{}", shade), cell.hint);
  const double middle = corner.x + (width - kGap) / 2;
  if (width_of(cell.words) <= width)
    canvas.label({middle, corner.y + 16}, fmt::format("t mid on{}", shade), cell.words);
  // A corner folded over, for who cannot tell the shades.
  if (cell.flagged)
    canvas.path({{corner.x + width - kGap - 9, corner.y},
                 {corner.x + width - kGap, corner.y},
                 {corner.x + width - kGap, corner.y + 9}},
                "flag", true);
}

}  // namespace

Html draw(const HeatMap& map) {
  const double height = kHead + kRow * static_cast<double>(std::max<size_t>(1, map.rows.size()));
  Canvas canvas(map.width, height, map.summary);
  if (map.rows.empty() || map.columns.empty()) {
    canvas.label({map.width / 2, height / 2 + 4}, "t mid", "no values yet");
    return canvas.finish();
  }
  double left = 0;
  for (const auto& row : map.rows) left = std::max(left, width_of(row.name) + 12);
  left = std::min(left, map.width * 0.34);
  const double width = (map.width - left) / static_cast<double>(map.columns.size());
  const auto skip = static_cast<size_t>(std::ceil(30 / width));
  for (size_t i = 0; i < map.columns.size(); i += skip)
    canvas.label({left + width * (static_cast<double>(i) + 0.5) - kGap / 2, 14}, "t mid",
                 fitted(map.columns[i], width * static_cast<double>(skip)));
  for (size_t r = 0; r < map.rows.size(); ++r) {
    const auto& row = map.rows[r];
    const double y = kHead + kRow * static_cast<double>(r);
    canvas.label({left - 8, y + 16}, "t end strong", fitted(row.name, left - 10));
    for (size_t i = 0; i < row.cells.size() && i < map.columns.size(); ++i)
      draw_cell(canvas, map, row.cells[i], {left + width * static_cast<double>(i), y}, width);
  }
  return canvas.finish();
}

}  // namespace millrace::report::svg
