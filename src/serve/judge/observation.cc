#include "serve/judge/observation.h"

#include <algorithm>
#include <cmath>

namespace millrace::serve {
namespace {

bool is_real(DType type) { return type == DType::fp32 || type == DType::fp64; }

// Values a row; 0 when that is not fixed.
int64_t per_row(const TensorSpec& spec) {
  if (spec.shape.rank() == 0 || spec.shape[0] != -1) return 0;
  int64_t out = 1;
  for (size_t i = 1; i < spec.shape.rank(); ++i) out *= std::max<int64_t>(spec.shape[i], 0);
  return out;
}

double value_at(const Tensor& tensor, size_t at) {
  return tensor.type == DType::fp32 ? tensor.as<float>()[at] : tensor.as<double>()[at];
}

// Null when the score was not asked for.
const Tensor* scores_in(const ScoreOutput& where, std::span<const size_t> wanted, std::span<const Tensor> outputs) {
  const auto at = std::find(wanted.begin(), wanted.end(), where.output);
  const auto place = static_cast<size_t>(at - wanted.begin());
  if (at == wanted.end() || place >= outputs.size() || !is_real(outputs[place].type)) return nullptr;
  return &outputs[place];
}

}  // namespace

std::optional<ScoreOutput> score_output(const std::vector<TensorSpec>& outputs) {
  std::optional<ScoreOutput> single, pair;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!is_real(outputs[i].type)) continue;
    const auto each = per_row(outputs[i]);
    if (each == 1 && (!single || outputs[i].name == "probability")) single = ScoreOutput{.output = i, .columns = 1};
    if (each == 2 && !pair) pair = ScoreOutput{.output = i, .columns = 2};
  }
  return single ? single : pair;
}

void read_scores(const ScoreOutput& where, std::span<const size_t> wanted, std::span<const Tensor> outputs,
                 Observation& out) {
  const auto* found = scores_in(where, wanted, outputs);
  if (found == nullptr) return;
  const auto& tensor = *found;
  const size_t rows = tensor.elements() / where.columns;
  const size_t taken = std::min(rows, Observation::kScores);
  for (size_t i = 0; i < taken; ++i) {
    const size_t row = i * rows / taken;
    const auto score = static_cast<float>(value_at(tensor, row * where.columns + where.columns - 1));
    if (std::isfinite(score)) out.score[out.scores++] = score;
  }
}

ScoreSums sum_scores(const ScoreOutput& where, std::span<const size_t> wanted, std::span<const Tensor> outputs,
                     double threshold) {
  ScoreSums out;
  const auto* found = scores_in(where, wanted, outputs);
  if (found == nullptr) return out;
  const size_t rows = found->elements() / where.columns;
  for (size_t row = 0; row < rows; ++row) {
    const double score = value_at(*found, row * where.columns + where.columns - 1);
    if (!std::isfinite(score)) continue;
    ++out.n;
    out.positive += score >= threshold ? 1 : 0;
    out.sum += score;
    out.squares += score * score;
  }
  return out;
}

// Ids are UUIDs of version 7: their last 16 digits are chance.
uint64_t short_id(std::string_view id) {
  uint64_t out = 0;
  for (const char c : id.substr(id.size() > 18 ? id.size() - 18 : 0)) {
    if (c >= '0' && c <= '9') out = out << 4 | static_cast<uint64_t>(c - '0');
    if (c >= 'a' && c <= 'f') out = out << 4 | static_cast<uint64_t>(c - 'a' + 10);
  }
  return out;
}

}  // namespace millrace::serve
