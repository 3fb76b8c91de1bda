// The `sources` section of the project file.
#pragma once
#include <string>
#include <vector>

#include "core/project.h"

namespace millrace::data {

struct Source {
  std::string name;
  std::string kind;           // append: batches of disjoint periods add up; snapshot: the newest version is the dataset
  std::string contract_path;  // absolute
  std::string path_glob;      // absolute; where batches lie, for people and `millrace demo`
  std::string event_time;     // property that tells a row's time; "" for snapshots
  Where where;
};

// In the file's order. Without `kind` a source with `event_time` is append, one without is snapshot.
Result<std::vector<Source>> read_sources(const Project& project);
const Source* find_source(const std::vector<Source>& sources, const std::string& name);

}  // namespace millrace::data
