// What is wrong with a batch, judged by a reference alone: no contract, no history.
//
// A good batch may be of a later time, smaller, or in another order: what the reference shows from block to block (see
// sample.h) is allowed, with a margin. Each statistic is judged at a limit that chance exceeds about once in a million;
// bench/detect measures what is found and how often a good batch raises an alert.
#pragma once
#include <string>
#include <vector>

#include "core/json.h"
#include "data/check.h"
#include "data/compare/alerts.h"

namespace millrace::data::compare {

struct Comparison {
  int64_t rows = 0;               // of the batch
  std::vector<Alert> alerts;      // most suspect first
  std::vector<Tested> tested;     // every statistic of single columns, and the relations
  Json examples = Json::array();  // of each alert, in order: [{"file", "row", "values"}]

  // Rules "column.kind" with what was found: an alert each, and each statistic that held (relations are too many to
  // be told when they hold).
  std::vector<Finding> findings() const;
};

struct CompareRequest {
  std::vector<InputFile> reference, batch;
  std::vector<std::string> masked;  // columns whose values are not shown
};

// The files must be readable by `session`. Fewer than 50 rows of either side are compared by columns and types alone.
Result<Comparison> compare_files(engine::Engine& session, const CompareRequest& request);

}  // namespace millrace::data::compare
