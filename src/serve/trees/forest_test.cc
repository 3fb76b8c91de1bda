#include "serve/trees/forest.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/limits/tree_limits.h"

namespace millrace::serve::trees {
namespace {

// One node's question, as ensemble.h states it.
bool says_yes(const Ensemble& ensemble, const Node& node, double x) {
  if (std::isnan(x) || (node.zero_is_missing && std::abs(x) <= 1e-35F)) return node.missing_yes;
  if (node.test == Test::at_most) return x <= node.value;
  if (node.test == Test::equal) return x == node.value;
  if (!(ensemble.fraction_below_zero ? x > -1 : x >= 0) || x >= 1e9) return false;
  const auto category = static_cast<size_t>(x);
  const auto& set = ensemble.sets[node.set];
  return category / 32 < set.size() && (set[category / 32] >> (category % 32) & 1) != 0;
}

const Node& leaf_of(const Ensemble& ensemble, const Tree& tree, const double* row) {
  const Node* at = &tree.nodes[0];
  while (!at->leaf) at = &tree.nodes[says_yes(ensemble, *at, row[at->feature]) ? at->yes : at->no];
  return *at;
}

template <class T>
std::vector<T> slowly(const Ensemble& ensemble, const std::vector<double>& rows) {
  std::vector<T> out(rows.size() / ensemble.features * ensemble.targets, T{0});
  for (size_t row = 0; row * ensemble.features < rows.size(); ++row)
    for (const auto& tree : ensemble.trees) {
      const Node& leaf = leaf_of(ensemble, tree, rows.data() + row * ensemble.features);
      for (uint32_t i = 0; i < leaf.weights; ++i) {
        const Weight& weight = tree.weights[leaf.first_weight + i];
        out[row * ensemble.targets + weight.target] += static_cast<T>(weight.value);
      }
    }
  return out;
}

struct Shape {
  size_t trees, leaves;
  bool rich = false;     // sets, equality, zero as missing
  uint32_t weights = 1;  // of a leaf
  bool mixed = false;    // leaves of one tree add to different targets
};

class Maker {
 public:
  Ensemble ensemble(const Shape& shape) {
    Ensemble out{.features = 5, .targets = 3, .sets = {{0b1010, 1}, {}}, .fraction_below_zero = true};
    for (size_t i = 0; i < shape.trees; ++i) out.trees.push_back(tree(shape, static_cast<uint32_t>(i % 3)));
    return out;
  }
  std::vector<double> rows(size_t count) {
    static const double kSpecial[] = {NAN, 0, -0.0, INFINITY, -INFINITY, 1e-36, 1, 3, -0.5, 32, 1e10};
    std::vector<double> out;
    for (size_t i = 0; i < count * 5; ++i)
      out.push_back(random_() % 4 == 0 ? kSpecial[random_() % std::size(kSpecial)] : value());
    return out;
  }

 private:
  double value() { return static_cast<double>(static_cast<int>(random_() % 17) - 8) / 4; }  // exact as a float too

