// Geometry, and the edges that every drawing meets: nothing, one value, NaN, words of users.
#include <gtest/gtest.h>

#include <cmath>

#include "report/svg/bars.h"
#include "report/svg/canvas.h"
#include "report/svg/heat_map.h"
#include "report/svg/histogram.h"
#include "report/svg/lines.h"
#include "report/svg/share_band.h"
#include "report/svg/timeline.h"

namespace millrace::report::svg {
namespace {

constexpr Micros kDay = 86'400'000'000;

size_t times(const std::string& text, std::string_view what) {
  size_t out = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) ++out;
  return out;
}

bool has(const std::string& text, std::string_view what) { return text.find(what) != std::string::npos; }

void expect_drawable(const std::string& svg) {
  EXPECT_TRUE(svg.starts_with("<svg viewBox=\"0 0 ")) << svg.substr(0, 80);
  EXPECT_TRUE(svg.ends_with("</svg>"));
  EXPECT_FALSE(has(svg, "nan") || has(svg, "inf") || has(svg, "<script")) << svg;
}

LineChart half_year() { return {.summary = "s", .from = 180 * kDay, .to = 364 * kDay}; }

TEST(Scale, maps_ends_and_survives_a_range_without_width) {
  const Scale scale{10, 20, 100, 300};
  EXPECT_EQ(scale.at(10), 100);
  EXPECT_EQ(scale.at(20), 300);
  EXPECT_EQ(scale.at(15), 200);
  EXPECT_EQ((Scale{5, 5, 0, 100}).at(5), 50);
}

TEST(Ticks, are_round_and_few) {
  const auto ticks = number_ticks(0.69, 0.83, 5);
  ASSERT_EQ(ticks.size(), 3U);
  EXPECT_EQ(ticks[0].label, "0.70");
  EXPECT_NEAR(ticks[2].at, 0.8, 1e-12);
  EXPECT_EQ(number_ticks(0, 10'000, 6).back().label, "10,000");
  EXPECT_TRUE(number_ticks(1, 1, 5).empty());
  EXPECT_TRUE(number_ticks(std::nan(""), 1, 5).empty());
  EXPECT_LE(number_ticks(-1e300, 1e300, 5).size(), 5U);
}

TEST(Ticks, of_time_are_beginnings_of_months_and_tell_the_year_once) {
  const auto ticks = time_ticks(*parse_time("2013-07-01"), *parse_time("2014-01-01"), 8);
  ASSERT_EQ(ticks.size(), 7U);
  EXPECT_EQ(ticks[0].label,
            "Jul\xC2\xA0"
            "2013");
  EXPECT_EQ(ticks[1].label, "Aug");
  EXPECT_EQ(ticks[6].label,
            "Jan\xC2\xA0"
            "2014");
  EXPECT_LE(time_ticks(*parse_time("1970-01-01"), *parse_time("2070-01-01"), 5).size(), 50U);
  EXPECT_TRUE(time_ticks(5, 5, 5).empty());
  const auto days = time_ticks(*parse_time("2013-10-01"), *parse_time("2013-10-20"), 5);
  ASSERT_FALSE(days.empty());
  EXPECT_EQ(days[0].label,
            "1\xC2\xA0Oct\xC2\xA0"
            "2013");
}

TEST(Canvas, does_not_draw_what_is_not_finite) {
  Canvas canvas(10, 10, "<summary>");
  canvas.line({0, std::nan("")}, {1, 1}, "axis");
  canvas.rect({0, 0}, -1, 5, "bar");
  canvas.mark(Shape::circle, {HUGE_VAL, 0}, 2, "dot");
  canvas.label({std::nan(""), 0}, "t", "x");
  canvas.path({{std::nan(""), 0}}, "line");
  EXPECT_EQ(canvas.finish().bytes(),
            "<svg viewBox=\"0 0 10 10\" width=\"10\" height=\"10\" role=\"img\" aria-label=\"&lt;summary&gt;\"></svg>");
}

TEST(Canvas, fits_words_to_a_width) {
  EXPECT_EQ(fitted("carrier", 200), "carrier");
  const auto cut = fitted("a_very_long_column_name", 60);
  EXPECT_TRUE(cut.ends_with("\xE2\x80\xA6"));
  EXPECT_LE(width_of(cut), 60 + 8);
  EXPECT_TRUE(fitted("\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", 30)
                  .starts_with("\xE6\x97\xA5"));
}

TEST(Lines, put_values_where_they_belong) {
  auto chart = half_year();
  chart.lines = {{.colour = 0, .readings = {{.at = 180 * kDay, .value = 0}, {.at = 364 * kDay, .value = 1}}}};
  const auto svg = draw(chart).bytes();
  expect_drawable(svg);
  EXPECT_EQ(times(svg, "class=\"line c0 d0\""), 1U);
  EXPECT_EQ(times(svg, "class=\"dot c0\""), 2U);
  const auto first = svg.find("class=\"dot c0\"");
  const auto y_of = [&](size_t from) { return std::stod(svg.substr(svg.find("cy=\"", from) + 4)); };
  EXPECT_GT(y_of(first), y_of(svg.find("class=\"dot c0\"", first + 5))) << "more is higher up";
}

TEST(Lines, are_broken_by_nan_and_need_two_values) {
  auto chart = half_year();
  chart.lines = {{.readings = {{.at = 200 * kDay, .value = 1},
                               {.at = 230 * kDay, .value = 2},
                               {.at = 260 * kDay, .value = kNothing},
                               {.at = 290 * kDay, .value = 3}}}};
  const auto svg = draw(chart).bytes();
  expect_drawable(svg);
  EXPECT_EQ(times(svg, "class=\"line "), 1U);
  EXPECT_EQ(times(svg, "class=\"dot "), 3U);
}

TEST(Lines, without_values_say_so) {
  for (const auto& readings :
       {std::vector<Reading>{}, {{.at = 200 * kDay, .value = kNothing}}, {{.at = 1, .value = 5}}}) {
    auto chart = half_year();
    chart.lines = {{.readings = readings}};
    const auto svg = draw(chart).bytes();
    expect_drawable(svg);
    EXPECT_TRUE(has(svg, "no values yet"));
  }
}

TEST(Lines, of_one_value_are_one_mark_with_its_interval) {
  auto chart = half_year();
  chart.lines = {{.hollow = true, .readings = {{.at = 200 * kDay, .value = 0.5, .low = 0.4, .high = 0.6}}}};
  const auto svg = draw(chart).bytes();
  expect_drawable(svg);
  EXPECT_EQ(times(svg, "whisker"), 1U);
  EXPECT_EQ(times(svg, "dot c0 hollow"), 1U);
  EXPECT_EQ(times(svg, "class=\"band"), 0U);
}

TEST(Lines, show_limits_with_words_that_do_not_cover_each_other) {
  auto chart = half_year();
  chart.lines = {{.readings = {{.at = 200 * kDay, .value = 0.8}, {.at = 300 * kDay, .value = 0.7}}}};
  chart.limits = {{.at = 0.72, .words = "page <b>", .page = true}, {.at = 0.721, .words = "warn"}};
  const auto svg = draw(chart).bytes();
  expect_drawable(svg);
  EXPECT_TRUE(has(svg, "page &lt;b&gt;"));
  EXPECT_EQ(times(svg, "limit page"), 1U);
  EXPECT_EQ(times(svg, "limit warn"), 1U);
}

TEST(Lines, mark_what_happened_inside_the_range_only) {
  auto chart = half_year();
  chart.lines = {{.readings = {{.at = 200 * kDay, .value = 1}, {.at = 210 * kDay, .value = 2}}}};
  chart.happenings = {{.at = 205 * kDay, .badge = "1", .hint = "<i>"}, {.at = 1, .badge = "2"}, {.at = 206 * kDay}};
  const auto svg = draw(chart).bytes();
  EXPECT_EQ(times(svg, "class=\"badge\""), 1U);
  EXPECT_EQ(times(svg, "alert-mark"), 1U);
  EXPECT_TRUE(has(svg, "<title>&lt;i&gt;</title>"));
}

TEST(Bars, stand_on_zero_with_their_intervals) {
  const auto svg = draw(BarChart{.summary = "s",
                                 .groups = {{"Aug", {{.value = -5, .low = -6, .high = -4}, {.colour = 1, .value = 5}}},
                                            {"Sep", {{.value = kNothing}}}}})
                       .bytes();
  expect_drawable(svg);
  EXPECT_EQ(times(svg, "class=\"bar "), 2U);
  EXPECT_EQ(times(svg, "class=\"error\""), 3U);
  EXPECT_TRUE(has(svg, ">Sep</text>"));
  EXPECT_TRUE(has(draw(BarChart{}).bytes(), "no values yet"));
}

TEST(Gauges, keep_everything_within_their_width) {
  const auto svg =
      draw(Gauge{.summary = "s", .value = 9, .low = -9, .high = 99, .limit = 5, .from = 0, .to = 1, .good = false})
          .bytes();
  expect_drawable(svg);
  EXPECT_TRUE(has(svg, "x1=\"6\"") && has(svg, "x2=\"144\""));
}

TEST(HeatMaps, shade_by_steps_and_flag_alerts) {
  HeatMap map{.summary = "s", .columns = {"Oct", "Nov"}, .steps = {0.1, 0.25}};
  map.rows = {{"<temp>", {{.value = 0.05, .words = "0.05"}, {.value = 0.25, .words = "0.25", .flagged = true}}},
              {"dewp", {{}, {}}}};
  const auto svg = draw(map).bytes();
  expect_drawable(svg);
  EXPECT_EQ(times(svg, "cell h0"), 1U);
  EXPECT_EQ(times(svg, "cell h2"), 1U);
  EXPECT_EQ(times(svg, "cell none"), 2U);
  EXPECT_EQ(times(svg, "class=\"flag\""), 1U);
  EXPECT_TRUE(has(svg, "&lt;temp&gt;"));
  EXPECT_TRUE(has(draw(HeatMap{}).bytes(), "no values yet"));
}

TEST(ShareBands, fill_their_height_exactly) {
  ShareBand band{.summary = "s", .from = 0, .to = 100 * kDay};
  band.stretches = {{0,
                     50 * kDay,
                     {{.share = 0.9, .words = "one"}, {.colour = 1, .striped = true, .share = 0.1}},
                     {{"shadow 3", "s"}}},
                    {50 * kDay, 100 * kDay, {{.colour = 1, .share = 1}}, {}},
                    {10, 5, {{.share = 1}}, {}}};
  band.steps = {{.at = 0, .badge = "1", .hint = "\"why\""}, {.at = 50 * kDay, .badge = "2"}};
  const auto svg = draw(band).bytes();
  expect_drawable(svg);
  EXPECT_EQ(times(svg, "class=\"area "), 3U) << "a stretch that ends before it begins is not drawn";
  EXPECT_TRUE(has(svg, "height=\"117\"") && has(svg, "height=\"13\"") && has(svg, "height=\"130\""));
  EXPECT_EQ(times(svg, "class=\"copy\""), 1U);
  EXPECT_TRUE(has(draw(ShareBand{}).bytes(), "no traffic yet"));
}

TEST(Timelines, differ_by_form_and_tell_open_from_done) {
  Timeline line{.summary = "s", .from = 0, .to = 100 * kDay};
  line.groups = {{"Cause: <x>",
                  {{.name = "a",
                    .page = true,
                    .parts = {{State::pending, 0, kDay},
                              {State::firing, kDay, 9 * kDay},
                              {State::acknowledged, 9 * kDay, 20 * kDay}},
                    .ended = 20 * kDay},
                   {.name = "b", .parts = {{State::firing, 50 * kDay, 500 * kDay}}},
                   {.name = "c"}}}};
  for (const double names : {250.0, 0.0}) {
    line.names = names;
    const auto svg = draw(line).bytes();
    expect_drawable(svg);
    EXPECT_EQ(times(svg, "class=\"pending page\""), 1U);
    EXPECT_EQ(times(svg, "class=\"acknowledged page\""), 1U);
    EXPECT_EQ(times(svg, "class=\"done\""), 1U);
    EXPECT_EQ(times(svg, "class=\"open warn\""), 1U);
    EXPECT_TRUE(has(svg, "Cause: &lt;x&gt;"));
  }
  EXPECT_TRUE(has(draw(Timeline{}).bytes(), "nothing happened"));
}

TEST(Overlays, compare_shares_not_counts) {
  const auto svg = draw(Overlay{.summary = "s", .now = {1, 3}, .reference = {100, 300}, .names = {"a", "<b>"}}).bytes();
  expect_drawable(svg);
  EXPECT_TRUE(has(svg, "&lt;b&gt;: 75.0 % now, 75.0 % in the reference"));
  EXPECT_TRUE(has(draw(Overlay{}).bytes(), "no values yet"));
  expect_drawable(draw(Overlay{.now = {std::nan(""), 0}, .reference = {0}}).bytes());
}

TEST(Sparklines, live_with_nothing_one_and_gaps) {
  EXPECT_EQ(times(draw(Sparkline{}).bytes(), "spark"), 0U);
  EXPECT_EQ(times(draw(Sparkline{.values = {5}}).bytes(), "spark-dot"), 1U);
  const auto svg = draw(Sparkline{.values = {1, 2, kNothing, 4, 5}}).bytes();
  expect_drawable(svg);
  EXPECT_EQ(times(svg, "class=\"spark\""), 2U);
}

}  // namespace
}  // namespace millrace::report::svg
