#include "serve/trees/files/lightgbm_file.h"

#include <charconv>
#include <cmath>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "core/limits/tree_limits.h"

namespace millrace::serve::trees {
namespace {

using Link = LightgbmTrees::Link;
using Fields = std::map<std::string_view, std::string_view>;

constexpr int kCategorical = 1, kDefaultLeft = 2;
constexpr int kMissingNone = 0, kMissingZero = 1, kMissingNan = 2;

Error broken(std::string what) {
  return Error{Code::corrupt, std::move(what)}.hint("save the model again: booster.save_model('model.txt')");
}

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const auto end = std::min(text.find(' '), text.size());
  const auto word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

template <class T>
std::optional<T> number(std::string_view word) {
  T out{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), out);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return out;
}

// Lines `key=value` up to an empty one, or a line that begins with `stop`, which stays in `text`.
Fields take_block(std::string_view& text, std::string_view stop) {
  Fields out;
  while (!text.empty() && !text.starts_with(stop)) {
    const auto line = take_line(text);
    if (line.empty()) break;
    const auto equals = line.find('=');
    out.emplace(line.substr(0, equals),
                equals == std::string_view::npos ? std::string_view() : line.substr(equals + 1));
  }
  return out;
}

Result<int64_t> whole(const Fields& fields, std::string_view key, int64_t least, int64_t most) {
  const auto found = fields.find(key);
  const auto value = found == fields.end() ? std::nullopt : number<int64_t>(found->second);
  if (!value) return broken(fmt::format("the text is no LightGBM model: '{}' is missing or no number", key));
  if (*value < least) return broken(fmt::format("'{}' is {}", key, *value));
  if (*value > most) return Error{Code::too_large, fmt::format("'{}' is {}, the limit is {}", key, *value, most)};
  return *value;
}

template <class T>
Result<std::vector<T>> list(const Fields& fields, std::string_view key, size_t count) {
  const auto found = fields.find(key);
  std::string_view left = found == fields.end() ? std::string_view() : found->second;
  std::vector<T> out;
  for (auto word = take_word(left); !word.empty(); word = take_word(left)) {
    const auto value = number<T>(word);
    if (!value) return broken(fmt::format("'{}' holds '{}'", key, word.substr(0, 40)));
    if (out.size() == count) break;
    out.push_back(*value);
  }
  if (out.size() != count) return broken(fmt::format("'{}' has fewer than {} values", key, count));
  return out;
}

struct Splits {
  std::vector<int> features, kinds, left, right;
  std::vector<double> thresholds;
  uint32_t first_set = 0;
  size_t sets = 0;
};

Result<void> read_sets(const Fields& fields, size_t count, Ensemble& ensemble, size_t& bytes) {
  MILLRACE_TRY(const auto bounds, list<uint32_t>(fields, "cat_boundaries", count + 1));
  if (bounds[count] > limits::tree_values) return Error{Code::too_large, "the sets of categories are too large"};
  MILLRACE_TRY(const auto words, list<uint32_t>(fields, "cat_threshold", bounds[count]));
  bytes += words.size() * sizeof(uint32_t);
  if (bytes > limits::tree_sets_bytes) return Error{Code::too_large, "the sets of categories are too large"};
  for (size_t i = 0; i < count; ++i) {
    if (bounds[i] > bounds[i + 1] || bounds[i + 1] > words.size()) return broken("'cat_boundaries' are not in order");
    ensemble.sets.emplace_back(words.begin() + bounds[i], words.begin() + bounds[i + 1]);
  }
  return {};
}

// NaN counts as zero unless the split treats it as missing.
Result<void> set_split(const Splits& splits, size_t at, const Ensemble& ensemble, Node& node) {
  const int kind = splits.kinds[at], missing = kind >> 2 & 3;
  if (kind < 0 || missing > kMissingNan) return broken(fmt::format("'decision_type' is {}", kind));
  if (splits.features[at] < 0 || splits.features[at] >= static_cast<int64_t>(ensemble.features))
    return broken(fmt::format("a tree asks for feature {}, and there are {}", splits.features[at], ensemble.features));
  node.feature = static_cast<uint32_t>(splits.features[at]);
  const double threshold = splits.thresholds[at];
  if (std::isnan(threshold)) return broken("a threshold is not a number");
  if ((kind & kCategorical) != 0) {
    if (!(threshold >= 0 && threshold < static_cast<double>(splits.sets)))
      return broken("a split names a set of categories that is not there");
    node.test = Test::in_set;
    node.set = splits.first_set + static_cast<uint32_t>(threshold);
    return {};
  }
  node.value = threshold;
  node.zero_is_missing = missing == kMissingZero;
  node.missing_yes = missing == kMissingNone ? 0 <= threshold : (kind & kDefaultLeft) != 0;
  return {};
}

// Inner nodes first, then leaves: child c >= 0 is an inner node, ~c a leaf.
Result<Tree> read_tree(const Fields& fields, uint32_t target, Ensemble& ensemble, size_t& set_bytes) {
  MILLRACE_TRY(const auto leaves, whole(fields, "num_leaves", 1, static_cast<int64_t>(limits::tree_nodes) / 2));
  MILLRACE_TRY(const auto categorical, whole(fields, "num_cat", 0, static_cast<int64_t>(limits::tree_nodes)));
  if (const auto linear = fields.find("is_linear"); linear != fields.end() && linear->second != "0")
    return Error{Code::unsupported, "its leaves are linear models (linear_tree)"};
  const auto inner = static_cast<size_t>(leaves - 1);
  MILLRACE_TRY(const auto values, list<double>(fields, "leaf_value", inner + 1));
  Splits splits{.first_set = static_cast<uint32_t>(ensemble.sets.size()), .sets = static_cast<size_t>(categorical)};
  MILLRACE_TRY(splits.features, list<int>(fields, "split_feature", inner));
  MILLRACE_TRY(splits.kinds, list<int>(fields, "decision_type", inner));
  MILLRACE_TRY(splits.left, list<int>(fields, "left_child", inner));
  MILLRACE_TRY(splits.right, list<int>(fields, "right_child", inner));
  MILLRACE_TRY(splits.thresholds, list<double>(fields, "threshold", inner));
  if (categorical > 0) MILLRACE_DO(read_sets(fields, splits.sets, ensemble, set_bytes));
  const auto place = [&](int child) -> std::optional<uint32_t> {
    const int64_t leaf = -static_cast<int64_t>(child) - 1;
    if (child >= 0)
      return static_cast<size_t>(child) < inner ? std::optional(static_cast<uint32_t>(child)) : std::nullopt;
    return leaf < leaves ? std::optional(static_cast<uint32_t>(inner + static_cast<size_t>(leaf))) : std::nullopt;
  };
  Tree out;
  out.nodes.resize(inner + values.size());
  for (size_t i = 0; i < inner; ++i) {
    Node& node = out.nodes[i];
    const auto yes = place(splits.left[i]), no = place(splits.right[i]);
    if (!yes || !no) return broken("a tree has a branch to a node that is not there");
    node.yes = *yes;
    node.no = *no;
    MILLRACE_DO(set_split(splits, i, ensemble, node));
  }
  for (size_t i = 0; i < values.size(); ++i) {
    out.nodes[inner + i] = {.leaf = true, .first_weight = static_cast<uint32_t>(i), .weights = 1};
    out.weights.push_back({target, values[i]});
  }
  return out;
}

// "binary sigmoid:1", "multiclass num_class:3", "regression sqrt", ...
Result<void> read_objective(std::string_view text, LightgbmTrees& out) {
  static constexpr std::pair<std::string_view, Link> kLinks[] = {{"", Link::identity},
                                                                 {"custom", Link::identity},
                                                                 {"regression", Link::identity},
                                                                 {"regression_l1", Link::identity},
                                                                 {"huber", Link::identity},
                                                                 {"fair", Link::identity},
                                                                 {"quantile", Link::identity},
                                                                 {"mape", Link::identity},
                                                                 {"lambdarank", Link::identity},
                                                                 {"rank_xendcg", Link::identity},
                                                                 {"poisson", Link::exponential},
                                                                 {"gamma", Link::exponential},
                                                                 {"tweedie", Link::exponential},
                                                                 {"binary", Link::sigmoid},
                                                                 {"cross_entropy", Link::sigmoid},
                                                                 {"cross_entropy_lambda", Link::log1p_exponential},
                                                                 {"multiclass", Link::softmax},
                                                                 {"multiclassova", Link::sigmoid_each}};
  const auto name = take_word(text);
  out.objective = name;
  bool known = false;
  for (const auto& [each, link] : kLinks)
    if (each == name) {
      out.link = link;
      known = true;
    }
  if (!known) return Error{Code::unsupported, fmt::format("the objective '{}' is not known", name.substr(0, 60))};
  for (auto word = take_word(text); !word.empty(); word = take_word(text)) {
    if (word == "sqrt") out.link = Link::signed_square;
    if (!word.starts_with("sigmoid:")) continue;
    const auto steepness = number<double>(word.substr(8));
    if (!steepness || !(*steepness > 0))
      return broken(fmt::format("the objective has the sigmoid '{}'", word.substr(8, 40)));
    out.sigmoid = *steepness;
  }
  return {};
}

}  // namespace

