#include "serve/trees/forest.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace millrace::serve::trees {
namespace {

constexpr size_t kLanes = 8;
constexpr double kZero = 1e-35F;  // LightGBM's bound of what counts as zero

}  // namespace

template <class T>
Forest<T>::Forest(const Ensemble& ensemble)
    : features_(ensemble.features),
      targets_(ensemble.targets),
      fraction_below_zero_(ensemble.fraction_below_zero),
      sets_(ensemble.sets) {
  size_t total = 0;
  for (const auto& tree : ensemble.trees) {
    total += tree.nodes.size();
    for (const auto& node : tree.nodes) plain_ |= !node.leaf && (node.test != Test::at_most || node.zero_is_missing);
  }
  nodes_.reserve(total);
  shares_from_.reserve(total + 1);
  for (const auto& tree : ensemble.trees) lay_out(tree, nodes_.size());
  shares_from_.push_back(static_cast<uint32_t>(shares_.size()));
  if (!plain_) rich_.clear();
  if (!single_) return;
  values_.resize(nodes_.size());
  for (size_t at = 0; at < nodes_.size(); ++at)
    if (shares_from_[at] != shares_from_[at + 1]) values_[at] = shares_[shares_from_[at]].value;
}

// In breadth-first order, so that a node's children stand side by side.
template <class T>
void Forest<T>::lay_out(const Tree& tree, size_t at) {
  struct Placed {
    uint32_t node, depth;
  };
  const auto first = static_cast<uint32_t>(at);
  std::vector<Placed> order{{0, 0}};
  uint32_t depth = 0, target = 0;
  bool any = false;
  for (size_t i = 0; i < order.size(); ++i) {
    const auto [index, level] = order[i];
    const Node& node = tree.nodes[index];
    const auto self = static_cast<uint32_t>(first + i);
    depth = std::max(depth, level);
    shares_from_.push_back(static_cast<uint32_t>(shares_.size()));
    rich_.push_back({node.leaf ? Test::at_most : node.test, !node.leaf && node.zero_is_missing, node.set});
    if (node.leaf) {
      nodes_.push_back({std::numeric_limits<T>::infinity(), self, 0, 0});
      for (uint32_t w = 0; w < node.weights; ++w) {
        const Weight& weight = tree.weights[node.first_weight + w];
        shares_.push_back({weight.target, static_cast<T>(weight.value)});
        single_ = single_ && w == 0 && (!any || weight.target == target);
        target = weight.target;
        any = true;
      }
      continue;
    }
    nodes_.push_back({static_cast<T>(node.value), static_cast<uint32_t>(first + order.size()),
                      static_cast<uint16_t>(node.feature), static_cast<uint16_t>(!node.missing_yes)});
    order.push_back({node.yes, level + 1});
    order.push_back({node.no, level + 1});
  }
  roots_.push_back(first);
  depths_.push_back(depth);
  target_of_tree_.push_back(target);
}

template <class T>
bool Forest<T>::goes_right(uint32_t at, T x) const {
  const Fast& node = nodes_[at];
  if (!plain_) return std::isnan(x) ? node.missing_right != 0 : !(x <= node.threshold);
  const Rich& rich = rich_[at];
  if (std::isnan(x) || (rich.zero_is_missing && x >= -kZero && x <= kZero)) return node.missing_right != 0;
  switch (rich.test) {
    case Test::at_most: return !(x <= node.threshold);
    case Test::equal: return x != node.threshold;
    case Test::in_set: break;
  }
  const auto& set = sets_[rich.set];
  if (!(fraction_below_zero_ ? x > -1 : x >= 0) || !(x < static_cast<T>(set.size() * 32))) return true;
  const auto category = static_cast<uint32_t>(static_cast<int64_t>(x));
  if (category / 32 >= set.size()) return true;  // of an empty set, which -0.5 is below the end of
  return (set[category / 32] >> (category % 32) & 1) == 0;
}

