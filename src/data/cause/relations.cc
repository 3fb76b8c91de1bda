// Numbers that follow from each other: each column as a quadratic form of up to three others, learned on the history.
#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "data/cause/look.h"
#include "stats/histogram.h"
#include "stats/least_squares.h"
#include "stats/robust.h"

namespace millrace::data::cause {
namespace {

constexpr size_t kRowsABatch = 600;
constexpr size_t kLearnRows = 2'500;  // for choosing columns
constexpr size_t kOthers = 3;
constexpr size_t kColumns = 24;
constexpr double kExplained = 0.75;   // spread of the residuals over that of the column
constexpr double kWorthwhile = 0.85;  // one more column must bring the residuals down to this
constexpr double kStable = 0.12;      // share of residuals outside in any batch of history, learned without it
constexpr double kTail = 0.005;       // of the residuals on each side
constexpr double kWiden = 0.25;
constexpr double kMargin = 3;
constexpr double kFloor = 0.06;
constexpr double kShiftMargin = 2;
constexpr double kShiftFloor = 0.3;  // of the spread of the residuals
constexpr size_t kEnough = 200;

// Rows of every batch, thinned evenly, columns scaled to median 0 and spread 1 of the history.
struct Sample {
  std::vector<size_t> columns;              // of the frame
  std::vector<std::vector<double>> values;  // of each column, by row
  std::vector<double> scales;               // what 1 is in the column's own unit
  std::vector<uint8_t> batch;
};

Sample sample_of(const Look& look) {
  const auto& frame = look.frame;
  Sample out;
  for (size_t c = 0; c < frame.columns.size() && out.columns.size() < kColumns; ++c)
    if (frame.columns[c].number && frame.columns[c].is_evidence() && frame.columns[c].texts.size() > 10 &&
        !frame.columns[c].clock)
      out.columns.push_back(c);
  std::vector<size_t> size(frame.batches.size(), 0), seen(size);
  for (const auto batch : frame.batch) ++size[batch];
  std::vector<size_t> rows;
  for (size_t r = 0; r < frame.rows(); ++r) {
    const size_t batch = frame.batch[r], step = std::max<size_t>(1, size[batch] / kRowsABatch);
    if (batch <= frame.suspect && seen[batch]++ % step == 0) rows.push_back(r), out.batch.push_back(frame.batch[r]);
  }
  for (const size_t c : out.columns) {
    std::vector<double> values, before;
    for (size_t i = 0; i < rows.size(); ++i) {
      const double value = frame.columns[c].numbers[rows[i]];
      values.push_back(std::isfinite(value) ? value : std::nan(""));
      if (out.batch[i] < frame.suspect) before.push_back(values.back());
    }
    const double middle = stats::median(before);
    const auto ends = stats::quantiles(before, std::vector<double>{0.1, 0.9});
    const double scale = ends[1] > ends[0] ? (ends[1] - ends[0]) / 2.56 : 1;
    for (auto& value : values) value = (value - middle) / scale;
    out.values.push_back(std::move(values));
    out.scales.push_back(scale);
  }
  return out;
}

struct Form {
  size_t target = 0;
  std::vector<size_t> others;
  std::vector<double> weights;
};

// 1, x, x^2 and products of two.
void terms(const Sample& sample, const std::vector<size_t>& others, size_t row, std::vector<double>& into) {
  into.push_back(1);
  for (size_t i = 0; i < others.size(); ++i) {
    const double x = sample.values[others[i]][row];
    into.push_back(x);
    for (size_t j = 0; j <= i; ++j) into.push_back(x * sample.values[others[j]][row]);
  }
}

bool is_whole(const Sample& sample, size_t target, const std::vector<size_t>& others, size_t row) {
  if (std::isnan(sample.values[target][row])) return false;
  return std::none_of(others.begin(), others.end(), [&](size_t c) { return std::isnan(sample.values[c][row]); });
}

std::vector<double> residuals(const Sample& sample, const Form& form, const std::vector<size_t>& rows) {
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

bool fit(const Sample& sample, Form& form, const std::vector<size_t>& rows) {
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

std::vector<size_t> rows_where(const Sample& sample, const Form& form, const std::function<bool(size_t)>& wanted) {
  std::vector<size_t> out;
  for (size_t row = 0; row < sample.batch.size(); ++row)
    if (wanted(sample.batch[row]) && is_whole(sample, form.target, form.others, row)) out.push_back(row);
  return out;
}

std::vector<size_t> thinned(std::vector<size_t> rows) {
  const size_t step = rows.size() / kLearnRows + 1;
  size_t kept = 0;
  for (size_t i = 0; i < rows.size(); i += step) rows[kept++] = rows[i];
  rows.resize(kept);
  return rows;
}

// Greedy: the column that explains most, then the next, while it is worth it. Nothing when too little is explained.
std::optional<Form> choose(const Sample& sample, size_t target, size_t suspect) {
  Form best{.target = target};
  double spread = 1, whole = 0;
  while (best.others.size() < kOthers) {
    Form next;
    double next_spread = spread * (best.others.empty() ? 1 : kWorthwhile);
    for (size_t c = 0; c < sample.columns.size(); ++c) {
      if (c == target || std::count(best.others.begin(), best.others.end(), c) > 0) continue;
      Form trial{.target = target, .others = best.others};
      trial.others.push_back(c);
      const auto rows = thinned(rows_where(sample, trial, [&](size_t batch) { return batch < suspect; }));
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

// Share of the residuals of `batch` outside the interval that those of the other batches before `suspect` fill.
struct Outside {
  double share = 0, shift = 0, spread = 0;  // of the residuals; spread of the usual ones
};
std::optional<Outside> outside(const Sample& sample, Form form, size_t batch, size_t suspect) {
  const auto learn = rows_where(sample, form, [&](size_t b) { return b < suspect && b != batch; });
  const auto judge = rows_where(sample, form, [&](size_t b) { return b == batch; });
  if (judge.size() < 30 || !fit(sample, form, learn)) return std::nullopt;
  auto usual = residuals(sample, form, learn);
  std::sort(usual.begin(), usual.end());
  double low = stats::quantile_of_sorted(usual, kTail), high = stats::quantile_of_sorted(usual, 1 - kTail);
  const double wide = kWiden * (high - low);
  low -= wide, high += wide;
  const auto now = residuals(sample, form, judge);
  const auto count = std::count_if(now.begin(), now.end(), [&](double value) { return value < low || value > high; });
  return Outside{static_cast<double>(count) / static_cast<double>(now.size()),
                 stats::median(now) - stats::median(usual), stats::scaled_mad(usual)};
}

struct Judged {
  std::vector<std::string> names;
  std::vector<Outside> usual;  // of each batch of history, learned without it
  Outside now;
};

std::string others_text(const Judged& judged) {
  return fmt::format("{}", fmt::join(judged.names.begin() + 1, judged.names.end(), ", "));
}

void judge_share(Look& look, const Judged& judged) {
  const auto& frame = look.frame;
  std::vector<double> usual;
  for (const auto& one : judged.usual) usual.push_back(one.share);
  if (limit_of(usual, 1, 0) > kStable) return;
  look.consider({.kind = "broken_relation",
                 .columns = judged.names,
                 .value = judged.now.share,
                 .limit = limit_of(usual, kMargin, kFloor)},
                [&] {
                  return fmt::format(
                      "{} of the rows of {} no longer fit how {} followed from {} in the {} batches before "
                      "(at most {} in any of those)",
                      percent_text(judged.now.share), frame.batches[frame.suspect].node(), judged.names[0],
                      others_text(judged), frame.history(), percent_text(limit_of(usual, 1, 0)));
                });
}

// `scale` turns the sample's unit into the column's own.
void judge_shift(Look& look, const Judged& judged, double scale) {
  const auto& frame = look.frame;
  std::vector<double> usual;
  for (const auto& one : judged.usual) usual.push_back(std::abs(one.shift));
  look.consider({.kind = "broken_relation",
                 .columns = judged.names,
                 .value = scale * std::abs(judged.now.shift),
                 .limit = scale * limit_of(usual, kShiftMargin, kShiftFloor * judged.now.spread)},
                [&] {
                  return fmt::format(
                      "{} lies {} off what follows from {} as learned from the {} batches before (median of {}; at "
                      "most {} in any of those)",
                      judged.names[0], number_text(scale * judged.now.shift), others_text(judged), frame.history(),
                      frame.batches[frame.suspect].node(), number_text(scale * limit_of(usual, 1, 0)));
                });
}

void judge(Look& look, const Sample& sample, const Form& form) {
  const auto& frame = look.frame;
  Judged judged;
  for (size_t b = 0; b < frame.history(); ++b)
    if (const auto one = outside(sample, form, b, frame.suspect)) judged.usual.push_back(*one);
  const auto now = outside(sample, form, frame.suspect, frame.suspect);
  if (judged.usual.size() < 2 || !now) return;
  judged.now = *now;
  judged.names.push_back(frame.columns[sample.columns[form.target]].name);
  for (const size_t other : form.others) judged.names.push_back(frame.columns[sample.columns[other]].name);
  judge_share(look, judged);
  judge_shift(look, judged, sample.scales[form.target]);
}

}  // namespace

void look_at_relations(Look& look) {
  if (look.frame.history() < 2) return;
  const auto sample = sample_of(look);
  for (size_t target = 0; target < sample.columns.size(); ++target)
    if (const auto form = choose(sample, target, look.frame.suspect)) judge(look, sample, *form);
}

}  // namespace millrace::data::cause
