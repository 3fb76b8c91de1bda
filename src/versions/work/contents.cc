#include "versions/work/contents.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/files.h"
#include "versions/parallel.h"

namespace millrace::versions {
namespace {

constexpr int kTries = 3;  // of a file that changes while it is read
constexpr size_t kPiece = 256 << 10;
constexpr size_t kStep = 16;  // files that a thread takes at a time

std::string path_of(const Scan& scan, const ScanTarget& target, size_t at) {
  return target.path + "/" + scan.path(scan.folder_of(at), scan.entries[at]);
}

// Reads to the end, or until `room` is full.
Result<size_t> read_some(int file, char* to, size_t room, const std::string& path) {
  size_t have = 0;
  while (have < room) {
    const ssize_t got = ::read(file, to + have, room - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error("cannot read", path, errno);
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  return have;
}

Result<Digest> hash_to_end(int file, const std::string& path) {
  thread_local Hasher hasher;
  thread_local std::string piece(kPiece, '\0');
  hasher.begin();
  while (true) {
    MILLRACE_TRY(const size_t got, read_some(file, piece.data(), piece.size(), path));
    hasher.update({piece.data(), got});
    if (got < piece.size()) return hasher.end();
  }
}

Result<Digest> keep_bytes(int file, int64_t size, const std::string& path, ObjectWriter& writer) {
  if (size > kPackedBytes) return writer.put_file(file, path);
  thread_local std::string bytes(kPackedBytes + 1, '\0');
  MILLRACE_TRY(const size_t got, read_some(file, bytes.data(), bytes.size(), path));
  if (got > static_cast<size_t>(kPackedBytes)) {  // it grew; its stamp will say so too
    return Error{Code::conflict, "the file grows while it is read"}.at({.file = path});
  }
  const std::string_view content(bytes.data(), got);
  const auto digest = hash_of(content);
  MILLRACE_DO(writer.put(digest, content));
  return digest;
}

// `writer` may be null: then the bytes are only hashed.
Result<void> read_entry(Scan& scan, const ScanTarget& target, size_t at, ObjectWriter* writer) {
  auto& entry = scan.entries[at];
  const auto path = path_of(scan, target, at);
  for (int i = 0; i < kTries; ++i) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat before {
    }, after{};
    if (!file || ::fstat(file.get(), &before) != 0) return file_error("cannot read", path, errno);
    if (!S_ISREG(before.st_mode)) return Error{Code::conflict, "it is not a file any more"}.at({.file = path});
    auto digest =
        writer == nullptr ? hash_to_end(file.get(), path) : keep_bytes(file.get(), before.st_size, path, *writer);
    if (!digest && digest.error().code() != Code::conflict) return std::move(digest).error();
    const auto now = file_clock_ns();
    if (::fstat(file.get(), &after) != 0) return file_error("cannot stat", path, errno);
    if (!digest || stamp_of(before) != stamp_of(after)) continue;
    entry.stamp = stamp_of(after);
    entry.fresh = is_fresh(entry.stamp, now) ? 1 : 0;
    entry.kind = (after.st_mode & S_IXUSR) != 0 ? Kind::exec : Kind::file;
    entry.digest = *digest;
    entry.known = 1;
    return {};
  }
  return Error{Code::conflict, "the file changes while it is read"}
      .at({.file = path})
      .hint("wait until its writer is done, then do it again");
}

}  // namespace

Result<void> hash_files(Scan& scan, const ScanTarget& target, const std::vector<size_t>& which) {
  return for_each_of(which.size(), cores(), kStep,
                     [&](size_t i) { return read_entry(scan, target, which[i], nullptr); });
}

Result<void> keep_files(Scan& scan, const ScanTarget& target, const std::vector<size_t>& which, ObjectWriter& writer) {
  return for_each_of(which.size(), cores(), kStep,
                     [&](size_t i) { return read_entry(scan, target, which[i], &writer); });
}

Result<Captured> capture(const Objects& objects, Context& context, const ScanTarget& target, const Index* before) {
  const auto* known = before == nullptr ? nullptr : &before->scan;
  Captured out;
  auto& now = out.index.scan;
  MILLRACE_TRY(now, scan(target, known));
  for (const auto& leftover : now.leftovers) MILLRACE_DO(remove_tree(leftover));
  // A digest may be known of a status alone, which keeps nothing.
  for (auto& entry : now.entries)
    if (entry.known != 0 && !objects.has(entry.digest)) entry.known = 0;
  const auto unknown = unknown_files(now);
  out.read_files = static_cast<int64_t>(unknown.size());
  MILLRACE_TRY(const auto writer, ObjectWriter::begin(objects, context));
  MILLRACE_DO(keep_files(now, target, unknown, *writer));
  FAULT_POINT("versions.add.after_files");
  const Manifests manifests{
      .keep = [&](const Digest& digest, std::string text) { return writer->put_manifest(digest, std::move(text)); },
      .kept = [&](const Digest& digest) { return objects.has(digest); }};
  MILLRACE_TRY(out.index.top, fold(now, target, known, manifests));
  MILLRACE_TRY(out.written, writer->finish());
  return out;
}

}  // namespace millrace::versions
