// Snapshots and their names. A snapshot is what was tracked at one moment: paths, dataset versions, who, when, why, and
// the code's commit; an object like any other. Branches are names that move on with each snapshot, tags are names that
// stay.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "versions/workspace.h"

namespace millrace::versions {

struct DatasetFile {
  std::string node, file;  // dataset:NAME@VERSION and the blob of its accepted rows
};

struct Snapshot {
  Digest digest;
  std::vector<Digest> parents;
  Micros time = 0;
  std::string author, message;
  std::string commit;  // of the code; "" = no git work tree
  bool dirty = false;  // it had changes that the commit does not hold
  TrackedPaths paths;
  std::map<std::string, std::vector<DatasetFile>> datasets;

  Json to_json() const;
};
Result<Snapshot> read_snapshot(const Digest& digest, const std::string& text);

enum class Moves { forward, anywhere };

// Not thread-safe; changes need lock_for_change().
class History {
 public:
  explicit History(Workspace& workspace) : workspace_(workspace) {}

  std::string branch() const;  // the current one
  Result<void> set_branch(const std::string& name);
  std::optional<Digest> head() const;                                                  // of the current branch
  std::optional<Digest> find(const std::string& kind, const std::string& name) const;  // "tags" or "branches"
  std::map<std::string, Digest> names(const std::string& kind) const;
  Result<void> name(const std::string& kind, const std::string& name, const Digest& digest, Moves moves);
  Result<void> remove_name(const std::string& kind, const std::string& name);

  // A tag, a branch, HEAD, HEAD~2, or a digest (its first 8 digits or more).
  Result<Digest> resolve(const std::string& ref) const;
  Result<Snapshot> snapshot(const Digest& digest) const;
  // Writes the object and moves the current branch to it. The parent is the branch's head.
  Result<Snapshot> record(Snapshot snapshot);
  // Only the object.
  Result<Snapshot> keep(Snapshot snapshot) const;
  // From `from` back, newest first, each once; at most `limit`.
  Result<std::vector<Snapshot>> log(const Digest& from, size_t limit) const;
  Result<bool> is_before(const Digest& old, const Digest& young) const;

 private:
  Workspace& workspace_;
};

Result<void> check_name(const std::string& name);

}  // namespace millrace::versions
