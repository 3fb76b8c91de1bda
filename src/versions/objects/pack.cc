#include "versions/objects/pack.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "core/codes/crc32c.h"
#include "core/files.h"
#include "versions/objects/descriptor.h"

namespace millrace::versions {
namespace {

constexpr std::string_view kListHead = "MRINDX1\n";

struct ListHead {
  char magic[8];
  uint64_t count, pack_bytes;
  uint32_t crc, reserved;
};
static_assert(sizeof(ListHead) == 32);

std::string_view bytes_of(const PackEntry* entries, size_t count) {
  return {reinterpret_cast<const char*>(entries), count * sizeof(PackEntry)};
}

Error damaged(const std::string& path) {
  return Error{Code::corrupt, "the list of a pack is not what was written"}
      .at({.file = path})
      .hint("remove it and the .pack beside it, then pull again from a remote, or add the files again");
}

}  // namespace

std::string pack_id(const std::vector<PackEntry>& sorted) {
  return hash_of(bytes_of(sorted.data(), sorted.size())).hex().substr(0, 40);
}

std::string pack_list(const std::vector<PackEntry>& sorted, uint64_t pack_bytes) {
  const auto entries = bytes_of(sorted.data(), sorted.size());
  ListHead head{.magic = {}, .count = sorted.size(), .pack_bytes = pack_bytes, .crc = crc32c(entries), .reserved = 0};
  std::copy(kListHead.begin(), kListHead.end(), head.magic);
  std::string out(reinterpret_cast<const char*>(&head), sizeof head);
  out += entries;
  return out;
}

Result<std::unique_ptr<Pack>> Pack::open_list(const std::string& folder, const std::string& id) {
  std::unique_ptr<Pack> out(new Pack);
  out->id_ = id;
  out->path_ = folder + "/" + id + ".pack";
  const auto list = folder + "/" + id + ".idx";
  const Descriptor file(::open(list.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0) return file_error("cannot open", list, errno);
  out->map_bytes_ = static_cast<size_t>(info.st_size);
  if (out->map_bytes_ < sizeof(ListHead)) return damaged(list);
  void* map = ::mmap(nullptr, out->map_bytes_, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (map == MAP_FAILED) return file_error("cannot map", list, errno);
  out->map_ = static_cast<const char*>(map);
  ListHead head{};
  std::memcpy(&head, out->map_, sizeof head);
  out->entries_ = reinterpret_cast<const PackEntry*>(out->map_ + sizeof head);
  out->count_ = (out->map_bytes_ - sizeof head) / sizeof(PackEntry);
  out->bytes_ = head.pack_bytes;
  if (std::string_view(head.magic, 8) != kListHead || head.count != out->count_ ||
      out->map_bytes_ != sizeof head + out->count_ * sizeof(PackEntry) ||
      crc32c(bytes_of(out->entries_, out->count_)) != head.crc)
    return damaged(list);
  return out;
}

Result<std::unique_ptr<Pack>> Pack::open(const std::string& folder, const std::string& id) {
  MILLRACE_TRY(auto out, open_list(folder, id));
  out->file_ = ::open(out->path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (out->file_ < 0) return file_error("cannot open", out->path_, errno);
  return out;
}

Pack::~Pack() {
  if (map_ != nullptr) ::munmap(const_cast<char*>(map_), map_bytes_);
  if (file_ >= 0) ::close(file_);
}

const PackEntry* Pack::find(const Digest& digest) const {
  const auto* found = std::lower_bound(begin(), end(), digest,
                                       [](const PackEntry& entry, const Digest& d) { return entry.digest < d; });
  return found != end() && found->digest == digest ? found : nullptr;
}

Result<void> Pack::read(const PackEntry& entry, std::string& out) const {
  out.resize(entry.size);
  for (size_t have = 0; have < out.size();) {
    const ssize_t got = ::pread(file_, out.data() + have, out.size() - have, static_cast<off_t>(entry.offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error("cannot read", path_, errno);
    if (got == 0) return Error{Code::corrupt, "the pack ends too early"}.at({.file = path_});
    have += static_cast<size_t>(got);
  }
  return {};
}

}  // namespace millrace::versions
