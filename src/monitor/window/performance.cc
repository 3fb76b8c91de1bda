#include "monitor/window/performance.h"

#include <cmath>

#include <fmt/format.h>

#include "monitor/window/counting.h"
#include "stats/binary.h"
#include "stats/calibration.h"

namespace millrace::monitor {
namespace {

constexpr int kCalibrationBins = 10;
constexpr double kConfidence = 0.95;
// Losses are at most 35 and their squares 1200: in this unit a row's stays below 2^51, and sums are whole numbers.
constexpr double kUnit = 0x1p40;

Json to_json(const stats::Interval& interval, int64_t n) {
  const auto finite = [](double value) { return std::isfinite(value) ? Json(value) : Json(); };
  return {{"value", finite(interval.value)}, {"low", finite(interval.low)}, {"high", finite(interval.high)}, {"n", n}};
}

Json or_null(const Result<stats::Interval>& interval, int64_t n) { return interval ? to_json(*interval, n) : Json(); }

std::string fixed_sum(const std::string& value) {
  return fmt::format("CAST(sum(CAST(round({} * {}) AS BIGINT)) AS DOUBLE)", value, literal(kUnit));
}

// One row of whole numbers over the answered rows with a label.
struct Sums {
  int64_t n = 0, positives = 0;
  bool probabilities = false;
  stats::Confusion confusion;
  double score = 0, score_squares = 0, loss = 0, loss_squares = 0, brier = 0, brier_squares = 0;
};

Result<Sums> read_sums(engine::Engine& engine, const std::string& rows) {
  // A score that is no probability is cut, so that no logarithm fails; what is made of it is then left out.
  const std::string p = "least(greatest(score, 0e0), 1e0)";
  const std::string right = fmt::format("least(greatest(CASE WHEN label = 1 THEN {0} ELSE 1e0 - {0} END, {1}), {2})", p,
                                        literal(stats::kLogLossClip), literal(1 - stats::kLogLossClip));
  const std::string loss = fmt::format("-ln({})", right), off = fmt::format("({} - label)", p);
  const auto count = [](std::string_view chosen, int label) {
    return fmt::format("sum(CASE WHEN {} AND label = {} THEN 1 ELSE 0 END)", chosen, label);
  };
  MILLRACE_TRY(
      const auto table,
      engine.query(fmt::format(
          "SELECT count(*), sum(label), min(score), max(score), {}, {}, {}, {}, {}, {}, {}, {}, {}, {} FROM {}",
          count("chosen", 1), count("chosen", 0), count("NOT chosen", 0), count("NOT chosen", 1), fixed_sum(p),
          fixed_sum(p + " * " + p), fixed_sum(loss), fixed_sum(loss + " * " + loss), fixed_sum(off + " * " + off),
          fixed_sum(fmt::format("{0} * {0} * {0} * {0}", off)), rows)));
  Sums out{.n = table.integer(0, 0), .positives = table.integer(0, 1)};
  out.probabilities = out.n > 0 && table.real(0, 2) >= 0 && table.real(0, 3) <= 1;
  out.confusion = {table.integer(0, 4), table.integer(0, 5), table.integer(0, 6), table.integer(0, 7)};
  size_t at = 8;
  for (double* sum : {&out.score, &out.score_squares, &out.loss, &out.loss_squares, &out.brier, &out.brier_squares})
    *sum = table.real(0, at++) / kUnit;
  return out;
}

// Every distinct score with how many positives and negatives have it, and how many lie below.
Result<void> make_runs(engine::Engine& engine, const std::string& rows) {
  MILLRACE_TRY(
      const auto made,
      engine.execute(fmt::format(
          "CREATE OR REPLACE TEMPORARY TABLE runs AS SELECT score, p, n, CAST(sum(p) OVER w - p AS BIGINT) AS p_below, "
          "CAST(sum(n) OVER w - n AS BIGINT) AS n_below FROM (SELECT score, CAST(sum(label) AS BIGINT) AS p, "
          "CAST(count(*) - sum(label) AS BIGINT) AS n FROM {} GROUP BY score) "
          "WINDOW w AS (ORDER BY score ROWS UNBOUNDED PRECEDING)",
          rows)));
  (void)made;
  return {};
}

Result<stats::AucSums> read_auc_sums(engine::Engine& engine, const Sums& sums) {
  const std::string up = "(2 * n_below + n)";
  const std::string down = fmt::format("(2 * ({} - p_below) - p)", sums.positives);
  MILLRACE_TRY(const auto table,
               engine.query(fmt::format("SELECT CAST(sum(CAST(p AS HUGEINT) * {0}) AS DOUBLE), "
                                        "CAST(sum(CAST(p AS HUGEINT) * {0} * {0}) AS DOUBLE), "
                                        "CAST(sum(CAST(n AS HUGEINT) * {1} * {1}) AS DOUBLE) FROM runs",
                                        up, down)));
  return stats::AucSums{sums.positives, sums.n - sums.positives, table.real(0, 0), table.real(0, 1), table.real(0, 2)};
}

Result<std::vector<stats::CalibrationSums>> read_bins(engine::Engine& engine, int64_t n) {
  const int64_t each = n / kCalibrationBins, more = n % kCalibrationBins, large = more * (each + 1);
  const std::string bin =
      each == 0 ? std::string("begins")
                : fmt::format("CASE WHEN begins < {0} THEN begins // {1} ELSE {2} + (begins - {0}) // {3} END", large,
                              each + 1, more, each);
  MILLRACE_TRY(
      const auto table,
      engine.query(fmt::format(
          "SELECT {} AS bin, sum(p + n), sum(p), {} FROM (SELECT score, p, n, p_below + "
          "n_below AS begins FROM runs) GROUP BY bin ORDER BY bin",
          bin, fmt::format("CAST(sum(CAST(round(score * {}) AS HUGEINT) * (p + n)) AS DOUBLE)", literal(kUnit)))));
  std::vector<stats::CalibrationSums> out;
  for (size_t row = 0; row < table.rows(); ++row)
    out.push_back({table.integer(row, 1), table.integer(row, 2), table.real(row, 3) / kUnit});
  return out;
}

Json mean_of(double sum, double squares, int64_t n) {
  auto interval = stats::mean_interval(sum, squares, n, *stats::checked_z(kConfidence));
  interval.low = std::max(0.0, interval.low);
  return to_json(interval, n);
}

Json bins_json(const stats::Calibration& calibration) {
  Json out = Json::array();
  for (const auto& bin : calibration.bins)
    out.push_back({{"rows", bin.rows}, {"predicted", bin.predicted}, {"observed", to_json(bin.observed, bin.rows)}});
  return out;
}

}  // namespace

Result<Performance> measure_performance(engine::Engine& engine, const std::string& condition, const Json& threshold) {
  Performance out;
  MILLRACE_TRY(const auto counts,
               engine.query(fmt::format("SELECT count(*), sum(revision) FROM labelled WHERE {}", condition)));
  out.labels = counts.integer(0, 0);
  out.revisions = counts.integer(0, 1);
  const auto rows = fmt::format("(SELECT * FROM labelled WHERE ({}) AND score IS NOT NULL)", condition);
  MILLRACE_TRY(const auto sums, read_sums(engine, rows));
  if (sums.n == 0) return out;
  MILLRACE_DO(make_runs(engine, rows));
  MILLRACE_TRY(const auto auc_sums, read_auc_sums(engine, sums));
  MILLRACE_TRY(const auto bins, read_bins(engine, sums.n));
  const auto auc = stats::roc_auc(auc_sums, kConfidence);
  const auto calibration = stats::calibration(bins, kConfidence);
  const auto& confusion = sums.confusion;
  const auto probable = [&](Json value) { return sums.probabilities ? std::move(value) : Json(); };
  out.summary = {
      {"auc", auc ? to_json(auc->auc, sums.n) : Json()},
      {"precision", or_null(confusion.precision(kConfidence), confusion.true_positives + confusion.false_positives)},
      {"recall", or_null(confusion.recall(kConfidence), confusion.true_positives + confusion.false_negatives)},
      {"log_loss", probable(mean_of(sums.loss, sums.loss_squares, sums.n))},
      {"brier", probable(mean_of(sums.brier, sums.brier_squares, sums.n))},
      {"calibration_error", probable(calibration ? to_json(calibration->ece, sums.n) : Json())},
      {"base_rate", or_null(stats::wilson(sums.positives, sums.n, kConfidence), sums.n)},
      {"mean_score", probable(mean_of(sums.score, sums.score_squares, sums.n))},
      {"calibration", probable(calibration ? bins_json(*calibration) : Json())},
      {"threshold", threshold},
      {"confusion",
       {{"tp", confusion.true_positives},
        {"fp", confusion.false_positives},
        {"fn", confusion.false_negatives},
        {"tn", confusion.true_negatives}}}};
  return out;
}

}  // namespace millrace::monitor
