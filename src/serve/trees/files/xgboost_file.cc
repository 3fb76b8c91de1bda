#include "serve/trees/files/xgboost_file.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "core/json.h"
#include "core/limits/tree_limits.h"
#include "serve/trees/files/ubj.h"

namespace millrace::serve::trees {
namespace {

Error broken(std::string what) {
  return Error{Code::corrupt, std::move(what)}.hint("save the model again: booster.save_model('model.ubj')");
}
Error other(std::string what) { return Error{Code::unsupported, std::move(what)}; }

// The member at a path of keys, or an error that names it.
Result<const Json*> at(const Json& from, std::initializer_list<std::string_view> path) {
  const Json* now = &from;
  std::string shown;
  for (const auto key : path) {
    shown += (shown.empty() ? "" : ".") + std::string(key);
    now = find(*now, key);
    if (now == nullptr) return broken(fmt::format("the document is no XGBoost model: it has no '{}'", shown));
  }
  return now;
}

// Parameters are texts that hold numbers.
Result<int64_t> whole(const Json& from, std::string_view key) {
  const Json* value = find(from, key);
  const auto* text = value == nullptr ? nullptr : value->get_ptr<const std::string*>();
  int64_t out = 0;
  if (text == nullptr ||
      std::from_chars(text->data(), text->data() + text->size(), out).ptr != text->data() + text->size())
    return broken(fmt::format("'{}' is no whole number", key));
  return out;
}

Result<std::vector<float>> numbers(std::string_view text) {
  std::vector<float> out;
  if (text.starts_with('[')) text.remove_prefix(1);
  if (text.ends_with(']')) text.remove_suffix(1);
  while (!text.empty()) {
    float value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || !std::isfinite(value)) return broken("base_score is no number");
    out.push_back(value);
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (text.empty()) break;
    if (text[0] != ',') return broken("base_score is no list of numbers");
    text.remove_prefix(1);
  }
  if (out.empty()) return broken("base_score is empty");
  return out;
}

// A list of numbers, all in range of T.
template <class T>
Result<std::vector<T>> list(const Json& tree, std::string_view key, size_t count) {
  const Json* values = find(tree, key);
  if (values == nullptr || !values->is_array()) return broken(fmt::format("a tree has no list '{}'", key));
  if (count != SIZE_MAX && values->size() != count)
    return broken(fmt::format("'{}' of a tree has {} values, not {}", key, values->size(), count));
  std::vector<T> out;
  out.reserve(values->size());
  for (const auto& value : *values) {
    if constexpr (std::is_floating_point_v<T>) {
      if (!value.is_number()) return broken(fmt::format("'{}' of a tree holds what is no number", key));
      out.push_back(static_cast<T>(value.get<double>()));
    } else {
      if (value.is_boolean()) {
        out.push_back(value.get<bool>() ? 1 : 0);
        continue;
      }
      if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<uint64_t>() > uint64_t{1} << 62))
        return broken(fmt::format("'{}' of a tree holds what is no whole number", key));
      out.push_back(value.get<int64_t>());
    }
  }
  return out;
}

// Sets of categories of one tree: node -> index into ensemble.sets.
Result<std::map<int64_t, uint32_t>> read_sets(const Json& tree, Ensemble& ensemble, size_t& bytes) {
  MILLRACE_TRY(const auto nodes, list<int64_t>(tree, "categories_nodes", SIZE_MAX));
  MILLRACE_TRY(const auto starts, list<int64_t>(tree, "categories_segments", nodes.size()));
  MILLRACE_TRY(const auto sizes, list<int64_t>(tree, "categories_sizes", nodes.size()));
  MILLRACE_TRY(const auto categories, list<int64_t>(tree, "categories", SIZE_MAX));
  std::map<int64_t, uint32_t> out;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (starts[i] < 0 || sizes[i] < 0 || sizes[i] > static_cast<int64_t>(categories.size()) ||
        starts[i] > static_cast<int64_t>(categories.size()) - sizes[i])
      return broken("a split names categories that are not there");
    std::vector<uint32_t> set;
    for (int64_t c = starts[i]; c < starts[i] + sizes[i]; ++c) {
      const int64_t category = categories[static_cast<size_t>(c)];
      if (category < 0 || category >= 1 << 24) return broken(fmt::format("a split names the category {}", category));
      set.resize(std::max(set.size(), static_cast<size_t>(category / 32 + 1)), 0);
      set[static_cast<size_t>(category) / 32] |= uint32_t{1} << (category % 32);
    }
    bytes += set.size() * sizeof(uint32_t);
    if (bytes > limits::tree_sets_bytes) return Error{Code::too_large, "the sets of categories are too large"};
    out[nodes[i]] = static_cast<uint32_t>(ensemble.sets.size());
    ensemble.sets.push_back(std::move(set));
  }
  return out;
}

struct TreeFacts {
  uint32_t target;
  float scale;  // of dart
};

