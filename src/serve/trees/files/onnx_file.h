// ONNX files that are one tree ensemble: a TreeEnsembleClassifier or TreeEnsembleRegressor of ai.onnx.ml 1 or 3 on one
// float matrix, and behind it what converters add and what does not compute (Identity, Cast to the type that is there
// already, Mul by a constant). The wire format is read here; no library. Specification: onnx/docs/Operators-ml.md.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "serve/tensor.h"
#include "serve/trees/ensemble.h"

namespace millrace::serve::trees {

enum class Aggregate : uint8_t { sum, average, min, max };
enum class Transform : uint8_t { none, softmax, logistic, softmax_zero, probit };

struct OnnxOutput {
  std::string name;
  bool label = false;          // the class, not the scores
  std::vector<float> factors;  // that scores are multiplied by, in this order
};

struct OnnxTrees {
  Ensemble ensemble;
  bool classifier = false;
  Aggregate aggregate = Aggregate::sum;
  Transform transform = Transform::none;
  std::vector<float> base;
  std::vector<bool> scored;              // a target: does any leaf have a value for it? Then one leaf on every path has
  std::vector<int64_t> labels;           // of a classifier: either these
  std::vector<std::string> label_texts;  // or these
  std::string input;
  std::vector<OnnxOutput> outputs;  // in the file's order
};

// `unsupported` when the file may well be a model but not of this kind: the message says what stands against it.
// `corrupt` and `too_large` as check() says. The bytes have passed onnx::inspect().
Result<OnnxTrees> read_onnx(std::string_view bytes);

}  // namespace millrace::serve::trees
