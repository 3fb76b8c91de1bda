// Every object that some versions need: the mark of a collection, and what a transfer looks at.
#pragma once
#include <functional>
#include <unordered_set>
#include <vector>

#include "versions/history.h"

namespace millrace::versions {

using Digests = std::unordered_set<Digest, DigestHash>;

struct Roots {
  std::vector<Digest> snapshots;
  std::vector<Entry> entries;
};
// What a tag, a branch, millrace-data.yaml or an index names.
Result<Roots> roots_of(const Workspace& workspace, History& history);

// What an object leads to.
struct Found {
  enum class Kind { snapshot, manifest, content };
  Kind kind = Kind::content;
  Digest digest;
  int64_t size = 0;
};
// Adds what the manifest or snapshot leads to.
Result<void> open_object(const Found& found, const std::string& text, std::vector<Found>& next);

// All that can be reached. Where an object cannot be read, `missing` decides: an error ends the walk.
using Missing = std::function<Result<void>(const Error&, bool is_root)>;
Result<Digests> reach(const Roots& roots, const Fetch& fetch, const Missing& missing);
std::vector<Found> start_of(const Roots& roots);

}  // namespace millrace::versions
