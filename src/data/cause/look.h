// The statistics of a boundary, each in a file of its own. Every one compares the suspect batch with the same statistic
// of history: each batch of it against the others, or each place in it. What is over its limit becomes evidence.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "data/cause/evidence.h"
#include "data/cause/frame.h"
#include "data/samples/sentence.h"

namespace millrace::data::cause {

// Rows by (batch, day). Days at the edges with few rows (a source's own calendar against UTC) are left out.
struct Days {
  std::vector<int32_t> of_row;  // which cell; -1 = none
  std::vector<int32_t> day;     // of each cell, in order of batch and day
  std::vector<uint8_t> batch;   // of each cell
  std::vector<int64_t> rows;    // of each cell
  size_t boundary = 0;          // first cell of the suspect batch
  size_t end = 0;               // first cell after it

  size_t size() const { return day.size(); }
  size_t in_batch(size_t batch_index) const;
};
Days days_of(const Frame& frame);

// Rows of a column by (value, batch).
struct Counts {
  size_t batches = 0;
  std::vector<int64_t> of;       // value * batches + batch
  std::vector<int64_t> present;  // of each batch, without nulls
  std::vector<int64_t> rows;     // of each batch

  size_t values() const { return batches == 0 ? 0 : of.size() / batches; }
  int64_t at(size_t value, size_t batch) const { return of[value * batches + batch]; }
  double share(size_t value, size_t batch) const {
    return present[batch] > 0 ? static_cast<double>(at(value, batch)) / static_cast<double>(present[batch]) : 0;
  }
};
Counts counts_of(const Frame& frame, const FrameColumn& column);

struct RelationTest {
  std::string kind;
  std::vector<std::string> columns;
  double ratio = 0;
};

struct Look {
  explicit Look(const Frame& of);
  const Frame& frame;
  Days days;
  std::vector<Counts> counts;  // of each column

  std::vector<Evidence> evidence;       // over their limits
  std::vector<RelationTest> relations;  // all that were looked at, broken or not
  size_t tests = 0;

  // `text` is asked only when value > limit. `value` NaN is no test.
  void consider(Evidence evidence, const std::function<std::string()>& text);
  // A statistic of each day around the boundary: value(row) summed over weight(row), NaN days left out.
  std::vector<Point> series(const std::function<double(size_t row)>& value) const;
  std::vector<Point> series_of(const std::vector<double>& by_day) const;
};

// The margin of a limit over the largest value in history, and the floor under which nothing counts.
double limit_of(const std::vector<double>& history, double margin, double floor);

void look_at_nulls(Look& look);
void look_at_values(Look& look);     // new values, one value more or less often, a constant
void look_at_slices(Look& look);     // rows a day of each text value
void look_at_precision(Look& look);  // how many values are multiples of 0.1, 1, 5 ...
void look_at_levels(Look& look);     // steps of mean, spread and distribution at the boundary
void look_at_order(Look& look);      // days that no longer differ: values in the wrong rows
void look_at_pairs(Look& look);      // pairs of values that never stood in one row
void look_at_relations(Look& look);  // regressions of numbers on each other
void look_at_rows(Look& look);       // rows a day, repeated rows, rows of an earlier batch, days that are missing

std::string day_text(int32_t day);

}  // namespace millrace::data::cause
