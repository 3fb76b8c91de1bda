// What has changed on disk since a path was added or checked out.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "versions/work/compare.h"
#include "versions/workspace.h"

namespace millrace::versions {

struct PathStatus {
  std::string path;
  // clean; modified: files are others than millrace-data.yaml says; missing: nothing is there; outdated: untouched
  // since the last checkout or add, but millrace-data.yaml has moved on (a `git pull`, say)
  std::string state;
  Entry wanted, found;
  std::vector<Difference> differences;  // at most `most`
  int64_t count = 0;                    // of all differences
  bool unlisted = false;  // the version that is wanted is not in the store, so there is nothing to compare with
};

// Reads files whose stamp is not known, and remembers what it read for the next time.
Result<PathStatus> status_of(Workspace& workspace, const std::string& path, size_t most);

}  // namespace millrace::versions
