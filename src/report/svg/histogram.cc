#include "report/svg/histogram.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/svg/axis.h"
#include "report/svg/canvas.h"

namespace millrace::report::svg {
namespace {

constexpr double kTop = 8, kBottom = 24, kRight = 6;

std::vector<double> shares(const std::vector<double>& counts) {
  double sum = 0;
  for (const double c : counts)
    if (std::isfinite(c) && c > 0) sum += c;
  std::vector<double> out;
  for (const double c : counts) out.push_back(sum > 0 && std::isfinite(c) && c > 0 ? c / sum : 0);
  return out;
}

// Names under the bins, as many as do not run into each other; the last one if it fits.
void draw_names(Canvas& canvas, const Overlay& overlay, double left, double step) {
  double free_from = 0;
  for (size_t i = 0; i < overlay.names.size(); ++i) {
    const auto name = fitted(overlay.names[i], std::max(step - 4, 70.0));
    const double half = width_of(name) / 2;
    const double x = std::clamp(left + step * (static_cast<double>(i) + 0.5), half, overlay.width - half);
    if (x - half < free_from) continue;
    canvas.label({x, overlay.height - 7}, "t mid", name);
    free_from = x + half + 8;
  }
}

}  // namespace

Html draw(const Overlay& overlay) {
  Canvas canvas(overlay.width, overlay.height, overlay.summary);
  const auto now = shares(overlay.now), reference = shares(overlay.reference);
  const size_t bins = std::max(now.size(), reference.size());
  Extent extent;
  extent.note(0);
  for (const auto* list : {&now, &reference})
    for (const double share : *list) extent.note(share);
  if (bins == 0 || extent.high() == 0) {
    canvas.label({overlay.width / 2, overlay.height / 2}, "t mid", "no values yet");
    return canvas.finish();
  }
  const double bottom = overlay.height - kBottom, left = 36;
  const Scale y{0, extent.high() * 1.05, bottom, kTop};
  for (const auto& tick : number_ticks(0, y.to, 3)) {
    canvas.line({left, y.at(tick.at)}, {overlay.width - kRight, y.at(tick.at)}, tick.at == 0 ? "axis" : "grid");
    canvas.label({left - 5, y.at(tick.at) + 4}, "t end", fmt::format("{:g}%", std::round(tick.at * 1000) / 10));
  }
  const double step = (overlay.width - kRight - left) / static_cast<double>(bins);
  const auto name_of = [&](size_t i) { return i < overlay.names.size() ? overlay.names[i] : std::string(); };
  for (size_t i = 0; i < now.size(); ++i)
    canvas.rect({left + step * static_cast<double>(i) + 1, y.at(now[i])}, step - 2, bottom - y.at(now[i]),
                fmt::format("bar c{}", overlay.colour),
                fmt::format("{}: {:.1f} % now, {:.1f} % in the reference", name_of(i), 100 * now[i],
                            i < reference.size() ? 100 * reference[i] : 0));
  std::vector<Spot> outline;
  for (size_t i = 0; i < reference.size(); ++i) {
    const double from = left + step * static_cast<double>(i);
    outline.push_back({from, y.at(reference[i])});
    outline.push_back({from + step, y.at(reference[i])});
  }
  canvas.path(outline, "outline");
  draw_names(canvas, overlay, left, step);
  return canvas.finish();
}

Html draw(const Sparkline& line) {
  Canvas canvas(line.width, line.height, line.summary);
  Extent extent;
  for (const double value : line.values) extent.note(value);
  if (extent.empty()) return canvas.finish();
  extent.note(0);
  const Scale x{0, std::max(1.0, static_cast<double>(line.values.size()) - 1), 4, line.width - 6};
  const Scale y{extent.low(), extent.high(), line.height - 4, 4};
  std::vector<Spot> run;
  for (size_t i = 0; i < line.values.size(); ++i) {
    if (std::isfinite(line.values[i])) {
      run.push_back({x.at(static_cast<double>(i)), y.at(line.values[i])});
      continue;
    }
    if (run.size() > 1) canvas.path(run, "spark");
    run.clear();
  }
  if (run.size() > 1) canvas.path(run, "spark");
  if (!run.empty()) canvas.mark(Shape::circle, run.back(), 3, "spark-dot");
  return canvas.finish();
}

}  // namespace millrace::report::svg
