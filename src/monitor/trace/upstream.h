// What stands behind the inputs of a window.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "monitor/trace/flow.h"
#include "monitor/trace/trace.h"

namespace millrace::monitor {

// A value of a field that was refused in the window.
struct Refused {
  std::string field, rule, value;
  int64_t rows = 0;
};

// How columns get from the datasets to the model.
struct Route {
  pipeline::StageRecord record;
  std::optional<ColumnFlow> flow;  // nothing: no SQL, so any column may reach any
};

struct Upstream {
  std::vector<Route> routes;                   // stages behind the window, nearest first
  std::vector<pipeline::StageRecord> before;   // comparable ones behind the last earlier window
  std::vector<data::DatasetVersion> versions;  // to be examined, by dataset and period
  std::vector<data::DatasetVersion> rejected;  // batches of the window that the contract refused
  std::vector<Refused> refused;                // most frequent first
  std::vector<std::string> inputs;             // of the model; empty = not known

  // Names below `column` at the end of the routes, nearest first; `known` is false when a stage hides them.
  struct Reach {
    std::vector<std::string> names;
    bool known = true;
  };
  Reach reach(const std::string& column) const;
};

Result<Upstream> find_upstream(const TraceParts& parts, const Caller& caller, const Question& question,
                               const Project& project);

}  // namespace millrace::monitor
