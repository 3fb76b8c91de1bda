#include "stats/binary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace millrace::stats {
namespace {

template <class Loss>
Result<Interval> mean_loss(Labels labels, Scores probabilities, double confidence, Loss loss) {
  MILLRACE_DO(check_probabilities(labels, probabilities));
  MILLRACE_TRY(const double z, checked_z(confidence));
  double sum = 0, squares = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const double value = loss(labels[i] != 0, probabilities[i]);
    sum += value;
    squares += value * value;
  }
  Interval out = mean_interval(sum, squares, static_cast<int64_t>(labels.size()), z);
  out.low = std::max(0.0, out.low);
  return out;
}

Result<Interval> share(std::string_view name, int64_t hits, int64_t n, double confidence) {
  auto out = wilson(hits, n, confidence);
  if (!out && n == 0) return Error{Code::invalid, fmt::format("{} is undefined: there is no row to divide by", name)};
  return out;
}

}  // namespace

Result<void> check_probabilities(Labels labels, Scores probabilities) {
  if (labels.size() != probabilities.size())
    return Error{Code::invalid,
                 fmt::format("{} labels do not go with {} probabilities", labels.size(), probabilities.size())};
  if (labels.empty()) return Error{Code::invalid, "there are no rows"};
  for (size_t i = 0; i < probabilities.size(); ++i)
    if (!(probabilities[i] >= 0 && probabilities[i] <= 1))
      return Error{Code::invalid, fmt::format("{} in row {} is not a probability", probabilities[i], i)}.hint(
          "give values from 0 to 1");
  return {};
}

Result<Interval> log_loss(Labels labels, Scores probabilities, double confidence) {
  return mean_loss(labels, probabilities, confidence, [](bool label, double p) {
    return -std::log(std::clamp(label ? p : 1 - p, kLogLossClip, 1 - kLogLossClip));
  });
}

Result<Interval> brier_score(Labels labels, Scores probabilities, double confidence) {
  return mean_loss(labels, probabilities, confidence,
                   [](bool label, double p) { return (p - (label ? 1 : 0)) * (p - (label ? 1 : 0)); });
}

void Confusion::add(bool label, bool chosen) {
  if (label)
    ++(chosen ? true_positives : false_negatives);
  else
    ++(chosen ? false_positives : true_negatives);
}

void Confusion::merge(const Confusion& other) {
  true_positives += other.true_positives;
  false_positives += other.false_positives;
  true_negatives += other.true_negatives;
  false_negatives += other.false_negatives;
}

Result<Interval> Confusion::recall(double confidence) const {
  return share("recall", true_positives, true_positives + false_negatives, confidence);
}
Result<Interval> Confusion::precision(double confidence) const {
  return share("precision", true_positives, true_positives + false_positives, confidence);
}
Result<Interval> Confusion::specificity(double confidence) const {
  return share("specificity", true_negatives, true_negatives + false_positives, confidence);
}
Result<Interval> Confusion::accuracy(double confidence) const {
  return share("accuracy", true_positives + true_negatives, rows(), confidence);
}

double Confusion::f1() const {
  const double both = 2.0 * static_cast<double>(true_positives);
  const double below = both + static_cast<double>(false_positives + false_negatives);
  return below > 0 ? both / below : std::numeric_limits<double>::quiet_NaN();
}

Result<Confusion> confusion(Labels labels, Scores scores, double threshold) {
  if (labels.size() != scores.size())
    return Error{Code::invalid, fmt::format("{} labels do not go with {} scores", labels.size(), scores.size())};
  if (std::isnan(threshold)) return Error{Code::invalid, "the threshold is not a number"};
  Confusion out;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (std::isnan(scores[i])) return Error{Code::invalid, fmt::format("the score of row {} is not a number", i)};
    out.add(labels[i] != 0, scores[i] >= threshold);
  }
  return out;
}

}  // namespace millrace::stats
