// Numbers that follow from each other: each column as a quadratic form of up to three others, learned on groups of rows
// (batches, blocks of days) and judged on another.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace millrace::data {

// Columns of numbers by row, scaled to median 0 and spread 1 over the rows that are learned from; NaN = missing.
// Groups below `suspect` are learned from, the group `suspect` is judged.
struct RelationSample {
  std::vector<std::vector<double>> values;  // of each column
  std::vector<double> scales;               // what 1 is in the column's own unit
  std::vector<uint8_t> group;               // of each row
  size_t suspect = 0;

  void add(std::span<const double> numbers);  // a column, one number a row of `group`
};

// values[target] = a quadratic form of values[others]
struct RelationForm {
  size_t target = 0;
  std::vector<size_t> others;
  std::vector<double> weights;
};

// Greedy: the column that explains most, then the next, while it is worth it. Nothing when too little is explained, or
// fewer than 200 rows are whole.
std::optional<RelationForm> find_relation(const RelationSample& sample, size_t target);

// How the rows of `group` lie beside the form learned on the other groups.
struct Residuals {
  double share = 0;    // of rows outside the interval that nearly all the others fill, widened by a quarter
  double shift = 0;    // of the median
  double spread = 0;   // of the residuals of the others
  double covered = 0;  // share of the group's whole rows that are judged
  size_t judged = 0;
  std::vector<size_t> rows;  // those outside, of the sample
};
// `within`: only rows whose other columns lie where the form was learned are judged.
std::optional<Residuals> residuals_of(const RelationSample& sample, RelationForm form, size_t group,
                                      bool within = false);

}  // namespace millrace::data
