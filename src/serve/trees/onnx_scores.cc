#include "serve/trees/onnx_scores.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace millrace::serve::trees {
namespace {

float logistic(float x) {
  const float of_magnitude = 1 / (1 + std::exp(-std::abs(x)));
  return x < 0 ? 1 - of_magnitude : of_magnitude;
}

// Winitzki's approximation of the inverse error function, with the constants that the runtime has.
float probit(float x) {
  const float y = x * 2 - 1;
  const float sign = y < 0 ? -1.0F : 1.0F;
  const float log = std::log((1 - y) * (1 + y));
  const float half = 2 / (3.14159274F * 0.147F) + 0.5F * log;
  const float inside = 1 / 0.147F * log;
  return 1.41421356F * (sign * std::sqrt(-half + std::sqrt(half * half - inside)));
}

void softmax(float* values, size_t count) {
  const float most = *std::max_element(values, values + count);
  float sum = 0;
  for (size_t i = 0; i < count; ++i) {
    values[i] = std::exp(values[i] - most);
    sum += values[i];
  }
  for (size_t i = 0; i < count; ++i) values[i] /= sum;
}

// Softmax over what is not zero; zeros stay near zero.
void softmax_zero(float* values, size_t count) {
  constexpr float kZero = 0.0000001F;
  const float most = *std::max_element(values, values + count);
  const float scale = std::exp(-most);
  float sum = 0;
  for (size_t i = 0; i < count; ++i) {
    if (values[i] > kZero || values[i] < -kZero) {
      values[i] = std::exp(values[i] - most);
      sum += values[i];
    } else {
      values[i] *= scale;
    }
  }
  for (size_t i = 0; i < count; ++i) values[i] /= sum;
}

bool all_positive(const Ensemble& ensemble) {
  for (const auto& tree : ensemble.trees)
    for (const auto& weight : tree.weights)
      if (weight.value < 0) return false;
  return true;
}

}  // namespace

OnnxScores::OnnxScores(const OnnxTrees& model, size_t trees)
    : classifier_(model.classifier),
      average_(model.aggregate == Aggregate::average),
      all_positive_(all_positive(model.ensemble)),
      one_class_(std::count(model.scored.begin(), model.scored.end(), true) == 1),
      transform_(model.transform),
      base_(model.base),
      scored_(model.scored),
      targets_(model.ensemble.targets),
      trees_(trees),
      width_(model.ensemble.targets) {}

void OnnxScores::write(const float* values, float* scores, size_t count) const {
  std::copy_n(values, count, scores);
  switch (transform_) {
    case Transform::none: return;
    case Transform::softmax: return softmax(scores, count);
    case Transform::softmax_zero: return softmax_zero(scores, count);
    case Transform::logistic: std::transform(scores, scores + count, scores, logistic); return;
    case Transform::probit: std::transform(scores, scores + count, scores, probit); return;
  }
}

// A regressor's. Of one target, and of several when there is one for each.
void OnnxScores::add_base(float* sums) const {
  if (average_)
    for (size_t i = 0; i < targets_; ++i) sums[i] /= static_cast<float>(trees_);
  if (base_.size() != targets_) return;
  for (size_t i = 0; i < targets_; ++i) sums[i] += base_[i];
}

size_t OnnxScores::finish(float* sums, float* scores) const {
  if (!classifier_) {
    add_base(sums);
    if (targets_ > 1)
      write(sums, scores, targets_);
    else
      scores[0] = transform_ == Transform::probit ? probit(sums[0]) : sums[0];
    return 0;
  }
  if (targets_ == 2) return finish_binary(sums, scores);
  for (size_t i = 0; i < base_.size(); ++i) sums[i] = scored_[i] ? sums[i] + base_[i] : base_[i];
  size_t best = targets_;
  for (size_t i = 0; i < targets_; ++i)
    if ((scored_[i] || i < base_.size()) && (best == targets_ || sums[i] > sums[best])) best = i;
  write(sums, scores, targets_);
  return best;
}

// Two classes. When the leaves have values for the first only, it stands for the positive one.
size_t OnnxScores::finish_binary(float* sums, float* scores) const {
  const bool both = scored_[1];
  if (base_.size() == 2) {
    sums[1] = base_[1] + sums[0];
    sums[0] = -sums[1];
  } else if (base_.size() == 1) {
    sums[0] += base_[0];
  }
  const float positive = scored_[1] ? sums[1] : sums[0];
  const size_t label = positive > (one_class_ && all_positive_ ? 0.5F : 0.0F) ? 1 : 0;
  if (both) {
    write(sums, scores, 2);
  } else if (transform_ == Transform::logistic) {
    scores[0] = logistic(-sums[0]);
    scores[1] = logistic(sums[0]);
  } else {  // other transformations leave one number as it is
    scores[0] = one_class_ && all_positive_ ? 1.0F - sums[0] : -sums[0];
    scores[1] = sums[0];
  }
  return label;
}

}  // namespace millrace::serve::trees
