// LightGBM's model files: the text that Booster.save_model() writes, of the versions v2 to v4.
// Its layout and decisions: src/boosting/gbdt_model_text.cpp and include/LightGBM/tree.h of LightGBM.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "serve/trees/ensemble.h"

namespace millrace::serve::trees {

struct LightgbmTrees {
  enum class Link : uint8_t { identity, sigmoid, sigmoid_each, softmax, exponential, log1p_exponential, signed_square };
  Ensemble ensemble;  // targets: raw scores of a row
  Link link = Link::identity;
  double sigmoid = 1;              // steepness
  bool average = false;            // random forests: raw scores are divided by the iterations
  std::string objective;           // "" = of the user's own: answers are raw scores
  std::vector<std::string> names;  // of features
};

// `unsupported`: linear leaves and objectives that are not known. `corrupt`, `too_large` as check() says, and when the
// text is no model.
Result<LightgbmTrees> read_lightgbm(std::string_view text);

}  // namespace millrace::serve::trees