template <class T>
uint32_t Forest<T>::leaf_of(uint32_t at, const T* row) const {
  while (nodes_[at].left != at) at = nodes_[at].left + (goes_right(at, row[nodes_[at].feature]) ? 1 : 0);
  return at;
}

// One step of one lane. Without missing values the comparison alone decides, without a branch.
template <bool kMissing, class Node, class T>
inline uint32_t step(const Node* nodes, uint32_t at, const T* row) {
  const Node node = nodes[at];
  const T x = row[node.feature];
  if constexpr (kMissing)
    return node.left + (std::isnan(x) ? node.missing_right : static_cast<uint32_t>(!(x <= node.threshold)));
  return node.left + static_cast<uint32_t>(!(x <= node.threshold));
}

template <class T>
template <bool kMissing>
void Forest<T>::add_one(const T* row, T* scores) const {
  const Fast* nodes = nodes_.data();
  size_t tree = 0;
  for (; tree + kLanes <= roots_.size(); tree += kLanes) {
    uint32_t at[kLanes];
    uint32_t depth = 0;
#pragma GCC unroll 8
    for (size_t lane = 0; lane < kLanes; ++lane) {
      at[lane] = roots_[tree + lane];
      depth = std::max(depth, depths_[tree + lane]);
    }
    for (; depth != 0; --depth) {
#pragma GCC unroll 8
      for (size_t lane = 0; lane < kLanes; ++lane) at[lane] = step<kMissing>(nodes, at[lane], row);
    }
#pragma GCC unroll 8
    for (size_t lane = 0; lane < kLanes; ++lane) scores[target_of_tree_[tree + lane]] += values_[at[lane]];
  }
  for (; tree < roots_.size(); ++tree) scores[target_of_tree_[tree]] += values_[leaf_of(roots_[tree], row)];
}

template <class T>
template <bool kMissing>
void Forest<T>::add_eight(const T* rows, T* scores) const {
  const Fast* nodes = nodes_.data();
  const size_t stride = features_;
  for (size_t tree = 0; tree < roots_.size(); ++tree) {
    uint32_t at[kLanes];
#pragma GCC unroll 8
    for (size_t lane = 0; lane < kLanes; ++lane) at[lane] = roots_[tree];
    for (uint32_t depth = depths_[tree]; depth != 0; --depth) {
#pragma GCC unroll 8
      for (size_t lane = 0; lane < kLanes; ++lane) at[lane] = step<kMissing>(nodes, at[lane], rows + lane * stride);
    }
    T* of_target = scores + target_of_tree_[tree];
#pragma GCC unroll 8
    for (size_t lane = 0; lane < kLanes; ++lane) of_target[lane * targets_] += values_[at[lane]];
  }
}

template <class T>
void Forest<T>::add_plain(const T* row, T* scores) const {
  each(row, [&](const Share& share) { scores[share.target] += share.value; });
}

template <class T>
bool Forest<T>::has_missing(const T* values, size_t count) const {
  bool missing = false;
  for (size_t i = 0; i < count; ++i) missing |= std::isnan(values[i]);
  return missing;
}

template <class T>
void Forest<T>::add(const T* rows, size_t count, T* scores) const {
  size_t row = 0;
  if (plain_ || !single_) {
    for (; row < count; ++row) add_plain(rows + row * features_, scores + row * targets_);
    return;
  }
  for (; row + kLanes <= count; row += kLanes) {
    const T* from = rows + row * features_;
    if (has_missing(from, kLanes * features_))
      add_eight<true>(from, scores + row * targets_);
    else
      add_eight<false>(from, scores + row * targets_);
  }
  for (; row < count; ++row) {
    const T* from = rows + row * features_;
    if (has_missing(from, features_))
      add_one<true>(from, scores + row * targets_);
    else
      add_one<false>(from, scores + row * targets_);
  }
}

template class Forest<float>;
template class Forest<double>;

}  // namespace millrace::serve::trees
