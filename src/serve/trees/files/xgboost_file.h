// XGBoost's model files: the JSON document, or the same as UBJSON, of versions 1.3 and later, boosters gbtree and dart.
// Their layout: doc/model.schema of XGBoost.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "serve/trees/ensemble.h"

namespace millrace::serve::trees {

// What the objective makes of the margins.
enum class Link : uint8_t { identity, logistic, exponential, exponential_double, hinge, softprob, softmax };

struct XgboostTrees {
  Ensemble ensemble;  // targets: margins of a row
  Link link = Link::identity;
  std::vector<float> base;  // margin of each target that the sum begins with
  std::string objective;
  std::vector<std::string> names;  // of features; may be empty
  bool ubj = false;
};

// `unsupported`: a model that is not run (linear boosters, vector leaves, objectives that are not known). `corrupt`,
// `too_large` as check() says, and when the document is no model.
Result<XgboostTrees> read_xgboost(std::string_view bytes);

}  // namespace millrace::serve::trees
