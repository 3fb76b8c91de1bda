#include "report/svg/share_band.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "report/svg/canvas.h"

namespace millrace::report::svg {
namespace {

constexpr double kTop = 24, kHeight = 130, kCopies = 22, kBottom = 26, kLeft = 42, kRight = 10;

// The first of the two that fits, or nothing.
std::string fitting(const std::string& words, const std::string& shorter, double width) {
  for (const auto* one : {&words, &shorter})
    if (width_of(*one) + 10 < width) return *one;
  return "";
}

void draw_stretch(Canvas& canvas, const Stretch& stretch, const Scale& x) {
  const double from = x.at(static_cast<double>(stretch.from)), to = x.at(static_cast<double>(stretch.to));
  if (!(to > from)) return;
  double base = kTop + kHeight;
  for (const auto& share : stretch.shares) {
    if (!std::isfinite(share.share) || share.share <= 0) continue;
    const double height = std::min(1.0, share.share) * kHeight;
    base -= height;
    canvas.rect({from, base}, to - from, height,
                fmt::format("area c{}{}", share.colour, share.striped ? " striped" : ""), share.words);
    const auto words = fitting(share.words, share.shorter, to - from);
    if (height >= 13 && !words.empty())
      canvas.label({from + 7, base + std::min(height / 2 + 4.5, 19.0)}, "t area-word", words);
  }
  double y = kTop + kHeight + 5;
  for (const auto& copy : stretch.copies) {
    canvas.rect({from, y}, to - from, kCopies - 6, "copy", copy.words);
    if (const auto words = fitting(copy.words, copy.shorter, to - from); !words.empty())
      canvas.label({from + 7, y + 12.5}, "t", words);
    y += kCopies;
  }
}

}  // namespace

Html draw(const ShareBand& band) {
  size_t copies = 0;
  for (const auto& stretch : band.stretches) copies = std::max(copies, stretch.copies.size());
  const double bottom = kTop + kHeight + kCopies * static_cast<double>(copies) + (copies > 0 ? 5 : 0);
  Canvas canvas(band.width, bottom + kBottom, band.summary);
  if (band.stretches.empty() || band.to <= band.from) {
    canvas.label({band.width / 2, kTop + kHeight / 2}, "t mid", "no traffic yet");
    return canvas.finish();
  }
  const Scale x{static_cast<double>(band.from), static_cast<double>(band.to), kLeft, band.width - kRight};
  for (const auto& stretch : band.stretches) draw_stretch(canvas, stretch, x);
  for (const double share : {0.0, 0.5, 1.0}) {
    const double y = kTop + kHeight * (1 - share);
    canvas.line({kLeft - 4, y}, {kLeft, y}, "axis");
    canvas.label({kLeft - 7, y + 4}, "t end", fmt::format("{:.0f}%", share * 100));
  }
  draw_time_axis(canvas, x, time_ticks(band.from, band.to, static_cast<int>((band.width - kLeft) / 60)), bottom,
                 band.width);
  double last = -100;
  for (const auto& step : band.steps) {
    if (step.at < band.from || step.at > band.to) continue;
    const double at = x.at(static_cast<double>(step.at)), place = std::min(std::max(at, last + 18), band.width - 9);
    canvas.line({at, kTop - 6}, {at, kTop + kHeight}, "event");
    canvas.badge({place, 10}, step.badge, step.hint);
    last = place;
  }
  return canvas.finish();
}

}  // namespace millrace::report::svg
