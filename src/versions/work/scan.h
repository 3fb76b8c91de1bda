// A tracked file or folder as it lies on disk: names, stamps and, as far as they are known, digests. About 90 bytes a
// file and its name. What is neither a file nor a folder is refused: content by digest cannot stand for it.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "versions/objects/manifest.h"
#include "versions/work/stamp.h"

namespace millrace::versions {

struct ScanEntry {
  uint64_t name_at = 0;  // into Scan::names
  uint32_t name_size = 0;
  Kind kind = Kind::file;
  uint8_t fresh = 0;  // the stamp may not be trusted the next time
  uint8_t known = 0;  // digest is that of the bytes that carry the stamp
  uint8_t reserved = 0;
  uint64_t folder = 0;  // of a tree: its place in Scan::folders
  Stamp stamp;
  Digest digest;
};
static_assert(sizeof(ScanEntry) == 88);

struct ScanFolder {
  uint64_t parent = 0;            // the folder that it is in; 0 of the top itself
  uint64_t entry = 0;             // its place in Scan::entries; of the top nothing
  uint64_t first = 0, count = 0;  // its entries, sorted by name
  Digest digest;                  // of its manifest; empty = not known
  int64_t size = 0, files = 0;    // below it
};
static_assert(sizeof(ScanFolder) == 80);

struct Scan {
  std::vector<ScanFolder> folders;  // parents before children; the first is the top
  std::vector<ScanEntry> entries;
  std::string names;
  std::vector<std::string> leftovers;  // absolute paths of what a killed checkout left beside

  std::string_view name(const ScanEntry& entry) const { return {names.data() + entry.name_at, entry.name_size}; }
  std::string path(size_t folder) const;  // relative to the top, "" = the top
  std::string path(size_t folder, const ScanEntry& entry) const;
  size_t folder_of(size_t entry) const;  // the folder whose entries hold it
  size_t add_name(std::string_view name);
};

// Names that begin so are files that a checkout has not put in place yet, or its state: never tracked.
inline constexpr std::string_view kBeside = ".millrace-";

struct ScanTarget {
  std::string path;  // absolute; of a file, its folder
  std::string only;  // the one name looked at; "" = all of them
  std::string place() const { return only.empty() ? path : path + "/" + only; }
};
// Of what lies at an absolute path; `is_file` when nothing does.
ScanTarget target_of(const std::string& path, bool is_file);

// Digests are taken over from `before` where the stamps are equal and were not fresh. A missing top is an empty folder.
// `invalid` for links and the like, with their path; `too_large` over the limits of depth and number.
Result<Scan> scan(const ScanTarget& target, const Scan* before);

// The entries whose digest is not known yet.
std::vector<size_t> unknown_files(const Scan& scan);
// What is to become of manifests: `keep` is given each of them, but for those of folders that equal `before` and are
// `kept` already.
struct Manifests {
  Keep keep;
  std::function<bool(const Digest&)> kept;
};
// Computes the manifests of all folders from the bottom up and fills in what the folders hold; every file's digest is
// known. Answers the top's entry, or the one file's; `not_found` when that file is not there.
Result<Entry> fold(Scan& scan, const ScanTarget& target, const Scan* before, const Manifests& manifests);

}  // namespace millrace::versions
