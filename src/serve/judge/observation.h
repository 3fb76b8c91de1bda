// What the judge sees of one request: its arm, what became of it, how long it took, its scores.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "serve/counts/scores.h"
#include "serve/prediction.h"

namespace millrace::serve {

// Where a model's answers have their score: the only floating-point output with one value a row, else the one of that
// kind named `probability`, else the first of them; else the last column of the first floating-point output with two
// columns (the probabilities of two classes).
struct ScoreOutput {
  size_t output = 0;   // index of the model's outputs
  size_t columns = 1;  // values a row, of which the last counts
};
std::optional<ScoreOutput> score_output(const std::vector<TensorSpec>& outputs);

struct Observation {
  static constexpr size_t kScores = 8;

  bool canary = false;
  Outcome outcome = Outcome::answered;
  uint8_t scores = 0;                  // how many of `score` there are
  float duration_us = 0;               // of answered requests
  std::array<float, kScores> score{};  // finite; of evenly chosen rows where there are more
  uint64_t prediction = 0;             // short form of its id, see short_id()
  uint64_t unit = 0;                   // a hash of it, where units are counted
};

// Takes the scores out of an answer; none when the score was not asked for.
void read_scores(const ScoreOutput& where, std::span<const size_t> wanted, std::span<const Tensor> outputs,
                 Observation& out);

// All scores of an answer; those that are not finite are left out.
ScoreSums sum_scores(const ScoreOutput& where, std::span<const size_t> wanted, std::span<const Tensor> outputs,
                     double threshold);

uint64_t short_id(std::string_view prediction_id);

}  // namespace millrace::serve
