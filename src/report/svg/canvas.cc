#include "report/svg/canvas.h"

#include <cmath>

#include <fmt/format.h>

namespace millrace::report::svg {
namespace {

// Of a letter of 12 pixels, in a wide face: what fits there fits everywhere.
double width_of_letter(char c) {
  if (c >= '0' && c <= '9') return 7.7;
  if (c >= 'A' && c <= 'Z') return 8.4;
  if (c == '%' || c == 'm' || c == 'w') return 11.4;
  if (std::string_view(" .,:;|!'ijlt()").find(c) != std::string_view::npos) return 4.6;
  return 7.4;
}

bool begins_letter(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

bool finite(Spot spot) { return std::isfinite(spot.x) && std::isfinite(spot.y); }

std::string number(double value) {
  auto out = fmt::format("{:.1f}", value);
  if (out.ends_with(".0")) out.resize(out.size() - 2);
  return out == "-0" ? "0" : out;
}

}  // namespace

Shape shape_of(int series) { return static_cast<Shape>(series & 3); }

Canvas::Canvas(double width, double height, std::string summary)
    : width_(width), height_(height), summary_(std::move(summary)) {}

void Canvas::add(std::string_view name, Attributes attributes, std::string_view hint) {
  if (hint.empty())
    inside_ += empty_element(name, attributes);
  else
    inside_ += element(name, attributes, words("title", hint));
}

void Canvas::line(Spot from, Spot to, std::string_view css) {
  if (!finite(from) || !finite(to)) return;
  add("line",
      {{"class", std::string(css)},
       {"x1", number(from.x)},
       {"y1", number(from.y)},
       {"x2", number(to.x)},
       {"y2", number(to.y)}},
      "");
}

void Canvas::rect(Spot corner, double width, double height, std::string_view css, std::string_view hint) {
  if (!finite(corner) || !std::isfinite(width) || !std::isfinite(height) || width < 0 || height < 0) return;
  add("rect",
      {{"class", std::string(css)},
       {"x", number(corner.x)},
       {"y", number(corner.y)},
       {"width", number(width)},
       {"height", number(height)}},
      hint);
}

void Canvas::path(const std::vector<Spot>& spots, std::string_view css, bool closed) {
  std::string d;
  for (const auto& spot : spots) {
    if (!finite(spot)) continue;
    d += d.empty() ? "M" : "L";
    d += number(spot.x) + " " + number(spot.y);
  }
  if (d.empty()) return;
  if (closed) d += "Z";
  add("path", {{"class", std::string(css)}, {"d", d}}, "");
}

void Canvas::label(Spot at, std::string_view css, std::string_view written) {
  if (!finite(at)) return;
  inside_ += element("text", {{"class", std::string(css)}, {"x", number(at.x)}, {"y", number(at.y)}}, text(written));
}

void Canvas::mark(Shape shape, Spot at, double radius, std::string_view css, std::string_view hint) {
  if (!finite(at)) return;
  const double r = radius;
  if (shape == Shape::circle) {
    add("circle", {{"class", std::string(css)}, {"cx", number(at.x)}, {"cy", number(at.y)}, {"r", number(radius)}},
        hint);
    return;
  }
  std::vector<Spot> corners;
  if (shape == Shape::square)
    corners = {{at.x - r, at.y - r}, {at.x + r, at.y - r}, {at.x + r, at.y + r}, {at.x - r, at.y + r}};
  else if (shape == Shape::triangle)
    corners = {{at.x, at.y - r * 1.2}, {at.x + r * 1.1, at.y + r * 0.8}, {at.x - r * 1.1, at.y + r * 0.8}};
  else
    corners = {{at.x, at.y - r * 1.3}, {at.x + r * 1.3, at.y}, {at.x, at.y + r * 1.3}, {at.x - r * 1.3, at.y}};
  std::string points;
  for (const auto& corner : corners) points += number(corner.x) + "," + number(corner.y) + " ";
  points.pop_back();
  add("polygon", {{"class", std::string(css)}, {"points", points}}, hint);
}

void Canvas::badge(Spot at, std::string_view word, std::string_view hint) {
  mark(Shape::circle, at, 8, "badge", hint);
  label({at.x, at.y + 3.8}, "badge-word mid", word);
}

Html Canvas::finish() const {
  return element("svg",
                 {{"viewBox", "0 0 " + number(width_) + " " + number(height_)},
                  {"width", number(width_)},
                  {"height", number(height_)},
                  {"role", "img"},
                  {"aria-label", summary_}},
                 inside_);
}

double width_of(std::string_view words) {
  double out = 0;
  for (const char c : words)
    if (begins_letter(c)) out += width_of_letter(c);
  return out;
}

std::string fitted(std::string_view words, double width) {
  if (width_of(words) <= width) return std::string(words);
  double left = width - width_of_letter('m');  // the ellipsis
  size_t end = 0;
  for (; end < words.size(); ++end) {
    if (!begins_letter(words[end])) continue;
    left -= width_of_letter(words[end]);
    if (left < 0 && end > 0) break;
  }
  return std::string(words.substr(0, end)) + "\xE2\x80\xA6";
}

}  // namespace millrace::report::svg
