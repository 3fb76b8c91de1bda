// Small objects one after another in one file, with a sorted list of them beside it: a million small files are some
// dozen files in the store and on a remote.
//
//   ID.pack  "MRPACK1\n", then the bytes of the objects
//   ID.idx   "MRINDX1\n", count, bytes of the pack, CRC-32C of the entries; entries (digest, offset, size) by digest
//
// ID is the hash of the entries. A pack without its list is unfinished and counts for nothing.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "versions/objects/digest.h"

namespace millrace::versions {

inline constexpr int64_t kPackBytes = 64 << 20;     // a pack is ended when it has grown to this
inline constexpr int64_t kPackedBytes = 128 << 10;  // larger objects are files of their own
inline constexpr std::string_view kPackHead = "MRPACK1\n";

struct PackEntry {
  Digest digest;
  uint64_t offset = 0;
  uint64_t size = 0;
};
static_assert(sizeof(PackEntry) == 48);

std::string pack_id(const std::vector<PackEntry>& sorted);
std::string pack_list(const std::vector<PackEntry>& sorted, uint64_t pack_bytes);  // the bytes of ID.idx

// A finished pack, its list mapped. Thread-safe.
class Pack {
 public:
  // `corrupt` when the list is not what was written.
  static Result<std::unique_ptr<Pack>> open(const std::string& folder, const std::string& id);
  // Only the list is there: read() fails.
  static Result<std::unique_ptr<Pack>> open_list(const std::string& folder, const std::string& id);
  ~Pack();

  const std::string& id() const { return id_; }
  const std::string& path() const { return path_; }
  const PackEntry* begin() const { return entries_; }
  const PackEntry* end() const { return entries_ + count_; }
  size_t count() const { return count_; }
  uint64_t bytes() const { return bytes_; }           // of the pack's file
  const PackEntry* find(const Digest& digest) const;  // nullptr when it is not in it
  // Not yet compared with the digest.
  Result<void> read(const PackEntry& entry, std::string& out) const;

 private:
  Pack() = default;
  std::string id_, path_;
  const char* map_ = nullptr;
  size_t map_bytes_ = 0;
  const PackEntry* entries_ = nullptr;
  size_t count_ = 0;
  uint64_t bytes_ = 0;
  int file_ = -1;
};

}  // namespace millrace::versions
