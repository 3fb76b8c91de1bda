// A drawing as SVG text. Colours, dashes and letters come from classes of the style sheet, so that light, dark and
// print need no second drawing. Coordinates are in units that are meant to be shown as CSS pixels, rounded to a tenth;
// what is not finite is not drawn.
#pragma once
#include <string>
#include <vector>

#include "report/html.h"

namespace millrace::report::svg {

struct Spot {
  double x = 0, y = 0;
};

// How the marks of a series differ without colour.
enum class Shape { circle, square, triangle, diamond };
Shape shape_of(int series);  // each in turn

class Canvas {
 public:
  // `summary` is what the drawing says to somebody who does not see it.
  Canvas(double width, double height, std::string summary);

  void line(Spot from, Spot to, std::string_view css);
  void rect(Spot corner, double width, double height, std::string_view css, std::string_view hint = "");
  void path(const std::vector<Spot>& spots, std::string_view css, bool closed = false);
  void label(Spot at, std::string_view css, std::string_view words);
  void mark(Shape shape, Spot at, double radius, std::string_view css, std::string_view hint = "");
  // A circle with a short word in it.
  void badge(Spot at, std::string_view word, std::string_view hint = "");
  Html finish() const;

 private:
  void add(std::string_view name, Attributes attributes, std::string_view hint);

  double width_, height_;
  std::string summary_;
  Html inside_;
};

// About how wide words are in the style sheet's small letters.
double width_of(std::string_view words);
// Words cut to a width, with an ellipsis.
std::string fitted(std::string_view words, double width);

}  // namespace millrace::report::svg
