#include "monitor/window/requests.h"

#include <cmath>

#include <fmt/format.h>

#include "monitor/window/counting.h"
#include "stats/effect.h"

namespace millrace::monitor {
namespace {

// What one sum is made of, as a whole number: |value| <= 1 in units of 2^-50.
constexpr double kUnit = 0x1p50;

std::string fixed_sum(const std::string& value) {
  return fmt::format("CAST(sum(CAST(round({} * {}) AS BIGINT)) AS DOUBLE)", value, literal(kUnit));
}

std::string pairs_of(const Group& shadow) {
  return fmt::format(
      "(SELECT a.score AS x, b.score AS y, a.chosen <> b.chosen AS flipped FROM seen a JOIN seen b ON "
      "TRY_CAST(a.prediction_id AS UUID) = TRY_CAST(b.prediction_id AS UUID) AND a.\"row\" = b.\"row\" "
      "WHERE a.arm = {} AND a.model = {} AND a.version = {} AND b.arm <> 'shadow' AND a.score IS NOT NULL AND b.score "
      "IS "
      "NOT NULL)",
      engine::quote_text(shadow.arm), engine::quote_text(shadow.model), shadow.version);
}

}  // namespace

Result<Json> measure_latency(const LogView& log, const std::string& condition) {
  if (!log.has_durations()) return Json();
  MILLRACE_TRY(const auto table,
               log.engine().query(fmt::format("WITH d AS (SELECT duration_us AS v, count(*) AS n FROM log WHERE ({}) "
                                              "AND \"row\" = 0 AND duration_us IS NOT "
                                              "NULL GROUP BY 1), c AS (SELECT v, sum(n) OVER (ORDER BY v ROWS "
                                              "UNBOUNDED PRECEDING) AS upto, sum(n) OVER () AS "
                                              "total, n FROM d) SELECT sum(n), CAST(sum(v * n) AS DOUBLE), min(CASE "
                                              "WHEN upto * 100 >= total * 50 THEN v END), "
                                              "min(CASE WHEN upto * 100 >= total * 95 THEN v END), min(CASE WHEN upto "
                                              "* 100 >= total * 99 THEN v END) FROM c",
                                              condition)));
  const int64_t n = table.integer(0, 0);
  if (n == 0) return Json();
  return Json{{"p50", table.integer(0, 2)},
              {"p95", table.integer(0, 3)},
              {"p99", table.integer(0, 4)},
              {"mean", table.real(0, 1) / static_cast<double>(n)},
              {"n", n}};
}

Result<Json> measure_refusals(engine::Engine& engine, const std::string& condition) {
  MILLRACE_TRY(const auto table, engine.query(fmt::format(
                                     "SELECT field, rule, count(*) FROM log WHERE ({}) AND status = 'refused' GROUP BY "
                                     "1, 2 ORDER BY 3 DESC, 1, 2 LIMIT {}",
                                     condition, kRefusals)));
  Json out = Json::array();
  for (size_t row = 0; row < table.rows(); ++row)
    out.push_back({{"field", table.text(row, 0)}, {"rule", table.text(row, 1)}, {"count", table.integer(row, 2)}});
  return out;
}

Result<Json> measure_difference(engine::Engine& engine, const Group& shadow) {
  if (shadow.score.empty()) return Json();
  const auto pairs = pairs_of(shadow);
  MILLRACE_TRY(const auto range, engine.query(fmt::format("SELECT count(*), max(abs(x)), max(abs(y)), max(abs(x - y)), "
                                                          "sum(CASE WHEN flipped THEN 1 ELSE 0 END) FROM {}",
                                                          pairs)));
  const int64_t n = range.integer(0, 0);
  if (n == 0) return Json();
  // Scores in units of the largest one, rounded up to a power of two: sums of whole numbers, and the division is exact.
  const double largest = std::max({range.real(0, 1), range.real(0, 2), 0x1p-100});
  if (!std::isfinite(largest)) return Json();
  const double unit = std::exp2(std::ceil(std::log2(largest)) + 1);
  const std::string x = fmt::format("(x / {})", literal(unit)), y = fmt::format("(y / {})", literal(unit));
  MILLRACE_TRY(const auto table,
               engine.query(fmt::format("SELECT {}, {}, {}, {}, {}, {} FROM {}", fixed_sum(x), fixed_sum(y),
                                        fixed_sum(x + " * " + x), fixed_sum(y + " * " + y), fixed_sum(x + " * " + y),
                                        fixed_sum(fmt::format("abs({} - {})", x, y)), pairs)));
  const auto sum = [&](size_t column) { return table.real(0, column) / kUnit; };
  const double related = stats::correlation({n, sum(0), sum(1), sum(2), sum(3), sum(4)});
  const double rows = static_cast<double>(n);
  return Json{{"n", n},
              {"mean_abs", sum(5) * unit / rows},
              {"max_abs", range.real(0, 3)},
              {"flips", range.integer(0, 4)},
              {"flip_rate", static_cast<double>(range.integer(0, 4)) / rows},
              {"correlation", std::isfinite(related) ? Json(related) : Json()}};
}

}  // namespace millrace::monitor
