#include "data/samples/relation.h"

#include <algorithm>
#include <cmath>

#include "data/samples/value_codes.h"
#include "stats/histogram.h"
#include "stats/least_squares.h"
#include "stats/robust.h"

namespace millrace::data {
namespace {

constexpr size_t kLearnRows = 2'500;  // for choosing columns
constexpr size_t kOthers = 3;
constexpr double kExplained = 0.75;   // spread of the residuals over that of the column
constexpr double kWorthwhile = 0.85;  // one more column must bring the residuals down to this
constexpr double kTail = 0.005;       // of the residuals on each side
constexpr double kWiden = 0.25;
constexpr size_t kEnough = 200;
constexpr size_t kJudged = 30;
constexpr double kReach = 0.1;  // beyond the values that were learned from, of their width

// 1, x, x^2 and products of two.
void terms(const RelationSample& sample, const std::vector<size_t>& others, size_t row, std::vector<double>& into) {
  into.push_back(1);
  for (size_t i = 0; i < others.size(); ++i) {
    const double x = sample.values[others[i]][row];
    into.push_back(x);
    for (size_t j = 0; j <= i; ++j) into.push_back(x * sample.values[others[j]][row]);
  }
}

bool is_whole(const RelationSample& sample, size_t target, const std::vector<size_t>& others, size_t row) {
  if (std::isnan(sample.values[target][row])) return false;
  return std::none_of(others.begin(), others.end(), [&](size_t c) { return std::isnan(sample.values[c][row]); });
}

std::vector<double> residuals(const RelationSample& sample, const RelationForm& form, const std::vector<size_t>& rows) {
  std::vector<double> out, row_terms;
  for (const size_t row : rows) {
    row_terms.clear();
    terms(sample, form.others, row, row_terms);
    double fitted = 0;
    for (size_t i = 0; i < row_terms.size(); ++i) fitted += form.weights[i] * row_terms[i];
    out.push_back(sample.values[form.target][row] - fitted);
  }
  return out;
}

bool fit(const RelationSample& sample, RelationForm& form, const std::vector<size_t>& rows) {
  std::vector<double> design, target;
  for (const size_t row : rows) {
    terms(sample, form.others, row, design);
    target.push_back(sample.values[form.target][row]);
  }
  if (rows.size() < kEnough) return false;
  auto weights = stats::least_squares(design, target, design.size() / rows.size());
  if (!weights) return false;
  form.weights = std::move(*weights);
  return true;
}

std::vector<size_t> rows_where(const RelationSample& sample, const RelationForm& form,
                               const std::function<bool(size_t)>& wanted) {
  std::vector<size_t> out;
  for (size_t row = 0; row < sample.group.size(); ++row)
    if (wanted(sample.group[row]) && is_whole(sample, form.target, form.others, row)) out.push_back(row);
  return out;
}

// A quadratic form says nothing far from where it was learned.
std::vector<size_t> rows_within(const RelationSample& sample, const RelationForm& form,
                                const std::vector<size_t>& learn, const std::vector<size_t>& rows) {
  std::vector<size_t> out = rows;
  for (const size_t c : form.others) {
    std::vector<double> known;
    for (const size_t row : learn) known.push_back(sample.values[c][row]);
    const auto ends = stats::quantiles(known, std::vector<double>{0.002, 0.998});
    const double wide = kReach * (ends[1] - ends[0]);
    std::erase_if(out, [&](size_t row) {
      const double value = sample.values[c][row];
      return value < ends[0] - wide || value > ends[1] + wide;
    });
  }
  return out;
}

}  // namespace

void RelationSample::add(std::span<const double> numbers) {
  std::vector<double> known, column;
  for (size_t row = 0; row < group.size(); ++row) {
    column.push_back(std::isfinite(numbers[row]) ? numbers[row] : std::nan(""));
    if (group[row] < suspect) known.push_back(column.back());
  }
  const double middle = stats::median(known);
  const auto ends = stats::quantiles(known, std::vector<double>{0.1, 0.9});
  const double scale = ends[1] > ends[0] ? (ends[1] - ends[0]) / 2.56 : 1;
  for (auto& value : column) value = (value - middle) / scale;
  values.push_back(std::move(column));
  scales.push_back(scale);
}

std::optional<RelationForm> find_relation(const RelationSample& sample, size_t target) {
  RelationForm best{.target = target};
  double spread = 1, whole = 0;
  while (best.others.size() < kOthers) {
    RelationForm next;
    double next_spread = spread * (best.others.empty() ? 1 : kWorthwhile);
    for (size_t c = 0; c < sample.values.size(); ++c) {
      if (c == target || std::count(best.others.begin(), best.others.end(), c) > 0) continue;
      RelationForm trial{.target = target, .others = best.others};
      trial.others.push_back(c);
      const auto rows =
          thinned(rows_where(sample, trial, [&](size_t group) { return group < sample.suspect; }), kLearnRows);
      if (!fit(sample, trial, rows)) continue;
      std::vector<double> own;
      for (const size_t row : rows) own.push_back(sample.values[target][row]);
      whole = stats::scaled_mad(own);
      if (!(whole > 0)) continue;
      const double left = stats::scaled_mad(residuals(sample, trial, rows)) / whole;
      if (left < next_spread) next_spread = left, next = trial;
    }
    if (next.others.empty()) break;
    best = next, spread = next_spread;
  }
  if (best.others.empty() || spread > kExplained) return std::nullopt;
  return best;
}

std::optional<Residuals> residuals_of(const RelationSample& sample, RelationForm form, size_t group, bool within) {
  const auto learn = rows_where(sample, form, [&](size_t g) { return g < sample.suspect && g != group; });
  const auto all = rows_where(sample, form, [&](size_t g) { return g == group; });
  const auto judge = within ? rows_within(sample, form, learn, all) : all;
  if (judge.size() < kJudged || !fit(sample, form, learn)) return std::nullopt;
  auto usual = residuals(sample, form, learn);
  std::sort(usual.begin(), usual.end());
  double low = stats::quantile_of_sorted(usual, kTail), high = stats::quantile_of_sorted(usual, 1 - kTail);
  const double wide = kWiden * (high - low);
  low -= wide, high += wide;
  const auto now = residuals(sample, form, judge);
  Residuals out{.shift = stats::median(now) - stats::median(usual),
                .spread = stats::scaled_mad(usual),
                .covered = static_cast<double>(judge.size()) / static_cast<double>(all.size()),
                .judged = judge.size()};
  for (size_t i = 0; i < now.size(); ++i)
    if (now[i] < low || now[i] > high) out.rows.push_back(judge[i]);
  out.share = static_cast<double>(out.rows.size()) / static_cast<double>(now.size());
  return out;
}

}  // namespace millrace::data
