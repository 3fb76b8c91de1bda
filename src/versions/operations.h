// What the commands do, one function each. All of them take a workspace that is open; those that change something hold
// lock_for_change() for as long as they run.
#pragma once
#include <string>
#include <vector>

#include "versions/code.h"
#include "versions/history.h"
#include "versions/work/checkout.h"
#include "versions/work/contents.h"
#include "versions/work/status.h"

namespace millrace::versions {

struct Why {
  std::string author, message;
  SourceCode code;
};

struct AddedPath {
  std::string path;
  Entry entry;
  bool changed = false;  // against millrace-data.yaml
  int64_t read_files = 0;
  Written written;
};
struct Added {
  std::vector<AddedPath> paths;
  std::optional<Snapshot> snapshot;  // nothing when nothing changed
};
// Keeps what lies at the paths, writes millrace-data.yaml and a snapshot. `not_found` for what is not there.
Result<Added> add(Workspace& workspace, const std::vector<std::string>& paths, const Why& why);

struct ReadyPath {
  std::string path;
  int64_t written = 0, removed = 0, kept = 0;
};
// Makes tracked paths on disk what millrace-data.yaml says.
Result<std::vector<ReadyPath>> checkout_tracked(Workspace& workspace, const std::vector<std::string>& paths,
                                                const CheckoutOptions& options);

struct Switched {
  Snapshot snapshot;
  std::vector<ReadyPath> paths;
  std::vector<std::string> left;  // not tracked in that version: their files stay as they are
};
// Goes to another version of everything, or of some paths. A branch becomes the current one when all paths go there.
Result<Switched> checkout_version(Workspace& workspace, const std::string& ref, const std::vector<std::string>& paths,
                                  const CheckoutOptions& options);

// What is tracked now and these dataset versions, as a snapshot; the branch's head when that is the same.
Result<Snapshot> snapshot_now(Workspace& workspace, const std::map<std::string, std::vector<DatasetFile>>& datasets,
                              const Why& why);

}  // namespace millrace::versions
