// From values to places on a drawing, and the round values that an axis names. Pure.
#pragma once
#include <string>
#include <vector>

#include "core/clock.h"

namespace millrace::report::svg {

// Linear; a range without width maps everything to the middle.
struct Scale {
  double from = 0, to = 1;    // values
  double start = 0, end = 1;  // places
  double at(double value) const;
};

struct Tick {
  double at = 0;  // value
  std::string label;
};

// At most `most` round values within [low, high], with as many digits as their step needs. Empty when the range is not
// finite.
std::vector<Tick> number_ticks(double low, double high, int most);

// Beginnings of months (or quarters, years, days, as the room allows) within [from, to], named "Jul", "Jan 2014"; the
// first one always tells its year. `room`: how many labels fit.
std::vector<Tick> time_ticks(Micros from, Micros to, int room);

class Canvas;

// An axis at the height y of a drawing that is `width` wide; words that would run into those before are left out.
void draw_time_axis(Canvas& canvas, const Scale& x, const std::vector<Tick>& ticks, double y, double width);

// The smallest range that holds all that was noted, a little wider at both ends; [0, 1] when nothing finite was.
class Extent {
 public:
  void note(double value);
  bool empty() const { return !(low_ <= high_); }
  double low() const { return low_; }
  double high() const { return high_; }
  // Widened by `share` of its width, not beyond [floor, ceiling].
  Scale scale(double start, double end, double share, double floor, double ceiling) const;

 private:
  double low_ = 1, high_ = 0;
};

}  // namespace millrace::report::svg
