// Rules of review, compiled for one arm's inputs and outputs: which requests a person decides instead of the model.
// A condition may name each input with one value a row (of a matrix, the columns that its contract names), each such
// output, `score` (see ScoreOutput) and `label`: the output of that name, or 1 where the score has come to the
// release's threshold and 0 below it. An input's name means the input. What SQL has as NULL does not hold; what SQL
// cannot compute (an integer beyond 64 bits) holds, so that a person sees it.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "registry/release/review_rules.h"
#include "serve/guard.h"
#include "serve/prediction.h"

namespace millrace::engine {
class Engines;
}

namespace millrace::serve {

// What the rules are read against.
struct CaseSubject {
  std::string deployment;
  const std::vector<TensorSpec>& inputs;
  const std::vector<TensorSpec>& outputs;
  std::string contract;  // path; "" = none
  GuardMode guard = GuardMode::reject;
  std::optional<double> threshold;  // of the score
  std::string salt;                 // of the deployment
};

// A request that was answered. `outputs` has one for each of `wanted`.
struct CaseQuestion {
  std::span<const Tensor> inputs;  // as they came
  std::span<const size_t> wanted;
  std::span<const Tensor> outputs;
  const std::vector<Flag>& flags;
  size_t flagged = 0;     // of which `flags` holds the first
  std::string_view unit;  // "" = none: then the request itself is drawn
  std::string_view prediction_id;
};

// Immutable, thread-safe.
class CaseRules {
 public:
  virtual ~CaseRules() = default;
  // Outputs that must be computed, asked for or not.
  virtual const std::vector<size_t>& needs() const = 0;
  // The first rule that holds for a row, and its rows.
  virtual std::optional<Case> find(const CaseQuestion& question) const = 0;
};

// `invalid` at deployments.NAME.review[I].KEY for a column that there is not (with the nearest), for what is no
// condition of rows, and for a flag that this guard never sets. Null without rules.
Result<std::shared_ptr<const CaseRules>> compile_cases(const std::vector<registry::ReviewRule>& rules,
                                                       const CaseSubject& subject, engine::Engines& engines);

}  // namespace millrace::serve
