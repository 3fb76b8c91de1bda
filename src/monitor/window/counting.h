// One scan that counts any number of columns over frozen bins. Numbers are compared in single precision, on both sides:
// a model that is fed float32 sees 39.02 as 39.0200004..., and an edge in double precision would part equal values.
// What is summed is summed as whole numbers (fixed point), so that the result does not depend on the order of rows, on
// threads or on how rows lie in files.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "stats/effect.h"

namespace millrace::monitor {

// How a column is counted; frozen with the reference.
//   numbers: bin 0 holds x < edges[0], bin i holds edges[i-1] <= x < edges[i], the last one x >= the last edge
//   texts: a bin each of `categories`, then one of all other texts
// and after those one bin more, of nulls: NULL, NaN and the number that stands for "not known".
struct Bins {
  std::string column;
  bool text = false;
  std::vector<double> edges;            // numbers
  std::vector<std::string> categories;  // texts
  double center = 0, scale = 1;         // sums are of (x - center) / scale, cut to +-65536

  size_t size() const { return (text ? categories.size() + 1 : edges.size() + 1) + 1; }
};

struct ColumnCounts {
  std::vector<int64_t> counts;  // Bins::size()
  stats::Moments moments;       // of numbers that are no nulls
  int64_t rows() const;         // all, nulls too
  int64_t nulls() const { return counts.back(); }
  double null_rate() const;  // NaN without rows
};

// Where the values stand: `expression` is SQL over `source`.
struct Place {
  Bins bins;
  std::string expression;
};

// Counts every place in one scan of the rows of `source` for which `condition` holds.
Result<std::vector<ColumnCounts>> count_columns(engine::Engine& engine, const std::string& source,
                                                const std::string& condition, const std::vector<Place>& places,
                                                std::optional<double> missing);

// The SQL of a column's value as it is compared; NULL for nulls. A boolean is the number 0 or 1.
std::string number_value(const std::string& expression, std::optional<double> missing);
std::string text_value(const std::string& expression);
std::string literal(double value);  // reads back to the same double

}  // namespace millrace::monitor