Result<LightgbmTrees> read_lightgbm(std::string_view text) {
  LightgbmTrees out;
  const Fields head = take_block(text, "Tree=");
  MILLRACE_TRY(const auto targets,
               whole(head, "num_tree_per_iteration", 1, static_cast<int64_t>(limits::tree_targets)));
  MILLRACE_TRY(const auto last, whole(head, "max_feature_idx", 0, static_cast<int64_t>(limits::tree_features) - 1));
  out.ensemble.features = static_cast<size_t>(last) + 1;
  out.ensemble.targets = static_cast<size_t>(targets);
  out.ensemble.fraction_below_zero = true;
  out.ensemble.small_is_zero = true;
  out.average = head.contains("average_output");
  if (const auto objective = head.find("objective"); objective != head.end())
    MILLRACE_DO(read_objective(objective->second, out));
  if (const auto names = head.find("feature_names"); names != head.end()) {
    auto left = names->second;
    for (auto word = take_word(left); !word.empty() && out.names.size() < out.ensemble.features; word = take_word(left))
      out.names.emplace_back(word);
  }
  size_t set_bytes = 0, nodes = 0;
  while (true) {
    while (text.starts_with('\n') || text.starts_with("\r\n")) take_line(text);
    if (!text.starts_with("Tree=")) break;
    take_line(text);
    const size_t at = out.ensemble.trees.size();
    if (at == limits::trees)
      return Error{Code::too_large, fmt::format("the model has more than {} trees", limits::trees)};
    auto tree =
        read_tree(take_block(text, "Tree="), static_cast<uint32_t>(at % out.ensemble.targets), out.ensemble, set_bytes);
    if (!tree) return std::move(tree).error().while_doing(fmt::format("reading tree {}", at));
    nodes += tree->nodes.size();
    if (nodes > limits::tree_nodes)
      return Error{Code::too_large, fmt::format("the model has more than {} tree nodes", limits::tree_nodes)};
    out.ensemble.trees.push_back(std::move(*tree));
  }
  if (!text.starts_with("end of trees"))
    return broken("the text ends before 'end of trees'").hint("copy the file again: it was cut short");
  if (out.ensemble.trees.size() % out.ensemble.targets != 0) return broken("the last iteration lacks trees");
  MILLRACE_DO(check(out.ensemble));
  return out;
}

}  // namespace millrace::serve::trees
