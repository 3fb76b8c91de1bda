#include "report/svg/axis.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "report/svg/canvas.h"
#include "report/words.h"

namespace millrace::report::svg {
namespace {

using namespace std::chrono;

constexpr Micros kDay = 86'400'000'000;
constexpr int kMostTicks = 50;

Micros micros_of(year_month_day day) { return duration_cast<microseconds>(sys_days(day).time_since_epoch()).count(); }

year_month_day day_of(Micros time) { return floor<days>(sys_time<microseconds>(microseconds(time))); }

std::string label_of(year_month_day day, bool first, bool by_month) {
  const auto at = micros_of(day);
  if (by_month) {
    const auto name = month(at);
    return first || day.month() == January ? name : name.substr(0, 3);
  }
  const auto name = date(at);
  return first ? name : name.substr(0, name.rfind("\xC2\xA0"));
}

// Every `step` months from the first beginning of a month that is a multiple of it.
std::vector<Tick> month_ticks(Micros from, Micros to, unsigned step) {
  auto day = day_of(from);
  day = day.year() / day.month() / 1;
  while (micros_of(day) < from || (static_cast<unsigned>(day.month()) - 1) % step != 0) day += months(1);
  std::vector<Tick> out;
  for (; micros_of(day) <= to && out.size() < kMostTicks; day += months(step))
    out.push_back({static_cast<double>(micros_of(day)), label_of(day, out.empty(), true)});
  return out;
}

std::vector<Tick> day_ticks(Micros from, Micros to, int64_t step) {
  std::vector<Tick> out;
  for (Micros at = (from + kDay - 1) / kDay * kDay; at <= to && out.size() < kMostTicks; at += step * kDay)
    out.push_back({static_cast<double>(at), label_of(day_of(at), out.empty(), false)});
  return out;
}

}  // namespace

double Scale::at(double value) const {
  if (!(to > from)) return (start + end) / 2;
  return start + (value - from) / (to - from) * (end - start);
}

std::vector<Tick> number_ticks(double low, double high, int most) {
  std::vector<Tick> out;
  if (!std::isfinite(low) || !std::isfinite(high) || !(high > low) || most < 1) return out;
  const double rough = (high - low) / most;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = power;
  for (const double factor : {1.0, 2.0, 2.5, 5.0, 10.0}) {
    step = factor * power;
    if (std::floor(high / step + 1e-9) - std::ceil(low / step - 1e-9) + 1 <= most) break;
  }
  int digits = 0;
  while (digits < 6 && std::fabs(step * std::pow(10, digits) - std::round(step * std::pow(10, digits))) > 1e-6)
    ++digits;
  const double first = std::ceil(low / step - 1e-9);
  for (int i = 0; i < kMostTicks; ++i) {
    const double at = (first + i) * step;
    if (at > high + step * 1e-9) break;
    out.push_back({at, decimal(at, digits)});
  }
  return out;
}

std::vector<Tick> time_ticks(Micros from, Micros to, int room) {
  if (to <= from || room < 1) return {};
  const int64_t length = (to - from) / kDay;
  if (length > 62) {
    const auto wanted = static_cast<unsigned>(length / 30 / room + 1);
    for (const unsigned step : {1U, 2U, 3U, 6U, 12U})
      if (step >= wanted) return month_ticks(from, to, step);
    return month_ticks(from, to, 12);
  }
  for (const int64_t step : {1, 2, 5, 7, 10, 14, 31})
    if (length / step < room) return day_ticks(from, to, step);
  return day_ticks(from, to, 62);
}

void draw_time_axis(Canvas& canvas, const Scale& x, const std::vector<Tick>& ticks, double y, double width) {
  canvas.line({x.start, y}, {x.end, y}, "axis");
  double free_from = 0;
  for (const auto& tick : ticks) {
    const double at = x.at(tick.at), half = width_of(tick.label) / 2;
    canvas.line({at, y}, {at, y + 4}, "axis");
    const double middle = std::clamp(at, half, std::max(half, width - half));
    if (middle - half < free_from) continue;
    canvas.label({middle, y + 17}, "t mid", tick.label);
    free_from = middle + half + 6;
  }
}

void Extent::note(double value) {
  if (!std::isfinite(value)) return;
  if (empty()) low_ = high_ = value;
  low_ = std::min(low_, value);
  high_ = std::max(high_, value);
}

Scale Extent::scale(double start, double end, double share, double floor, double ceiling) const {
  if (empty()) return {0, 1, start, end};
  double pad = (high_ - low_) * share;
  if (pad == 0) pad = low_ == 0 ? 1 : std::fabs(low_) * 0.1;
  return {std::max(floor, low_ - pad), std::min(ceiling, high_ + pad), start, end};
}

}  // namespace millrace::report::svg
