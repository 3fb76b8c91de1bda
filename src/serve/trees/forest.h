// Trees laid out for speed. Each tree is a run of small nodes, the two children of a node side by side, so that a step
// is `at = left + (x > threshold)` without a branch; a leaf leads to itself, so a fixed number of steps ends in one
// whatever the row. Steps of one tree wait for each other; eight trees (one row) or eight rows (one tree) are walked at
// a time, which hides that. Trees that ask for more than `x <= threshold` (sets, equality, zero as missing) take a
// plain walk.
#pragma once
#include <cstdint>
#include <vector>

#include "serve/trees/ensemble.h"

namespace millrace::serve::trees {

// T is the type of features, thresholds, weights and sums. Immutable; any number of threads.
template <class T>
class Forest {
 public:
  explicit Forest(const Ensemble& ensemble);  // that check() has accepted

  size_t features() const { return features_; }
  size_t targets() const { return targets_; }
  size_t trees() const { return roots_.size(); }

  // rows: count x features(), row-major. scores: count x targets(), to which the weights of the leaves are added in the
  // order of the trees, one after the other: sums of floats depend on that order.
  void add(const T* rows, size_t count, T* scores) const;

  struct Share {
    uint32_t target;
    T value;
  };
  // Calls found(share) for every weight of the leaves of one row, in the order of the trees.
  template <class Found>
  void each(const T* row, Found&& found) const {
    for (size_t tree = 0; tree < roots_.size(); ++tree) {
      const uint32_t leaf = leaf_of(roots_[tree], row);
      for (uint32_t i = shares_from_[leaf]; i < shares_from_[leaf + 1]; ++i) found(shares_[i]);
    }
  }

 private:
  struct Fast {
    T threshold;
    uint32_t left;  // the right one is the next
    uint16_t feature;
    uint16_t missing_right;
  };
  struct Rich {
    Test test;
    bool zero_is_missing;
    uint32_t set;
  };

  void lay_out(const Tree& tree, size_t at);
  void put(const Node& node, uint32_t at, uint32_t left, bool swapped);
  uint32_t leaf_of(uint32_t root, const T* row) const;
  bool goes_right(uint32_t at, T x) const;
  template <bool kMissing>
  void add_one(const T* row, T* scores) const;
  template <bool kMissing>
  void add_eight(const T* rows, T* scores) const;
  void add_plain(const T* row, T* scores) const;
  bool has_missing(const T* values, size_t count) const;

  size_t features_, targets_;
  bool plain_ = false;  // some node asks for more than a threshold
  bool single_ = true;  // every leaf has one weight, and a tree's are all for the same target
  bool fraction_below_zero_;
  std::vector<Fast> nodes_;
  std::vector<Rich> rich_;  // beside nodes_; empty unless plain_
  std::vector<uint32_t> roots_, depths_, target_of_tree_;
  std::vector<T> values_;              // of leaves, beside nodes_; when single_
  std::vector<uint32_t> shares_from_;  // beside nodes_, and one more
  std::vector<Share> shares_;
  std::vector<std::vector<uint32_t>> sets_;
};

extern template class Forest<float>;
extern template class Forest<double>;

}  // namespace millrace::serve::trees
