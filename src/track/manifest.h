// What a folder of artifacts holds, as one digest: SHA-256 over the canonical JSON of every file's path, size and
// digest, sorted by path (core/hash.h, tree_manifest). Files in transit and links are not part of it. Reads every byte
// once; nothing is kept in memory but the list.
#pragma once
#include <string>
#include <vector>

#include "core/hash.h"
#include "track/artifacts.h"

namespace millrace::track {

struct Manifest {
  std::vector<TreeEntry> files;  // sorted; paths relative to the folder, or the file's name when the path names a file
  std::string text() const { return tree_manifest(files); }
  std::string digest() const { return digest_of_tree(files); }
};

// `path` as Artifacts takes it; "" is refused. A path that does not exist is an empty tree. `too_large` beyond
// bounds::manifest_files files.
Result<Manifest> manifest_of(const Artifacts& artifacts, const std::string& workspace, const std::string& path);

}  // namespace millrace::track