Result<Tree> read_tree(const Json& json, const TreeFacts& facts, Ensemble& ensemble, size_t& set_bytes) {
  if (const Json* parameters = find(json, "tree_param");
      parameters != nullptr && parameters->contains("size_leaf_vector")) {
    MILLRACE_TRY(const auto width, whole(*parameters, "size_leaf_vector"));
    if (width > 1) return other("its leaves hold vectors (multi_strategy multi_output_tree)");
  }
  MILLRACE_TRY(const auto left, list<int64_t>(json, "left_children", SIZE_MAX));
  const size_t count = left.size();
  MILLRACE_TRY(const auto right, list<int64_t>(json, "right_children", count));
  MILLRACE_TRY(const auto features, list<int64_t>(json, "split_indices", count));
  MILLRACE_TRY(const auto conditions, list<float>(json, "split_conditions", count));
  MILLRACE_TRY(const auto default_left, list<int64_t>(json, "default_left", count));
  std::vector<int64_t> types(count, 0);
  std::map<int64_t, uint32_t> sets;
  if (find(json, "split_type") != nullptr) {
    MILLRACE_TRY(types, list<int64_t>(json, "split_type", count));
    MILLRACE_TRY(sets, read_sets(json, ensemble, set_bytes));
  }
  Tree out;
  out.nodes.resize(count);
  for (size_t i = 0; i < count; ++i) {
    Node& node = out.nodes[i];
    if (left[i] == -1) {
      node = {.leaf = true, .first_weight = static_cast<uint32_t>(out.weights.size()), .weights = 1};
      out.weights.push_back({facts.target, conditions[i] * facts.scale});
      continue;
    }
    const auto most = static_cast<int64_t>(count);
    if (left[i] < 0 || left[i] >= most || right[i] < 0 || right[i] >= most)
      return broken("a tree has a branch to a node that is not there");
    if (features[i] < 0 || features[i] >= static_cast<int64_t>(ensemble.features))
      return broken(fmt::format("a tree asks for feature {}, and there are {}", features[i], ensemble.features));
    node.feature = static_cast<uint32_t>(features[i]);
    node.missing_yes = default_left[i] != 0;
    node.yes = static_cast<uint32_t>(left[i]);
    node.no = static_cast<uint32_t>(right[i]);
    if (types[i] == 0) {
      if (std::isnan(conditions[i])) return broken("a threshold is not a number");
      node.value = below(conditions[i]);
      continue;
    }
    // Categories of the set go to the right.
    const auto set = sets.find(static_cast<int64_t>(i));
    if (set == sets.end()) return broken("a split by categories has none");
    node.test = Test::in_set;
    node.set = set->second;
    std::swap(node.yes, node.no);
    node.missing_yes = !node.missing_yes;
  }
  return out;
}

Result<Link> link_of(const std::string& objective) {
  static constexpr std::pair<std::string_view, Link> kLinks[] = {{"binary:logistic", Link::logistic},
                                                                 {"reg:logistic", Link::logistic},
                                                                 {"binary:logitraw", Link::identity},
                                                                 {"binary:hinge", Link::hinge},
                                                                 {"reg:squarederror", Link::identity},
                                                                 {"reg:linear", Link::identity},
                                                                 {"reg:squaredlogerror", Link::identity},
                                                                 {"reg:pseudohubererror", Link::identity},
                                                                 {"reg:absoluteerror", Link::identity},
                                                                 {"reg:quantileerror", Link::identity},
                                                                 {"reg:gamma", Link::exponential},
                                                                 {"reg:tweedie", Link::exponential},
                                                                 {"count:poisson", Link::exponential},
                                                                 {"survival:cox", Link::exponential},
                                                                 {"survival:aft", Link::exponential_double},
                                                                 {"rank:pairwise", Link::identity},
                                                                 {"rank:ndcg", Link::identity},
                                                                 {"rank:map", Link::identity},
                                                                 {"multi:softprob", Link::softprob},
                                                                 {"multi:softmax", Link::softmax}};
  for (const auto& [name, link] : kLinks)
    if (name == objective) return link;
  return other(fmt::format("the objective '{}' is not known", objective.substr(0, 60)));
}

// base_score is in the space of answers; the sum begins in that of margins.
Result<float> margin_of(float base, Link link) {
  if (link == Link::logistic) {
    if (!(base > 0 && base < 1)) return other(fmt::format("base_score is {}, which is no probability", base));
    return -std::log(1.0F / base - 1.0F);
  }
  if (link == Link::exponential || link == Link::exponential_double) {
    if (!(base > 0)) return other(fmt::format("base_score is {}, which has no logarithm", base));
    return std::log(base);
  }
  return base;
}

