#include "serve/trees/files/onnx_file.h"
#include "serve/trees/forest.h"
#include "serve/trees/onnx_scores.h"
#include "serve/trees/probe.h"
#include "serve/trees/tree_model.h"

namespace millrace::serve::trees {
namespace {

class OnnxTreeModel final : public TreeModel {
 public:
  explicit OnnxTreeModel(const OnnxTrees& file)
      : forest_(file.ensemble),
        scores_(file, file.ensemble.trees.size()),
        probe_(file.ensemble),
        aggregate_(file.aggregate),
        outputs_of_file_(file.outputs),
        labels_(file.labels),
        label_texts_(file.label_texts) {
    inputs_.push_back(
        {.name = file.input, .type = DType::fp32, .shape = {-1, static_cast<int64_t>(forest_.features())}});
    const DType label = labels_.empty() ? DType::bytes : DType::int64;
    for (const auto& output : file.outputs) {
      if (output.label)
        outputs_.push_back({.name = output.name, .type = label, .shape = {-1}});
      else
        outputs_.push_back(
            {.name = output.name, .type = DType::fp32, .shape = {-1, static_cast<int64_t>(scores_.width())}});
    }
  }

  std::string_view platform() const override { return "onnx_onnxv1"; }
  const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  bool batched() const override { return true; }
  Tensor trial(size_t rows, bool infinities) const override { return probe_.rows(rows, infinities); }

  Result<std::vector<Tensor>> run(std::span<const Tensor> inputs, std::span<const size_t> wanted) const override {
    const auto rows = static_cast<size_t>(inputs[0].shape[0]);
    const auto* values = reinterpret_cast<const float*>(inputs[0].data.data());
    std::vector<float> sums(rows * forest_.targets(), 0.0F);
    sum(values, rows, sums.data());
    const size_t width = scores_.width();
    Tensor scores{.type = DType::fp32, .shape = {inputs[0].shape[0], static_cast<int64_t>(width)}};
    scores.data.resize(rows * width * sizeof(float));
    auto* to = reinterpret_cast<float*>(scores.data.data());
    std::vector<uint32_t> classes(labels_.empty() && label_texts_.empty() ? 0 : rows);
    for (size_t row = 0; row < rows; ++row) {
      const size_t best = scores_.finish(sums.data() + row * forest_.targets(), to + row * width);
      if (!classes.empty()) classes[row] = static_cast<uint32_t>(best);
    }
    std::vector<Tensor> out;
    out.reserve(wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      const auto& output = outputs_of_file_[wanted[i]];
      out.push_back(output.label ? label_tensor(classes) : i + 1 == wanted.size() ? std::move(scores) : scores);
      for (const float factor : output.factors) multiply(out.back(), factor);
    }
    return out;
  }

 private:
  void sum(const float* values, size_t rows, float* sums) const {
    if (aggregate_ == Aggregate::sum || aggregate_ == Aggregate::average) return forest_.add(values, rows, sums);
    std::vector<bool> has(forest_.targets());
    for (size_t row = 0; row < rows; ++row) {
      has.assign(has.size(), false);
      float* of_row = sums + row * forest_.targets();
      forest_.each(values + row * forest_.features(), [&](const auto& share) {
        float& value = of_row[share.target];
        const bool better = aggregate_ == Aggregate::min ? share.value < value : share.value > value;
        if (!has[share.target] || better) value = share.value;
        has[share.target] = true;
      });
    }
  }

  Tensor label_tensor(const std::vector<uint32_t>& classes) const {
    Tensor out{.type = labels_.empty() ? DType::bytes : DType::int64, .shape = {static_cast<int64_t>(classes.size())}};
    if (labels_.empty()) {
      for (const uint32_t each : classes) out.texts.push_back(label_texts_[each]);
      return out;
    }
    out.data.resize(classes.size() * sizeof(int64_t));
    auto* to = reinterpret_cast<int64_t*>(out.data.data());
    for (size_t i = 0; i < classes.size(); ++i) to[i] = labels_[classes[i]];
    return out;
  }

  static void multiply(Tensor& tensor, float factor) {
    auto* values = reinterpret_cast<float*>(tensor.data.data());
    for (size_t i = 0; i < tensor.data.size() / sizeof(float); ++i) values[i] *= factor;
  }

  Forest<float> forest_;
  OnnxScores scores_;
  Probe<float> probe_;
  Aggregate aggregate_;
  std::vector<OnnxOutput> outputs_of_file_;
  std::vector<int64_t> labels_;
  std::vector<std::string> label_texts_;
  std::vector<TensorSpec> inputs_, outputs_;
};

}  // namespace

Result<std::shared_ptr<const TreeModel>> make_onnx_trees(std::string_view bytes, const std::string& from) {
  auto file = read_onnx(bytes);
  if (!file) return std::move(file).error().at({.file = from});
  return std::shared_ptr<const TreeModel>(std::make_shared<OnnxTreeModel>(*file));
}

}  // namespace millrace::serve::trees
