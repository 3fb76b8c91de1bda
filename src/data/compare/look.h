// The statistics of a comparison, each in a file of its own. A statistic of the batch against the reference is judged
// by the same statistic of each block of the reference against the other blocks, times a margin, never below a floor,
// and widened by what chance does to so many rows. What is over its limit is a signal.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/compare/sample.h"
#include "data/samples/sentence.h"

namespace millrace::data::compare {

// Chance may exceed a limit by so many standard errors: about one false alarm in a million statistics.
inline constexpr double kSigmas = 5;

struct Slice {
  std::string column, value;
};

struct Signal {
  std::string kind;
  std::vector<std::string> columns;  // names; several for a relation
  double value = 0, limit = 0;       // in the unit of the kind
  std::optional<Slice> slice;
  std::optional<double> effect, p_value;
  std::string text;
  std::vector<size_t> rows;  // rows of the batch that show it, a few
  int32_t gone = -1;         // of vanished_category: the value's code

  double ratio() const { return limit > 0 ? value / limit : 0; }
};

// A statistic that was looked at, whether over its limit or not.
struct Tested {
  std::string kind;
  std::vector<std::string> columns;
  double value = 0, limit = 0;
  std::optional<double> effect, p_value;
  double ratio() const { return limit > 0 ? value / limit : 0; }
};

// Rows of a column by (value, group).
struct Counts {
  size_t groups = 0;
  std::vector<int64_t> of;       // value * groups + group
  std::vector<int64_t> present;  // of each group, without nulls
  std::vector<int64_t> rows;     // of each group

  size_t values() const { return groups == 0 ? 0 : of.size() / groups; }
  int64_t at(size_t value, size_t group) const { return of[value * groups + group]; }
  double share(size_t value, size_t group) const {
    return present[group] > 0 ? static_cast<double>(at(value, group)) / static_cast<double>(present[group]) : 0;
  }
  int64_t in_reference(size_t value) const;
};

// A column whose values part the rows into slices.
struct SliceColumn {
  size_t column = 0;
  std::vector<int32_t> codes;  // the values that are slices
};

struct Look {
  explicit Look(const Sample& of);
  const Sample& sample;
  std::vector<Counts> counts;       // of each column
  std::vector<int64_t> group_rows;  // of each block, then the batch
  std::vector<SliceColumn> slices;
  std::vector<Signal> signals;
  std::vector<Tested> tested;  // columns that were compared, once a kind: the statistic nearest to its limit

  // Keeps the statistic; `describe` completes the signal, and is asked only over the limit. NaN is no statistic.
  void consider(Signal signal, const std::function<void(Signal&)>& describe);
  // The slice in which nearly all of the rows in excess lie, if the other rows are as they were; also fills `rows`.
  // `bad` answers for any row of the sample.
  void find_slice(Signal& signal, const std::function<bool(size_t)>& bad) const;

  int64_t reference_rows() const { return static_cast<int64_t>(sample.reference_rows); }
  int64_t batch_rows() const { return group_rows[sample.batch]; }
};

// The limit from what the blocks show: margin times the largest, at least `floor`. NaN does not count.
double limit_of(const std::vector<double>& blocks, double margin, double floor);
// Standard error of a share p of n rows; never 0, as no share is known to be.
double share_error(double p, int64_t n);
double ks_error(int64_t n, int64_t m);  // sqrt(1/n + 1/m)

void look_at_nulls(Look& look);
void look_at_values(Look& look);      // unseen, more frequent, vanished
void look_at_texts(Look& look);       // characters and shapes that never were
void look_at_numbers(Look& look);     // outside, distribution, spread, precision
void look_at_slices(Look& look);      // distributions and nulls of single slices
void look_at_new_pairs(Look& look);   // pairs of values that never stood in one row
void look_at_dependence(Look& look);  // values that belong together; after look_at_numbers, which tells what moved
void look_at_relations(Look& look);   // numbers that follow from each other
void look_at_rows(Look& look);        // repeated rows, rows of the reference once more

}  // namespace millrace::data::compare
