#include "stats/ranking.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace millrace::stats {
namespace {

Result<void> check(Labels labels, Scores scores) {
  if (labels.size() != scores.size())
    return Error{Code::invalid, fmt::format("{} labels do not go with {} scores", labels.size(), scores.size())};
  for (size_t i = 0; i < scores.size(); ++i)
    if (std::isnan(scores[i])) return Error{Code::invalid, fmt::format("the score of row {} is not a number", i)};
  return {};
}

std::vector<size_t> order_of(Scores scores) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] < scores[b]; });
  return order;
}

// Of one run of equal scores: its rows of both classes, and those before it.
struct Run {
  double positives = 0, negatives = 0, positives_before = 0, negatives_before = 0;
};

template <class Visit>
void each_run(Labels labels, Scores scores, Visit visit) {
  const std::vector<size_t> order = order_of(scores);
  Run run;
  for (size_t i = 0; i < order.size(); ++i) {
    (labels[order[i]] != 0 ? run.positives : run.negatives) += 1;
    if (i + 1 < order.size() && scores[order[i + 1]] == scores[order[i]]) continue;
    visit(run);
    run = {0, 0, run.positives_before + run.positives, run.negatives_before + run.negatives};
  }
}

// Mean and variance of placements as they come, with their weight (Welford, West 1979).
class Spread {
 public:
  void add(double value, double weight) {
    if (weight == 0) return;
    weight_ += weight;
    const double delta = value - mean_;
    mean_ += delta * weight / weight_;
    squares_ += weight * delta * (value - mean_);
  }
  double mean() const { return mean_; }
  double variance_of_mean() const { return weight_ > 1 ? squares_ / (weight_ - 1) / weight_ : 0; }

 private:
  double weight_ = 0, mean_ = 0, squares_ = 0;
};

// `variance` is that of the two means of placements.
Result<Auc> finish(Auc out, double auc, double variance, double z) {
  const double smaller = static_cast<double>(std::min(out.positives, out.negatives));
  out.variance = smaller > 1 ? variance : 0;
  if (out.variance > 0) {
    const double half = z * std::sqrt(out.variance);
    out.auc = {auc, std::max(0.0, auc - half), std::min(1.0, auc + half)};
  } else {
    out.auc = wilson_of_share(auc, smaller, z);
  }
  return out;
}

Result<void> needs_both(int64_t positives, int64_t negatives) {
  if (positives > 0 && negatives > 0) return {};
  return Error{Code::invalid,
               fmt::format("ROC AUC needs both classes; {} of {} rows are positive", positives, positives + negatives)}
      .hint("take more rows, or a longer window");
}

// Of the mean of n placements that are `right` / (2 * others).
double variance_of_mean(double sum, double squares, double n, double others) {
  if (n < 2) return 0;
  return std::max(0.0, squares - sum / n * sum) / (n - 1) / n / (4 * others * others);
}

}  // namespace

Result<Auc> roc_auc(Labels labels, Scores scores, double confidence) {
  MILLRACE_DO(check(labels, scores));
  MILLRACE_TRY(const double z, checked_z(confidence));
  Auc out;
  out.positives = std::count_if(labels.begin(), labels.end(), [](uint8_t label) { return label != 0; });
  out.negatives = static_cast<int64_t>(labels.size()) - out.positives;
  MILLRACE_DO(needs_both(out.positives, out.negatives));
  const double up = static_cast<double>(out.positives), down = static_cast<double>(out.negatives);

  // A placement is the share of the other class that a row beats, ties counted half; equal for all rows of a run.
  Spread of_positives, of_negatives;
  each_run(labels, scores, [&](const Run& run) {
    of_positives.add((run.negatives_before + run.negatives / 2) / down, run.positives);
    of_negatives.add((up - run.positives_before - run.positives / 2) / up, run.negatives);
  });
  return finish(out, of_positives.mean(), of_positives.variance_of_mean() + of_negatives.variance_of_mean(), z);
}

Result<Auc> roc_auc(const AucSums& sums, double confidence) {
  MILLRACE_TRY(const double z, checked_z(confidence));
  MILLRACE_DO(needs_both(sums.positives, sums.negatives));
  const double up = static_cast<double>(sums.positives), down = static_cast<double>(sums.negatives);
  const double variance = variance_of_mean(sums.right, sums.positive_squares, up, down) +
                          variance_of_mean(sums.right, sums.negative_squares, down, up);
  return finish({.auc = {}, .positives = sums.positives, .negatives = sums.negatives}, sums.right / (2 * up * down),
                variance, z);
}

Result<double> average_precision(Labels labels, Scores scores) {
  MILLRACE_DO(check(labels, scores));
  const double rows = static_cast<double>(labels.size());
  const double up =
      static_cast<double>(std::count_if(labels.begin(), labels.end(), [](uint8_t label) { return label != 0; }));
  if (up == 0)
    return Error{Code::invalid, fmt::format("average precision needs a positive; none of {} rows is", labels.size())};
  double sum = 0;
  each_run(labels, scores, [&](const Run& run) {
    if (run.positives == 0) return;
    const double chosen = rows - run.positives_before - run.negatives_before;
    sum += run.positives / up * (up - run.positives_before) / chosen;
  });
  return sum;
}

}  // namespace millrace::stats
