#include "serve/trees/files/onnx_file.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "core/limits/tree_limits.h"
#include "serve/trees/files/onnx_graph.h"

namespace millrace::serve::trees {
namespace {

constexpr size_t kMostNodes = 32;  // operators of a graph
constexpr int64_t kFloat = 1, kInt64 = 7, kText = 8;

Error other(std::string what) { return Error{Code::unsupported, std::move(what)}; }
Error broken(std::string what) { return Error{Code::corrupt, std::move(what)}; }

template <class T, size_t N>
Result<T> named(std::string_view what, std::string_view name, const std::pair<std::string_view, T> (&known)[N]) {
  for (const auto& [each, value] : known)
    if (each == name) return value;
  return other(fmt::format("the {} '{}' is not known", what, name.substr(0, 60)));
}

constexpr std::pair<std::string_view, Aggregate> kAggregates[] = {{"", Aggregate::sum},
                                                                  {"SUM", Aggregate::sum},
                                                                  {"AVERAGE", Aggregate::average},
                                                                  {"MIN", Aggregate::min},
                                                                  {"MAX", Aggregate::max}};
constexpr std::pair<std::string_view, Transform> kTransforms[] = {{"", Transform::none},
                                                                  {"NONE", Transform::none},
                                                                  {"SOFTMAX", Transform::softmax},
                                                                  {"LOGISTIC", Transform::logistic},
                                                                  {"SOFTMAX_ZERO", Transform::softmax_zero},
                                                                  {"PROBIT", Transform::probit}};

// The attributes of the one operator, by name; what is absent is empty.
class Attributes {
 public:
  explicit Attributes(const OnnxNode& node) : node_(node) {}
  const OnnxAttribute& operator()(std::string_view name) const {
    const auto found = node_.attributes.find(name);
    return found == node_.attributes.end() ? none_ : found->second;
  }
  // `name`, or the tensor `name`_as_tensor of version 3.
  Result<const std::vector<float>*> floats(const std::string& name) const {
    const auto& tensor = (*this)(name + "_as_tensor").tensor;
    if (!tensor) return &(*this)(name).floats;
    if (tensor->type != kFloat) return other(fmt::format("'{}_as_tensor' is not of 32-bit floats", name));
    return &tensor->floats;
  }

 private:
  const OnnxNode& node_;
  const OnnxAttribute none_;
};

// Nodes of the file, one list an attribute.
struct Columns {
  const std::vector<int64_t>&trees, &ids, &features, &yes, &no, &missing;
  const std::vector<std::string_view>& modes;
  const std::vector<float>& values;
};

// Where node (tree, id) of the file lies.
struct Place {
  uint32_t tree, node;
};
class Places {
 public:
  bool put(int64_t tree, int64_t id, Place place) { return places_[tree].emplace(id, place).second; }
  const Place* find(int64_t tree, int64_t id) const {
    const auto of_tree = places_.find(tree);
    if (of_tree == places_.end()) return nullptr;
    const auto found = of_tree->second.find(id);
    return found == of_tree->second.end() ? nullptr : &found->second;
  }
  bool has_tree(int64_t tree) const { return places_.contains(tree); }

