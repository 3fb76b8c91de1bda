// What a folder holds, as text that is an object itself: a tree is the digest of its folder's manifest, so that one
// changed file costs as many new objects as it has folders above it.
//
//   millrace-tree 1
//   file <64 digits> <size> 1 name            exec: a file that may be run
//   tree <64 digits> <bytes below> <files below> name
//
// Sorted by name. A folder of many entries is cut into parts at names whose own hash says so, whatever the folder's
// history: its manifest has lines `part`, whose name is that of the part's first entry, and a changed entry changes one
// part of about two thousand lines. In names '%' and control characters are written %XX.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "versions/objects/digest.h"

namespace millrace::versions {

enum class Kind : uint8_t { file, exec, tree, part };
std::string_view name_of(Kind kind);
inline bool is_file(Kind kind) { return kind == Kind::file || kind == Kind::exec; }

struct Entry {
  Kind kind = Kind::file;
  Digest digest;
  int64_t size = 0;   // bytes, of a tree all below
  int64_t files = 1;  // of a tree all below
  std::string name;

  bool same_content(const Entry& other) const { return kind == other.kind && digest == other.digest; }
};

using Keep = std::function<Result<void>(const Digest& digest, std::string bytes)>;
// The entry (without name) of a folder with these entries, sorted by name. `keep` is given its manifests, parts first.
Result<Entry> write_folder(const std::vector<Entry>& entries, const Keep& keep);

// The entries of one manifest, parts not followed. `corrupt` when the text is none or not sorted; `name` says whose.
Result<std::vector<Entry>> read_manifest(std::string_view text, const std::string& name);

using Fetch = std::function<Result<std::string>(const Digest& digest)>;
// All entries of a folder, with those of its parts.
Result<std::vector<Entry>> read_folder(const Digest& digest, const Fetch& fetch);

}  // namespace millrace::versions
