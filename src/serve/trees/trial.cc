#include "serve/trees/trial.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include <fmt/format.h>

namespace millrace::serve::trees {
namespace {

constexpr size_t kAlone = 64;                              // rows that are asked one by one
constexpr size_t kBatches[] = {2, 7, 33, 128, 300, 1024};  // rows of a batch
constexpr int kRounds = 8, kCalls = 32;

std::string shown(const TensorSpec& spec) {
  return fmt::format("'{}' {} {}", spec.name, name_of(spec.type), spec.shape.text());
}

std::string compare_specs(const std::vector<TensorSpec>& native, const std::vector<TensorSpec>& reference) {
  if (native.size() != reference.size())
    return fmt::format("it has {} tensors where we have {}", reference.size(), native.size());
  for (size_t i = 0; i < native.size(); ++i)
    if (native[i].name != reference[i].name || native[i].type != reference[i].type ||
        !(native[i].shape == reference[i].shape))
      return fmt::format("it has {} where we have {}", shown(reference[i]), shown(native[i]));
  return "";
}

std::string shown(const Tensor& tensor, size_t at) {
  switch (tensor.type) {
    case DType::bytes: return fmt::format("'{}'", tensor.texts[at].substr(0, 60));
    case DType::fp32: return fmt::format("{}", tensor.as<float>()[at]);
    case DType::fp64: return fmt::format("{}", tensor.as<double>()[at]);
    default: return fmt::format("{}", tensor.as<int64_t>()[at]);
  }
}

std::string compare_tensors(const std::string& name, const Tensor& native, const Tensor& reference) {
  if (native.type != reference.type || !(native.shape == reference.shape))
    return fmt::format("'{}' has the shape {} there, {} here", name, reference.shape.text(), native.shape.text());
  const size_t size = size_of(native.type);
  for (size_t i = 0; i < native.elements(); ++i) {
    const bool same = native.type == DType::bytes
                          ? native.texts[i] == reference.texts[i]
                          : std::memcmp(native.data.data() + i * size, reference.data.data() + i * size, size) == 0;
    if (!same)
      return fmt::format("element {} of '{}' is {} there, {} here", i, name, shown(reference, i), shown(native, i));
  }
  return "";
}

class Pair {
 public:
  Pair(const TreeModel& native, const Model& reference)
      : native_(native), reference_(reference), all_(native.outputs().size()) {
    std::iota(all_.begin(), all_.end(), size_t{0});
  }

  bool answers(const Tensor& rows) const { return reference_.run({&rows, 1}, all_).ok(); }

  std::string difference(const Tensor& rows) const {
    auto ours = native_.run({&rows, 1}, all_);
    auto theirs = reference_.run({&rows, 1}, all_);
    if (!ours || !theirs) return (ours ? theirs : ours).error().message();
    for (size_t i = 0; i < all_.size(); ++i) {
      auto found = compare_tensors(native_.outputs()[i].name, (*ours)[i], (*theirs)[i]);
      if (!found.empty()) return fmt::format("{} (of a batch of {} rows)", found, rows.shape[0]);
    }
    return "";
  }

  // Microseconds of one call.
  double time(const Model& model, const std::vector<Tensor>& rows, const Clock& clock) const {
    const Micros began = clock.steady();
    for (int i = 0; i < kCalls; ++i) (void)model.run({&rows[static_cast<size_t>(i) % rows.size()], 1}, all_);
    return static_cast<double>(clock.steady() - began) / kCalls;
  }

 private:
  const TreeModel& native_;
  const Model& reference_;
  std::vector<size_t> all_;
};

std::vector<Tensor> one_by_one(const Tensor& batch, size_t count) {
  const size_t bytes = batch.data.size() / static_cast<size_t>(batch.shape[0]);
  std::vector<Tensor> out;
  for (size_t i = 0; i < count; ++i) {
    const auto from = batch.data.begin() + static_cast<ptrdiff_t>(i * bytes);
    out.push_back(
        {.type = batch.type, .shape = {1, batch.shape[1]}, .data = {from, from + static_cast<ptrdiff_t>(bytes)}});
  }
  return out;
}

}  // namespace

Trial compare(const TreeModel& native, const Model& reference, const Clock& clock) {
  Trial out;
  for (const auto specs : {&Model::inputs, &Model::outputs}) {
    out.difference = compare_specs((native.*specs)(), (reference.*specs)());
    if (!out.difference.empty()) return out;
  }
  const Pair pair(native, reference);
  // XGBoost refuses infinities on the way that dart takes; what it refuses cannot be compared.
  const bool infinities = pair.answers(native.trial(kAlone, true));
  const auto rows = one_by_one(native.trial(kAlone, infinities), kAlone);
  for (const auto& row : rows) {
    out.difference = pair.difference(row);
    if (!out.difference.empty()) return out;
    ++out.rows;
  }
  for (const size_t size : kBatches) {
    out.difference = pair.difference(native.trial(size, infinities));
    if (!out.difference.empty()) return out;
    out.rows += size;
  }
  out.native_us = out.reference_us = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    out.native_us = std::min(out.native_us, pair.time(native, rows, clock));
    out.reference_us = std::min(out.reference_us, pair.time(reference, rows, clock));
  }
  return out;
}

}  // namespace millrace::serve::trees