 private:
  std::unordered_map<int64_t, std::unordered_map<int64_t, Place>> places_;
};

// A comparison of ONNX as `x <= value`, `x == value`, with its branches changed over where need be. NaN is answered by
// every comparison with "no", by "not equal" with "yes", unless the node says otherwise.
Result<void> set_test(std::string_view mode, float value, bool tracks, Node& node) {
  if (std::isnan(value)) return other("a threshold is not a number");
  const bool less = mode == "BRANCH_LT" || mode == "BRANCH_GTE", at_most = mode == "BRANCH_LEQ" || mode == "BRANCH_GT";
  const bool equal = mode == "BRANCH_EQ" || mode == "BRANCH_NEQ";
  if (!less && !at_most && !equal) return other(fmt::format("the node mode '{}' is not known", mode.substr(0, 60)));
  node.test = equal ? Test::equal : Test::at_most;
  node.value = less ? below(value) : value;
  node.missing_yes = tracks || mode == "BRANCH_NEQ";
  if (mode == "BRANCH_GTE" || mode == "BRANCH_GT" || mode == "BRANCH_NEQ") {
    std::swap(node.yes, node.no);
    node.missing_yes = !node.missing_yes;
  }
  return {};
}

Result<void> place_nodes(const Columns& from, Ensemble& ensemble, Places& places) {
  const size_t count = from.ids.size();
  if (count > limits::tree_nodes)
    return Error{Code::too_large,
                 fmt::format("the model has {} tree nodes, the limit is {}", count, limits::tree_nodes)};
  for (const size_t size : {from.trees.size(), from.features.size(), from.yes.size(), from.no.size(), from.modes.size(),
                            from.values.size()})
    if (size != count) return broken("the lists that describe the nodes of the trees differ in length");
  if (!from.missing.empty() && from.missing.size() != count)
    return other("nodes_missing_value_tracks_true is shorter than the nodes");
  for (size_t i = 0; i < count; ++i) {
    if (i == 0 || from.trees[i] != from.trees[i - 1]) {
      if (places.has_tree(from.trees[i]))
        return other(fmt::format("the nodes of tree {} do not stand together", from.trees[i]));
      ensemble.trees.emplace_back();
    }
    auto& nodes = ensemble.trees.back().nodes;
    const Place place{static_cast<uint32_t>(ensemble.trees.size() - 1), static_cast<uint32_t>(nodes.size())};
    if (!places.put(from.trees[i], from.ids[i], place))
      return broken(fmt::format("node {} of tree {} is there twice", from.ids[i], from.trees[i]));
    nodes.emplace_back();
  }
  return {};
}

Result<void> fill_nodes(const Columns& from, Ensemble& ensemble, const Places& places) {
  size_t i = 0;
  for (auto& tree : ensemble.trees)
    for (auto& node : tree.nodes) {
      const size_t at = i++;
      node.leaf = from.modes[at] == "LEAF";
      if (node.leaf) continue;
      const Place* yes = places.find(from.trees[at], from.yes[at]);
      const Place* no = places.find(from.trees[at], from.no[at]);
      if (yes == nullptr || no == nullptr)
        return broken(
            fmt::format("node {} of tree {} has a branch to a node that is not there", from.ids[at], from.trees[at]));
      if (from.features[at] < 0 || from.features[at] >= static_cast<int64_t>(ensemble.features))
        return broken(fmt::format("node {} of tree {} asks for feature {}, and there are {}", from.ids[at],
                                  from.trees[at], from.features[at], ensemble.features));
      node.yes = yes->node;
      node.no = no->node;
      node.feature = static_cast<uint32_t>(from.features[at]);
      MILLRACE_DO(set_test(from.modes[at], from.values[at], !from.missing.empty() && from.missing[at] == 1, node));
    }
  return {};
}

// Weights come in any order; those of one leaf keep theirs.
Result<void> add_weights(const Attributes& get, const std::string& kind, Ensemble& ensemble, const Places& places) {
  const auto& trees = get(kind + "_treeids").integers;
  const auto& nodes = get(kind + "_nodeids").integers;
  const auto& targets = get(kind + "_ids").integers;
  MILLRACE_TRY(const auto* weights, get.floats(kind + "_weights"));
  if (nodes.size() != trees.size() || targets.size() != trees.size() || weights->size() != trees.size())
    return broken("the lists that describe the values of the leaves differ in length");
  std::vector<Place> of(trees.size());
  for (size_t i = 0; i < trees.size(); ++i) {
    const Place* place = places.find(trees[i], nodes[i]);
    if (place == nullptr)
      return broken(fmt::format("node {} of tree {} has a value and is not there", nodes[i], trees[i]));
    Node& node = ensemble.trees[place->tree].nodes[place->node];
    if (!node.leaf) return other(fmt::format("node {} of tree {} has a value and is no leaf", nodes[i], trees[i]));
    if (targets[i] < 0 || targets[i] >= static_cast<int64_t>(ensemble.targets))
      return broken(fmt::format("a leaf has a value for output {}, and there are {}", targets[i], ensemble.targets));
    ++node.weights;
    of[i] = *place;
  }
  for (auto& tree : ensemble.trees) {
    uint32_t total = 0;
    for (auto& node : tree.nodes) {
      node.first_weight = total;
      total += std::exchange(node.weights, 0);
    }
    tree.weights.resize(total);
  }
  for (size_t i = 0; i < trees.size(); ++i) {
    Tree& tree = ensemble.trees[of[i].tree];
    Node& node = tree.nodes[of[i].node];
    tree.weights[node.first_weight + node.weights++] = {static_cast<uint32_t>(targets[i]), (*weights)[i]};
  }
  return {};
}

// Two classes of which one has values: what base values and PROBIT then mean is not settled.
Result<void> check_two_classes(const OnnxTrees& model) {
  if (model.scored[0] && model.scored[1]) return {};
  if (model.transform == Transform::probit) return other("PROBIT on two classes of which one has values");
  if (model.base.size() == 2 || (model.base.size() == 1 && model.scored[1]))
    return other("base values for two classes of which one has values");
  return {};
}

// Which class has a score must not depend on the row: labels are chosen among those that have one.
Result<void> find_scored(OnnxTrees& out) {
  const auto& ensemble = out.ensemble;
  std::vector<bool> always(ensemble.targets, false), ever(ensemble.targets, false);
  std::vector<size_t> leaves_with(ensemble.targets, 0), last_leaf(ensemble.targets, 0);
  std::vector<uint32_t> touched;
  size_t leaf = 0;
  for (const auto& tree : ensemble.trees) {
    size_t leaves = 0;
    for (const auto& node : tree.nodes) {
      if (!node.leaf) continue;
      ++leaves, ++leaf;
      for (uint32_t i = node.first_weight; i < node.first_weight + node.weights; ++i) {
        const uint32_t target = tree.weights[i].target;
        if (std::exchange(last_leaf[target], leaf) == leaf) continue;
        if (leaves_with[target]++ == 0) touched.push_back(target);
      }
    }
    for (const uint32_t target : touched) {
      ever[target] = true;
      always[target] = always[target] || leaves_with[target] == leaves;
      leaves_with[target] = 0;
    }
    touched.clear();
  }
  if (always != ever) return other("some leaves have no value for a class that others of their tree have");
  out.scored = std::move(ever);
  return out.classifier && ensemble.targets == 2 ? check_two_classes(out) : Result<void>();
}

Result<void> read_classes(const Attributes& get, OnnxTrees& out) {
  out.labels = get("classlabels_int64s").integers;
  for (const auto label : get("classlabels_strings").texts) out.label_texts.emplace_back(label);
  out.ensemble.targets = out.labels.empty() ? out.label_texts.size() : out.labels.size();
  if (!out.labels.empty() && !out.label_texts.empty())
    return broken("the classes have both numbers and texts for labels");
  if (out.ensemble.targets < 2) return other("a classifier of fewer than two classes");
  return {};
}

Result<void> read_ensemble(const OnnxNode& node, size_t features, OnnxTrees& out) {
  const Attributes get(node);
  out.classifier = node.operation == "TreeEnsembleClassifier";
  out.ensemble.features = features;
  MILLRACE_TRY(out.transform, named("post_transform", get("post_transform").text, kTransforms));
  MILLRACE_TRY(out.aggregate,
               named("aggregate_function", out.classifier ? "" : get("aggregate_function").text, kAggregates));
  if (out.classifier) {
    MILLRACE_DO(read_classes(get, out));
  } else {
    const int64_t targets = get("n_targets").integer;
    if (targets < 1 || targets > static_cast<int64_t>(limits::tree_targets))
      return broken(fmt::format("n_targets is {}", targets));
    out.ensemble.targets = static_cast<size_t>(targets);
  }
  MILLRACE_TRY(const auto* base, get.floats("base_values"));
  MILLRACE_TRY(const auto* values, get.floats("nodes_values"));
  out.base = *base;
  if (out.base.size() > out.ensemble.targets)
    return broken(fmt::format("there are {} base values, and {} outputs", out.base.size(), out.ensemble.targets));
  const Columns columns{get("nodes_treeids").integers,      get("nodes_nodeids").integers,
                        get("nodes_featureids").integers,   get("nodes_truenodeids").integers,
                        get("nodes_falsenodeids").integers, get("nodes_missing_value_tracks_true").integers,
                        get("nodes_modes").texts,           *values};
  Places places;
  MILLRACE_DO(place_nodes(columns, out.ensemble, places));
  MILLRACE_DO(fill_nodes(columns, out.ensemble, places));
  MILLRACE_DO(add_weights(get, out.classifier ? "class" : "target", out.ensemble, places));
  MILLRACE_DO(check(out.ensemble));
  return find_scored(out);
}

// Follows a name from the graph's output back to the operator, over what does not compute.
Result<OnnxOutput> trace(const OnnxGraph& graph, const OnnxNode& trees, const OnnxTrees& model,
                         const OnnxValue& value) {
  OnnxOutput out{.name = std::string(value.name)};
  std::string_view name = value.name;
  for (size_t steps = 0; steps <= graph.nodes.size(); ++steps) {
    for (size_t i = 0; i < trees.outputs.size(); ++i)
      if (trees.outputs[i] == name) {
        out.label = model.classifier && i == 0;
        if (out.label && !out.factors.empty()) return other("the label is multiplied");
        std::reverse(out.factors.begin(), out.factors.end());
        const int64_t type = !out.label ? kFloat : model.labels.empty() ? kText : kInt64;
        if (value.type != type)
          return other(fmt::format("the output '{}' has another type than what the trees give", value.name));
        return out;
      }
    const OnnxNode* from = nullptr;
    for (const auto& node : graph.nodes)
      if (node.outputs.size() == 1 && node.outputs[0] == name) from = &node;
    if (from == nullptr || from->inputs.empty())
      return other(fmt::format("the output '{}' does not come from the trees", value.name));
    if (from->operation == "Mul" && from->inputs.size() == 2) {
      const auto factor = graph.constants.find(from->inputs[1]);
      if (factor == graph.constants.end() || factor->second.floats.size() != 1)
        return other("the scores are multiplied by what is no constant");
      if (factor->second.floats[0] != 1) out.factors.push_back(factor->second.floats[0]);
    } else if (from->operation == "Cast" && from->attributes.contains("to")) {
      if (from->attributes.at("to").integer != value.type) return other("the outputs are cast twice");
    } else if (from->operation != "Identity") {
      return other(fmt::format("the operator {} follows the trees", from->operation.substr(0, 60)));
    }
    name = from->inputs[0];
  }
  return broken("the operators of the graph form a circle");
}

}  // namespace

Result<OnnxTrees> read_onnx(std::string_view bytes) {
  MILLRACE_TRY(const auto graph, read_graph(bytes, kMostNodes));
  const OnnxNode* trees = nullptr;
  for (const auto& node : graph.nodes) {
    if (node.domain != "ai.onnx.ml" ||
        (node.operation != "TreeEnsembleClassifier" && node.operation != "TreeEnsembleRegressor"))
      continue;
    if (trees != nullptr) return other("the graph has more than one tree ensemble");
    trees = &node;
  }
  if (trees == nullptr) return other("the graph has no TreeEnsembleClassifier or TreeEnsembleRegressor");
  // Opset 8 files may list constants among the inputs.
  std::vector<OnnxValue> inputs;
  for (const auto& input : graph.inputs)
    if (!graph.constants.contains(input.name)) inputs.push_back(input);
  if (inputs.size() != 1 || trees->inputs.size() != 1 || trees->inputs[0] != inputs[0].name)
    return other("the trees do not read the one input of the graph");
  const auto& input = inputs[0];
  if (input.type != kFloat) return other("the input is not of 32-bit floats");
  if (input.dimensions.size() != 2 || input.dimensions[0] != -1 || input.dimensions[1] < 1)
    return other("the input is not a matrix of any number of rows and a fixed number of columns");
  if (input.dimensions[1] > static_cast<int64_t>(limits::tree_features))
    return Error{Code::too_large,
                 fmt::format("the model has {} features, the limit is {}", input.dimensions[1], limits::tree_features)};
  OnnxTrees out{.input = std::string(input.name)};
  MILLRACE_DO(read_ensemble(*trees, static_cast<size_t>(input.dimensions[1]), out));
  for (const auto& value : graph.outputs) {
    MILLRACE_TRY(auto output, trace(graph, *trees, out, value));
    out.outputs.push_back(std::move(output));
  }
  if (out.outputs.empty()) return broken("the graph has no outputs");
  return out;
}

}  // namespace millrace::serve::trees
