// What speaks for a batch having broken one of its dataset's columns, and who is suspected.
#pragma once
#include <string>
#include <vector>

#include "core/json.h"

namespace millrace::data::cause {

struct Point {
  std::string day;  // 2013-09-30
  double value = 0;
};

// One observation that is over its limit. The limit is the largest of the same statistic inside the history (other
// batches, or all other places), times a margin, and never below a floor; `value` / `limit` says how far it stands out.
struct Evidence {
  std::string kind;                  // kinds.h
  std::vector<std::string> columns;  // one, or those of a relation
  std::string text;                  // a plain sentence with numbers
  double value = 0, limit = 0;
  std::vector<Point> series;  // days around the boundary, for drawing; may be empty

  double ratio() const { return limit > 0 ? value / limit : 0; }
  Json to_json() const;  // {kind, text, value, limit, columns, series?}
};

// Columns that broke together in one way.
struct Suspect {
  std::vector<std::string> columns;  // the most suspect first; empty = the batch as a whole
  std::string change;   // unit, recode, missing, default, stale, rows, swap, order, time, precision, shift ...
  double strength = 0;  // 0..1, of all its evidence together
  std::vector<Evidence> evidence;  // strongest first
};

// How a column moved without breaking: for the answer "natural drift".
struct Movement {
  std::string column;
  double first = 0, before = 0, now = 0;  // means of the first batch, the one before, and this one
  double step = 0, step_limit = 0;        // at the boundary, beside the largest elsewhere
  double shift = 0;                       // |now - first| in standard deviations of the history
  std::vector<Point> series;              // daily means, thinned to a few points a batch
};

struct Examination {
  size_t history = 0;             // batches that it was compared with
  size_t tests = 0;               // statistics that were looked at
  std::vector<Suspect> suspects;  // strongest first
  std::vector<Movement> movements;
  std::vector<std::string> columns;  // that were looked at
};

}  // namespace millrace::data::cause
