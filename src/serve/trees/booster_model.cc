// LightGBM's and XGBoost's models run by our forest: sums and transformations as their own libraries do them.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "serve/trees/booster_specs.h"
#include "serve/trees/files/lightgbm_file.h"
#include "serve/trees/files/xgboost_file.h"
#include "serve/trees/forest.h"
#include "serve/trees/probe.h"
#include "serve/trees/tree_model.h"
#include "serve/trees/zeros.h"

namespace millrace::serve::trees {
namespace {

template <class T>
T* values_of(Tensor& tensor) {
  return reinterpret_cast<T*>(tensor.data.data());
}

// Softmax; the sum is kept in doubles by both libraries.
template <class T>
void softmax(T* values, size_t count) {
  const T most = *std::max_element(values, values + count);
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    values[i] = std::exp(values[i] - most);
    sum += values[i];
  }
  for (size_t i = 0; i < count; ++i) values[i] /= static_cast<T>(sum);
}

// LightGBM computes in doubles.
struct Lightgbm {
  using Value = double;
  using File = LightgbmTrees;
  using Link = LightgbmTrees::Link;

  explicit Lightgbm(const File& file)
      : link(file.link),
        sigmoid(file.sigmoid),
        targets(file.ensemble.targets),
        iterations(file.average ? static_cast<double>(file.ensemble.trees.size() / targets) : 0),
        specs(lightgbm_specs(file.ensemble.features, targets)) {}

  size_t width() const { return targets; }
  void begin(double* sums) const { std::fill_n(sums, targets, 0.0); }
  void finish(double* sums, double* out) const {
    if (iterations > 0)
      for (size_t i = 0; i < targets; ++i) sums[i] /= iterations;
    std::copy_n(sums, targets, out);
    if (link == Link::softmax) return softmax(out, targets);
    if (link == Link::identity) return;
    const size_t count = link == Link::sigmoid_each ? targets : 1;
    for (size_t i = 0; i < count; ++i) out[i] = linked(sums[i]);
  }
  double linked(double x) const {
    switch (link) {
      case Link::sigmoid:
      case Link::sigmoid_each: return 1.0 / (1.0 + std::exp(-sigmoid * x));
      case Link::exponential: return std::exp(x);
      case Link::log1p_exponential: return std::log1p(std::exp(x));
      case Link::signed_square: return x < 0 ? -x * x : x * x;
      default: return x;
    }
  }

  Link link;
  double sigmoid;
  size_t targets;
  double iterations;  // of an average; 0 = none
  BoosterSpecs specs;
};

// XGBoost computes in 32-bit floats.
struct Xgboost {
  using Value = float;
  using File = XgboostTrees;

  explicit Xgboost(const File& file)
      : link(file.link),
        base(file.base),
        specs(xgboost_specs(file.ensemble.features, file.link == Link::softmax ? 1 : base.size(), file.ubj)) {}

  size_t width() const { return link == Link::softmax ? 1 : base.size(); }
  void begin(float* sums) const { std::copy(base.begin(), base.end(), sums); }
  void finish(float* sums, float* out) const {
    if (link == Link::softmax) {
      out[0] = static_cast<float>(std::max_element(sums, sums + base.size()) - sums);
      return;
    }
    for (size_t i = 0; i < base.size(); ++i) out[i] = linked(sums[i]);
    if (link == Link::softprob) softmax(out, base.size());
  }
  float linked(float x) const {
    switch (link) {
      case Link::logistic: return 1.0F / (std::exp(std::min(-x, 88.7F)) + 1.0F + 1e-16F);
      case Link::exponential: return std::exp(x);
      case Link::exponential_double: return static_cast<float>(std::exp(static_cast<double>(x)));
      case Link::hinge: return x > 0 ? 1.0F : 0.0F;
      default: return x;
    }
  }

  Link link;
  std::vector<float> base;
  BoosterSpecs specs;
};

template <class Booster>
class BoosterModel final : public TreeModel {
  using Value = typename Booster::Value;

 public:
  explicit BoosterModel(const typename Booster::File& file)
      : booster_(file), rows_(file.ensemble), forest_(rows_.simplified(file.ensemble)), probe_(file.ensemble) {}

  std::string_view platform() const override { return booster_.specs.platform; }
  const std::vector<TensorSpec>& inputs() const override { return booster_.specs.inputs; }
  const std::vector<TensorSpec>& outputs() const override { return booster_.specs.outputs; }
  bool batched() const override { return true; }
  Tensor trial(size_t rows, bool infinities) const override { return probe_.rows(rows, infinities); }

  Result<std::vector<Tensor>> run(std::span<const Tensor> inputs, std::span<const size_t> wanted) const override {
    const auto rows = static_cast<size_t>(inputs[0].shape[0]);
    const auto* values = reinterpret_cast<const Value*>(inputs[0].data.data());
    std::vector<Value> prepared;
    if (rows_.needed()) {
      prepared.assign(values, values + rows * forest_.features());
      rows_.prepare(prepared);
      values = prepared.data();
    }
    const size_t targets = forest_.targets(), width = booster_.width();
    std::vector<Value> sums(rows * targets);
    for (size_t row = 0; row < rows; ++row) booster_.begin(sums.data() + row * targets);
    forest_.add(values, rows, sums.data());
    Tensor out{.type = outputs()[0].type, .shape = outputs()[0].shape};
    out.shape[0] = inputs[0].shape[0];
    out.data.resize(rows * width * sizeof(Value));
    for (size_t row = 0; row < rows; ++row)
      booster_.finish(sums.data() + row * targets, values_of<Value>(out) + row * width);
    std::vector<Tensor> all;
    all.reserve(wanted.size());
    for (size_t i = 1; i < wanted.size(); ++i) all.push_back(out);
    if (!wanted.empty()) all.push_back(std::move(out));
    return all;
  }

 private:
  Booster booster_;
  Zeros<Value> rows_;
  Forest<Value> forest_;
  Probe<Value> probe_;
};

template <class Booster>
Result<std::shared_ptr<const TreeModel>> make(Result<typename Booster::File> file, const std::string& from) {
  if (!file) return std::move(file).error().at({.file = from});
  return std::shared_ptr<const TreeModel>(std::make_shared<BoosterModel<Booster>>(*file));
}

}  // namespace

Result<std::shared_ptr<const TreeModel>> make_lightgbm_trees(std::string_view bytes, const std::string& from) {
  return make<Lightgbm>(read_lightgbm(bytes), from);
}

Result<std::shared_ptr<const TreeModel>> make_xgboost_trees(std::string_view bytes, const std::string& from) {
  return make<Xgboost>(read_xgboost(bytes), from);
}

}  // namespace millrace::serve::trees
