// Quantiles of a stream from a bounded part of it. Karnin, Lang and Liberty 2016, "Optimal quantile approximation in
// streams": levels of buffers, level h stands for 2^h values each; a full buffer is sorted and every other value of it
// goes up. Which ones is drawn from a fixed seed: the same values in the same order give the same answer.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace millrace::stats {

// Which of `count` values in order, from 1, is the share-p quantile of type 1 (Hyndman and Fan 1996): the smallest that
// at least that share of the values is at or below.
int64_t quantile_rank(double share, int64_t count);

class QuantileSketch {
 public:
  static constexpr size_t kTop = 1600;  // the size of the highest buffer
  // With 99 percent an answer's true rank is within this share of the values of the rank asked for, once values were
  // left out.
  static constexpr double kRankError = 0.003;

  // No NaN.
  void add(double value) {
    levels_[0].push_back(value);
    ++count_;
    if (levels_[0].size() >= capacity_[0]) compress();
  }
  void add(double value, int64_t times);
  void merge(const QuantileSketch& other);

  int64_t count() const { return count_; }
  double rank_error() const { return levels_.size() == 1 ? 0 : kRankError; }
  // For each share, 0 to 1, about the value at its quantile_rank(). NaN without values.
  std::vector<double> quantiles(std::span<const double> shares) const;

 private:
  void compress();
  void set_capacities();

  std::vector<std::vector<double>> levels_{1};
  std::vector<size_t> capacity_{kTop};
  int64_t count_ = 0;
  uint64_t coin_ = 0x2545F4914F6CDD1Du;
};

}  // namespace millrace::stats
