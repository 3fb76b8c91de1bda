#include "data/cause/units.h"

#include <algorithm>
#include <cmath>

#include "stats/robust.h"

namespace millrace::data::cause {
namespace {

constexpr size_t kSide = 14;  // days on each side: near enough that the season does not matter
constexpr double kBetter = 0.5;
constexpr double kMultiples = 0.97;

struct Sides {
  std::vector<double> before, after;  // quantiles
  bool usable = false;
};

Sides sides(const Look& look, const FrameColumn& column) {
  const auto& days = look.days;
  const size_t from = days.boundary > kSide ? days.boundary - kSide : 0, to = std::min(days.end, days.boundary + kSide);
  std::vector<double> before, after;
  for (size_t r = 0; r < look.frame.rows(); ++r) {
    const int32_t d = days.of_row[r];
    if (d < 0 || !std::isfinite(column.numbers[r])) continue;
    const auto day = static_cast<size_t>(d);
    if (day >= from && day < days.boundary) before.push_back(column.numbers[r]);
    if (day >= days.boundary && day < to) after.push_back(column.numbers[r]);
  }
  Sides out;
  out.usable = before.size() >= 30 && after.size() >= 30;
  out.before = stats::quantiles(before, conversion_shares);
  out.after = stats::quantiles(after, conversion_shares);
  return out;
}

}  // namespace

std::optional<Conversion> find_conversion(const Look& look, const FrameColumn& column) {
  const auto around = sides(look, column);
  if (!around.usable) return std::nullopt;
  return data::find_conversion(around.before, around.after);
}

bool have_changed_places(const Look& look, const FrameColumn& first, const FrameColumn& second) {
  if (!first.number || !second.number) return false;
  const auto a = sides(look, first), b = sides(look, second);
  if (!a.usable || !b.usable) return false;
  return quantile_distance(b.before, a.after, 1, 0) < kBetter * quantile_distance(a.before, a.after, 1, 0) &&
         quantile_distance(a.before, b.after, 1, 0) < kBetter * quantile_distance(b.before, b.after, 1, 0);
}

double coarser_step(const Look& look, const FrameColumn& column) {
  double found = 0;
  for (const double step : {0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 25.0, 50.0, 100.0, 1000.0}) {
    double before = 0, n_before = 0, now = 0, n_now = 0;
    for (size_t r = 0; r < look.frame.rows(); ++r) {
      const double value = column.numbers[r];
      if (!std::isfinite(value) || look.frame.batch[r] > look.frame.suspect) continue;
      const double steps = value / step;
      const double is_multiple = std::abs(steps - std::round(steps)) < 1e-6 ? 1 : 0;
      (look.frame.batch[r] == look.frame.suspect ? now : before) += is_multiple;
      (look.frame.batch[r] == look.frame.suspect ? n_now : n_before) += 1;
    }
    if (n_now > 0 && n_before > 0 && now / n_now >= kMultiples && before / n_before < 0.8) found = step;
  }
  return found;
}

}  // namespace millrace::data::cause
