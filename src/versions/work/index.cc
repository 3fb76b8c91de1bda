#include "versions/work/index.h"

#include <algorithm>

#include "core/codes/crc32c.h"
#include "core/files.h"

namespace millrace::versions {
namespace {

constexpr std::string_view kMagic = "MRSCAN1\n";
constexpr size_t kMostBytes = size_t{16} << 30;

struct Head {
  char magic[8];
  uint32_t crc;  // of all after the head
  uint8_t kind, flushed, reserved[2];
  char boot[40];  // which start of the machine wrote it
  int64_t size, files;
  Digest digest;
  uint64_t folders, entries, names;
};
static_assert(sizeof(Head) == 128);

std::string boot_id() {
  auto text = read_file("/proc/sys/kernel/random/boot_id", 64);
  if (!text) return "";
  while (text->ends_with('\n')) text->pop_back();
  return text->substr(0, 39);
}

template <class T>
void append(std::string& out, const std::vector<T>& rows) {
  out.append(reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(T));
}

template <class T>
bool take(std::string_view& bytes, uint64_t count, std::vector<T>& rows) {
  if (count > bytes.size() / sizeof(T)) return false;
  rows.resize(count);
  if (count != 0) std::memcpy(rows.data(), bytes.data(), count * sizeof(T));
  bytes.remove_prefix(count * sizeof(T));
  return true;
}

// The checksum says that we wrote it; these keep a stranger's file from leading anywhere.
bool fits(const Scan& scan) {
  const auto entries = scan.entries.size();
  for (size_t i = 0; i < scan.folders.size(); ++i) {
    const auto& folder = scan.folders[i];
    if (folder.first > entries || folder.count > entries - folder.first) return false;
    if (i != 0 && (folder.parent >= i || folder.entry >= entries)) return false;
  }
  return !scan.folders.empty() && std::all_of(scan.entries.begin(), scan.entries.end(), [&](const ScanEntry& entry) {
    return entry.name_at <= scan.names.size() && entry.name_size <= scan.names.size() - entry.name_at &&
           entry.kind <= Kind::tree && (entry.kind != Kind::tree || entry.folder < scan.folders.size());
  });
}

}  // namespace

Result<void> write_index(const std::string& file, const Index& index, Flushed flushed) {
  const auto& scan = index.scan;
  Head head{};
  std::copy(kMagic.begin(), kMagic.end(), head.magic);
  head.kind = static_cast<uint8_t>(index.top.kind);
  head.flushed = flushed == Flushed::yes ? 1 : 0;
  const auto boot = boot_id();
  std::copy(boot.begin(), boot.end(), head.boot);
  head.size = index.top.size;
  head.files = index.top.files;
  head.digest = index.top.digest;
  head.folders = scan.folders.size();
  head.entries = scan.entries.size();
  head.names = scan.names.size();
  std::string bytes(sizeof head, '\0');
  bytes.reserve(sizeof head + scan.folders.size() * sizeof(ScanFolder) + scan.entries.size() * sizeof(ScanEntry) +
                scan.names.size());
  append(bytes, scan.folders);
  append(bytes, scan.entries);
  bytes += scan.names;
  head.crc = crc32c(std::string_view(bytes).substr(sizeof head));
  std::memcpy(bytes.data(), &head, sizeof head);
  MILLRACE_DO(make_folders(parent_of(file)));
  return write_file(file, bytes);
}

std::optional<Index> read_index(const std::string& file) {
  const auto bytes = read_file(file, kMostBytes);
  Head head{};
  if (!bytes || bytes->size() < sizeof head) return std::nullopt;
  std::memcpy(&head, bytes->data(), sizeof head);
  auto rest = std::string_view(*bytes).substr(sizeof head);
  if (std::string_view(head.magic, 8) != kMagic || crc32c(rest) != head.crc || head.kind > 2) return std::nullopt;
  Index out{.top = {.kind = static_cast<Kind>(head.kind),
                    .digest = head.digest,
                    .size = head.size,
                    .files = head.files,
                    .name = ""},
            .scan = {}};
  if (!take(rest, head.folders, out.scan.folders) || !take(rest, head.entries, out.scan.entries) ||
      rest.size() != head.names)
    return std::nullopt;
  out.scan.names = rest;
  if (!fits(out.scan)) return std::nullopt;
  const std::string_view boot(head.boot, strnlen(head.boot, sizeof head.boot));
  if (head.flushed == 0 && (boot.empty() || boot != boot_id()))
    for (auto& entry : out.scan.entries) entry.known = 0;
  return out;
}

}  // namespace millrace::versions