Result<void> read_base(const Json& learner, XgboostTrees& out) {
  MILLRACE_TRY(const auto* parameters, at(learner, {"learner_model_param"}));
  MILLRACE_TRY(const auto features, whole(*parameters, "num_feature"));
  MILLRACE_TRY(const auto classes, whole(*parameters, "num_class"));
  int64_t targets = 1;
  if (parameters->contains("num_target")) {
    MILLRACE_TRY(targets, whole(*parameters, "num_target"));
  }
  if (features < 1 || classes < 0 || targets < 1) return broken("the model has no features or no outputs");
  if (features > static_cast<int64_t>(limits::tree_features))
    return Error{Code::too_large,
                 fmt::format("the model has {} features, the limit is {}", features, limits::tree_features)};
  if (std::max(classes, targets) > static_cast<int64_t>(limits::tree_targets))
    return Error{Code::too_large, fmt::format("the model has {} outputs, the limit is {}", std::max(classes, targets),
                                              limits::tree_targets)};
  out.ensemble.features = static_cast<size_t>(features);
  out.ensemble.targets = static_cast<size_t>(std::max({classes, targets, int64_t{1}}));
  MILLRACE_TRY(const auto text, get_string(*parameters, "base_score"));
  MILLRACE_TRY(auto base, numbers(text));
  if (base.size() != 1 && base.size() != out.ensemble.targets)
    return broken(
        fmt::format("base_score has {} numbers, and there are {} outputs", base.size(), out.ensemble.targets));
  base.resize(out.ensemble.targets, base[0]);
  for (float& value : base) {
    MILLRACE_TRY(value, margin_of(value, out.link));
  }
  out.base = std::move(base);
  return {};
}

Result<void> read_trees(const Json& booster, XgboostTrees& out) {
  const std::string name = string_or(booster, "name", "");
  if (name != "gbtree" && name != "dart")
    return other(fmt::format("the booster '{}' has no trees", name.substr(0, 60)));
  MILLRACE_TRY(const auto* model, name == "dart" ? at(booster, {"gbtree", "model"}) : at(booster, {"model"}));
  MILLRACE_TRY(const auto* trees, at(*model, {"trees"}));
  if (!trees->is_array()) return broken("'trees' is no list");
  if (trees->size() > limits::trees)
    return Error{Code::too_large, fmt::format("the model has {} trees, the limit is {}", trees->size(), limits::trees)};
  MILLRACE_TRY(const auto targets, list<int64_t>(*model, "tree_info", trees->size()));
  std::vector<float> scales(trees->size(), 1.0F);
  if (name == "dart") {
    MILLRACE_TRY(scales, list<float>(booster, "weight_drop", trees->size()));
  }
  size_t set_bytes = 0, nodes = 0;
  for (size_t i = 0; i < trees->size(); ++i) {
    if (targets[i] < 0 || targets[i] >= static_cast<int64_t>(out.ensemble.targets))
      return broken(fmt::format("tree {} adds to output {}, and there are {}", i, targets[i], out.ensemble.targets));
    auto tree = read_tree((*trees)[i], {static_cast<uint32_t>(targets[i]), scales[i]}, out.ensemble, set_bytes);
    if (!tree) return std::move(tree).error().while_doing(fmt::format("reading tree {}", i));
    nodes += tree->nodes.size();
    if (nodes > limits::tree_nodes)
      return Error{Code::too_large, fmt::format("the model has more than {} tree nodes", limits::tree_nodes)};
    out.ensemble.trees.push_back(std::move(*tree));
  }
  return check(out.ensemble);
}

}  // namespace

Result<XgboostTrees> read_xgboost(std::string_view bytes) {
  // JSON begins an object with white space or a quotation mark, UBJSON with the type of a key's length.
  const auto second = bytes.find_first_not_of(" \t\r\n", bytes.find('{') + 1);
  XgboostTrees out;
  out.ubj = second == std::string_view::npos || bytes[second] != '"';
  if (!out.ubj && static_cast<size_t>(std::count(bytes.begin(), bytes.end(), ',')) > limits::tree_values)
    return Error{Code::too_large, fmt::format("the document has more than {} values", limits::tree_values)};
  MILLRACE_TRY(const auto document, out.ubj ? parse_ubj(bytes) : parse_json(bytes, "the model"));
  MILLRACE_TRY(const auto* learner, at(document, {"learner"}));
  MILLRACE_TRY(const auto* booster, at(*learner, {"gradient_booster"}));
  MILLRACE_TRY(const auto* objective, at(*learner, {"objective"}));
  out.objective = string_or(*objective, "name", "");
  MILLRACE_TRY(out.link, link_of(out.objective));
  MILLRACE_DO(read_base(*learner, out));
  MILLRACE_DO(read_trees(*booster, out));
  if (const Json* names = find(*learner, "feature_names");
      names != nullptr && names->is_array() && names->size() == out.ensemble.features)
    for (const auto& each : *names) out.names.push_back(each.is_string() ? each.get<std::string>() : "");
  return out;
}

}  // namespace millrace::serve::trees
