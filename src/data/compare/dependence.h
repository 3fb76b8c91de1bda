// How well the values of two columns fit together: the mean over rows of log(p(a, b) / (p(a) p(b))), the pointwise
// mutual information, with the probabilities of the reference (Church & Hanks 1990). A column in the wrong rows, or
// another column's values under its name, brings it down though the column alone looks as ever.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/compare/look.h"

namespace millrace::data::compare {

// Columns in few bins each: numbers by their quantiles in the reference, texts by their most frequent values.
struct Binned {
  std::vector<size_t> columns;             // of the sample
  std::vector<std::vector<uint8_t>> bins;  // of each, by row; no_bin = null
  std::vector<size_t> sizes;               // number of bins of each
  std::vector<std::vector<double>> edges;  // of numbers
  static constexpr uint8_t no_bin = 255;
};
Binned bin_columns(const Look& look);

struct Fit {
  double usual = 0;    // median over the blocks, each beside the others
  double largest = 0;  // distance of a block from it
  double now = 0;      // of the batch
  double error = 0;    // standard error of `now`
  bool usable = false;
};
// `first` and `second` are places in `binned`; bins of the batch's rows may be given in place of their own, as when
// columns have changed places or rows have slipped.
Fit fit_of(const Look& look, const Binned& binned, size_t first, size_t second,
           const std::vector<uint8_t>* first_bins = nullptr, const std::vector<uint8_t>* second_bins = nullptr);

// The columns that changed places, or the number of rows by which a column slipped, if that explains the pairs of
// `column` (a name) that no longer fit.
struct Misplaced {
  std::string other;  // column with which it changed places; "" = none
  int slipped = 0;    // rows
};
std::optional<Misplaced> find_misplaced(const Look& look, const std::string& column);

}  // namespace millrace::data::compare
