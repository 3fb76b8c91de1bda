// One window computed from the sealed prediction log and the labels that have come: every arm's, and `all`.
//
// The SQL engine answers whole numbers and sums of whole numbers, the statistics are finished in stats/; so the same
// rows give the same summary to the last bit, however they lie in files and whatever the number of threads.
#pragma once
#include <string>
#include <vector>

#include "monitor/records.h"
#include "monitor/window/log_view.h"

namespace millrace::monitor {

struct Measured {
  std::string arm, model;
  int64_t version = 0;  // 0 for `all`
  Json evidence;        // what the summary was computed from, in whole numbers; the same evidence is the same summary
  Json summary;         // records.h
  std::vector<std::string> releases;  // nodes of those whose answers are counted, sorted
  std::vector<std::string> sent;      // digests of the files that requests were replayed from, sorted
  std::string reference;              // its node, or ""
};

// `all` first (when any arm but shadows answered), then by arm, model and version. None without rows. `all` is compared
// with the reference of the version that had most of the requests.
// Labels count once for each arm that has the row; a refused row counts in requests and refused, and its inputs in the
// columns, of its own arm and of `all`.
Result<std::vector<Measured>> measure_window(engine::Engines& engines, const WindowRequest& request,
                                             const Compare& compare);

}  // namespace millrace::monitor
