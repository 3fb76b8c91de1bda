#include "report/svg/bars.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/svg/canvas.h"

namespace millrace::report::svg {
namespace {

constexpr double kTop = 12, kBottom = 26, kRight = 8;
constexpr double kGaugeWidth = 150, kGaugeHeight = 22;

Extent extent_of(const BarChart& chart) {
  Extent out;
  for (const auto& group : chart.groups)
    for (const auto& bar : group.bars)
      for (const double value : {bar.value, bar.low, bar.high}) out.note(value);
  if (!out.empty()) out.note(0);
  return out;
}

void draw_bar(Canvas& canvas, const Bar& bar, const Scale& y, double x, double width) {
  if (!std::isfinite(bar.value)) return;
  const double top = std::min(y.at(bar.value), y.at(0)), height = std::fabs(y.at(bar.value) - y.at(0));
  canvas.rect({x, top}, width, height, fmt::format("bar c{}{}", bar.colour, bar.hollow ? " hollow" : ""), bar.hint);
  if (!std::isfinite(bar.low) || !std::isfinite(bar.high)) return;
  const double middle = x + width / 2, cap = std::min(6.0, width / 3);
  canvas.line({middle, y.at(bar.low)}, {middle, y.at(bar.high)}, "error");
  canvas.line({middle - cap, y.at(bar.low)}, {middle + cap, y.at(bar.low)}, "error");
  canvas.line({middle - cap, y.at(bar.high)}, {middle + cap, y.at(bar.high)}, "error");
}

}  // namespace

Html draw(const BarChart& chart) {
  Canvas canvas(chart.width, chart.height, chart.summary);
  const auto extent = extent_of(chart);
  if (extent.empty() || chart.groups.empty()) {
    canvas.label({chart.width / 2, chart.height / 2}, "t mid", "no values yet");
    return canvas.finish();
  }
  const double bottom = chart.height - kBottom, infinity = std::numeric_limits<double>::infinity();
  const auto y = extent.scale(bottom, kTop, 0.05, -infinity, infinity);
  const auto ticks = number_ticks(y.from, y.to, 6);
  double left = 0;
  for (const auto& tick : ticks) left = std::max(left, width_of(tick.label) + 10);
  for (const auto& tick : ticks) {
    canvas.line({left, y.at(tick.at)}, {chart.width - kRight, y.at(tick.at)}, tick.at == 0 ? "axis" : "grid");
    canvas.label({left - 6, y.at(tick.at) + 4}, "t end", tick.label);
  }
  const double step = (chart.width - kRight - left) / static_cast<double>(chart.groups.size());
  const auto skip = static_cast<size_t>(std::ceil(56 / step));  // names that would run into each other are left out
  for (size_t i = 0; i < chart.groups.size(); ++i) {
    const auto& group = chart.groups[i];
    const double from = left + step * static_cast<double>(i);
    const double width = std::min(46.0, step * 0.7 / static_cast<double>(std::max<size_t>(1, group.bars.size())));
    double x = from + (step - width * static_cast<double>(group.bars.size())) / 2;
    for (const auto& bar : group.bars) {
      draw_bar(canvas, bar, y, x + 1.5, width - 3);
      x += width;
    }
    if (i % skip == 0) canvas.label({from + step / 2, chart.height - 8}, "t mid", group.name);
  }
  return canvas.finish();
}

Html draw(const Gauge& gauge) {
  Canvas canvas(kGaugeWidth, kGaugeHeight, gauge.summary);
  const Scale x{gauge.from, gauge.to, 6, kGaugeWidth - 6};
  const double middle = kGaugeHeight / 2;
  const auto within = [&](double value) { return std::clamp(value, gauge.from, gauge.to); };
  canvas.line({x.start, middle}, {x.end, middle}, "grid");
  if (std::isfinite(gauge.limit))
    canvas.line({x.at(within(gauge.limit)), 2}, {x.at(within(gauge.limit)), kGaugeHeight - 2}, "limit page");
  const auto css = std::string(gauge.good ? "c0" : "c1");
  if (std::isfinite(gauge.low) && std::isfinite(gauge.high))
    canvas.line({x.at(within(gauge.low)), middle}, {x.at(within(gauge.high)), middle}, "range " + css);
  if (std::isfinite(gauge.value))
    canvas.mark(gauge.good ? Shape::circle : Shape::diamond, {x.at(within(gauge.value)), middle}, 4, "dot " + css);
  return canvas.finish();
}

}  // namespace millrace::report::svg
