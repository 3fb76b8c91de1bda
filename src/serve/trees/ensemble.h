// Decision trees as files describe them, in one form for all formats; forest.h is what runs them.
#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/result.h"

namespace millrace::serve::trees {

// What a node asks of a feature's value x.
enum class Test : uint8_t {
  at_most,  // x <= value; a NaN value is never reached
  equal,    // x == value
  in_set    // the whole part of x lies in a set
};

struct Node {
  bool leaf = false;
  Test test = Test::at_most;
  bool missing_yes = false;      // where NaN goes
  bool zero_is_missing = false;  // so go values that are zero or so small that LightGBM takes them for it
  uint32_t feature = 0;
  uint32_t set = 0;                        // of in_set: index into Ensemble::sets
  uint32_t yes = 0, no = 0;                // indexes into Tree::nodes
  uint32_t first_weight = 0, weights = 0;  // of a leaf: a span of Tree::weights
  double value = 0;
};

struct Weight {
  uint32_t target = 0;
  double value = 0;
};

struct Tree {
  std::vector<Node> nodes;  // the root first
  std::vector<Weight> weights;
};

struct Ensemble {
  size_t features = 0;
  size_t targets = 0;
  std::vector<Tree> trees;
  std::vector<std::vector<uint32_t>> sets;  // bit c of a set: category c is in it
  bool small_is_zero = false;               // values of at most 1e-35 count as zero (LightGBM)
  bool fraction_below_zero = false;         // is -0.5 the category 0 (LightGBM) or none (XGBoost)?
};

// `x < value` is `x <= below(value)`.
template <class T>
double below(T value);

// Are all indexes in range, is each node reached once from its root (no cycles, nothing shared), is every limit kept,
// has every leaf a weight? Loaders call it before anything walks the trees. `corrupt`, `too_large`.
Result<void> check(const Ensemble& ensemble);

}  // namespace millrace::serve::trees
