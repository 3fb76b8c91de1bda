#include "serve/trees/ensemble.h"

#include <cmath>

#include <fmt/format.h>

#include "core/limits/tree_limits.h"

namespace millrace::serve::trees {
namespace {

Error broken(size_t tree, std::string_view what) {
  return Error{Code::corrupt, fmt::format("tree {} of the model {}", tree, what)}.hint("save the model again");
}

Result<void> check_node(const Ensemble& ensemble, size_t at, const Node& node) {
  const Tree& tree = ensemble.trees[at];
  if (node.leaf) {
    if (node.weights == 0) return broken(at, "has a leaf without a value");
    if (node.first_weight > tree.weights.size() || node.weights > tree.weights.size() - node.first_weight)
      return broken(at, "has a leaf whose values are not there");
    return {};
  }
  if (node.feature >= ensemble.features)
    return broken(at, fmt::format("asks for feature {}, and there are {}", node.feature, ensemble.features));
  if (node.test == Test::in_set && node.set >= ensemble.sets.size()) return broken(at, "names a set that is not there");
  return {};
}

Result<void> check_tree(const Ensemble& ensemble, size_t at) {
  const Tree& tree = ensemble.trees[at];
  if (tree.nodes.empty()) return broken(at, "has no nodes");
  std::vector<bool> seen(tree.nodes.size(), false);
  std::vector<uint32_t> waiting{0};
  seen[0] = true;
  while (!waiting.empty()) {
    const Node& node = tree.nodes[waiting.back()];
    waiting.pop_back();
    MILLRACE_DO(check_node(ensemble, at, node));
    if (node.leaf) continue;
    for (const uint32_t child : {node.yes, node.no}) {
      if (child >= tree.nodes.size())
        return broken(at, fmt::format("has a branch to node {}, which is not there", child));
      if (seen[child]) return broken(at, fmt::format("reaches node {} twice", child));
      seen[child] = true;
      waiting.push_back(child);
    }
  }
  for (const auto& weight : tree.weights)
    if (weight.target >= ensemble.targets)
      return broken(at, fmt::format("has a value for output {}, and there are {}", weight.target, ensemble.targets));
  return {};
}

Error too_many(std::string_view what, size_t count, size_t limit) {
  return Error{Code::too_large, fmt::format("the model has {} {}, the limit is {}", count, what, limit)};
}

}  // namespace

template <class T>
double below(T value) {
  constexpr T lowest = -std::numeric_limits<T>::infinity();
  return value == lowest ? std::numeric_limits<double>::quiet_NaN() : std::nextafter(value, lowest);
}
template double below(float);
template double below(double);

Result<void> check(const Ensemble& ensemble) {
  if (ensemble.trees.empty()) return Error{Code::unsupported, "the model has no trees"};
  if (ensemble.features == 0) return Error{Code::corrupt, "the model has no features"};
  if (ensemble.targets == 0) return Error{Code::corrupt, "the model has no outputs"};
  if (ensemble.trees.size() > limits::trees) return too_many("trees", ensemble.trees.size(), limits::trees);
  if (ensemble.features > limits::tree_features) return too_many("features", ensemble.features, limits::tree_features);
  if (ensemble.targets > limits::tree_targets) return too_many("outputs", ensemble.targets, limits::tree_targets);
  size_t nodes = 0;
  for (const auto& tree : ensemble.trees) nodes += tree.nodes.size();
  if (nodes > limits::tree_nodes) return too_many("tree nodes", nodes, limits::tree_nodes);
  for (size_t i = 0; i < ensemble.trees.size(); ++i) MILLRACE_DO(check_tree(ensemble, i));
  return {};
}

}  // namespace millrace::serve::trees