  // Leaves are split one after the other until there are enough.
  Tree tree(const Shape& shape, uint32_t target) {
    Tree out;
    out.nodes.resize(1);
    for (size_t leaves = 1; leaves < shape.leaves; ++leaves) {
      size_t at = random_() % out.nodes.size();
      while (out.nodes[at].yes != 0) at = (at + 1) % out.nodes.size();
      const auto next = static_cast<uint32_t>(out.nodes.size());
      out.nodes[at] = {.missing_yes = random_() % 2 == 0,
                       .feature = static_cast<uint32_t>(random_() % 5),
                       .yes = next,
                       .no = next + 1,
                       .value = value()};
      if (shape.rich) {
        out.nodes[at].test = static_cast<Test>(random_() % 3);
        out.nodes[at].zero_is_missing = random_() % 2 == 0;
        out.nodes[at].set = static_cast<uint32_t>(random_() % 2);
      }
      out.nodes.resize(out.nodes.size() + 2);
    }
    for (auto& node : out.nodes) {
      if (node.yes != 0) continue;
      node = {.leaf = true, .first_weight = static_cast<uint32_t>(out.weights.size()), .weights = shape.weights};
      for (uint32_t i = 0; i < shape.weights; ++i)
        out.weights.push_back(
            {static_cast<uint32_t>(shape.mixed ? random_() % 3 : target), 0.1F * static_cast<float>(random_() % 100)});
    }
    return out;
  }
  std::mt19937 random_{11};
};

template <class T>
void expect_same(const Ensemble& ensemble, Maker& maker) {
  ASSERT_TRUE(check(ensemble)) << check(ensemble).error().text();
  const Forest<T> forest(ensemble);
  for (const size_t count : {0, 1, 2, 7, 8, 9, 40}) {
    const auto rows = maker.rows(count);
    const std::vector<T> typed(rows.begin(), rows.end());
    std::vector<T> scores(count * 3, T{0});
    forest.add(typed.data(), count, scores.data());
    EXPECT_EQ(scores, slowly<T>(ensemble, rows)) << count << " rows";
  }
}

TEST(Forest, walks_as_the_trees_say) {
  Maker maker;
  for (const size_t trees : {1, 7, 8, 9, 30})
    for (const size_t leaves : {1, 2, 5, 31}) {
      expect_same<float>(maker.ensemble({.trees = trees, .leaves = leaves}), maker);
      expect_same<double>(maker.ensemble({.trees = trees, .leaves = leaves}), maker);
    }
}

TEST(Forest, walks_sets_equality_and_zero_as_missing) {
  Maker maker;
  for (const size_t leaves : {1, 2, 20}) {
    expect_same<float>(maker.ensemble({.trees = 12, .leaves = leaves, .rich = true}), maker);
    expect_same<double>(maker.ensemble({.trees = 12, .leaves = leaves, .rich = true}), maker);
  }
}

TEST(Forest, adds_every_weight_of_a_leaf_in_order) {
  Maker maker;
  expect_same<float>(maker.ensemble({.trees = 12, .leaves = 9, .weights = 3, .mixed = true}), maker);
  expect_same<float>(maker.ensemble({.trees = 12, .leaves = 9, .weights = 1, .mixed = true}), maker);
  const auto ensemble = maker.ensemble({.trees = 5, .leaves = 4, .weights = 2});
  const Forest<float> forest(ensemble);
  const float row[5] = {};
  size_t found = 0;
  forest.each(row, [&](const auto& share) { found += share.target == found / 2 % 3 ? 1 : 100; });
  EXPECT_EQ(found, 10U);
}

TEST(Ensemble, below_is_the_strict_comparison) {
  for (const float threshold : {1.0F, -1.0F, 0.0F, -0.0F, 1e-45F, 3.4e38F, INFINITY, -INFINITY})
    for (const float x :
         {1.0F, -1.0F, 0.0F, -0.0F, 1e-45F, -1e-45F, std::nextafter(1.0F, 0.0F), 3.4e38F, INFINITY, -INFINITY})
      EXPECT_EQ(x <= static_cast<float>(below(threshold)), x < threshold) << x << " < " << threshold;
}

Ensemble stump() {
  Ensemble out{.features = 2, .targets = 1};
  out.trees.push_back(
      {.nodes = {{.feature = 1, .yes = 1, .no = 2}, {.leaf = true, .weights = 1}, {.leaf = true, .weights = 1}},
       .weights = {{0, 1.0}}});
  return out;
}

std::string refusal(const Ensemble& ensemble) {
  const auto checked = check(ensemble);
  return checked ? "" : checked.error().text();
}

TEST(Ensemble, refuses_what_is_no_tree) {
  EXPECT_EQ(refusal(stump()), "");
  const auto broken = [](auto change) {
    Ensemble ensemble = stump();
    change(ensemble.trees[0]);
    return refusal(ensemble);
  };
  EXPECT_TRUE(
      broken([](Tree& tree) { tree.nodes[0].yes = 0; }).starts_with("tree 0 of the model reaches node 0 twice"));
  EXPECT_TRUE(broken([](Tree& tree) { tree.nodes[0].no = 1; }).starts_with("tree 0 of the model reaches node 1 twice"));
  EXPECT_TRUE(broken([](Tree& tree) {
                tree.nodes[0].no = 3;
              }).starts_with("tree 0 of the model has a branch to node 3, which is not there"));
  EXPECT_TRUE(broken([](Tree& tree) {
                tree.nodes[0].feature = 2;
              }).starts_with("tree 0 of the model asks for feature 2, and there are 2"));
  EXPECT_TRUE(broken([](Tree& tree) {
                tree.nodes[0].test = trees::Test::in_set;
              }).starts_with("tree 0 of the model names a set that is not there"));
  EXPECT_TRUE(broken([](Tree& tree) {
                tree.nodes[1].weights = 0;
              }).starts_with("tree 0 of the model has a leaf without a value"));
  EXPECT_TRUE(broken([](Tree& tree) {
                tree.nodes[1].weights = 2;
              }).starts_with("tree 0 of the model has a leaf whose values are not there"));
  EXPECT_TRUE(broken([](Tree& tree) {
                tree.nodes[1].first_weight = 4'000'000'000;
              }).starts_with("tree 0 of the model has a leaf whose values are not there"));
  EXPECT_TRUE(broken([](Tree& tree) {
                tree.weights[0].target = 1;
              }).starts_with("tree 0 of the model has a value for output 1, and there are 1"));
  EXPECT_TRUE(broken([](Tree& tree) { tree.nodes.clear(); }).starts_with("tree 0 of the model has no nodes"));
}

TEST(Ensemble, keeps_the_limits) {
  Ensemble ensemble = stump();
  ensemble.features = limits::tree_features + 1;
  EXPECT_EQ(refusal(ensemble), "the model has 65536 features, the limit is 65535");
  ensemble = stump();
  ensemble.targets = limits::tree_targets + 1;
  EXPECT_EQ(refusal(ensemble), "the model has 10001 outputs, the limit is 10000");
  ensemble = stump();
  ensemble.trees.resize(limits::trees + 1);
  EXPECT_EQ(refusal(ensemble), "the model has 100001 trees, the limit is 100000");
  ensemble = stump();
  ensemble.trees[0].nodes.resize(limits::tree_nodes + 1);
  EXPECT_EQ(refusal(ensemble), "the model has 8000001 tree nodes, the limit is 8000000");
  EXPECT_EQ(refusal({.features = 1, .targets = 1}), "the model has no trees");
}

}  // namespace
}  // namespace millrace::serve::trees
