#include "pipeline/key/file_digests.h"

#include <sys/stat.h>

#include <cerrno>

#include "core/files.h"
#include "core/hash.h"
#include "pipeline/bounds.h"

namespace millrace::pipeline {
namespace {

constexpr Micros kSettled = 5'000'000;

struct Identity {
  Micros modified_at = 0;
  int64_t size = 0, inode = 0;
  bool operator==(const Identity&) const = default;
};

Result<Identity> identify(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return file_error("cannot stat", path, errno);
  // The later of both times: a tool may set the first back, the second cannot be set.
  const auto micros = [](const timespec& t) { return static_cast<Micros>(t.tv_sec) * 1'000'000 + t.tv_nsec / 1000; };
  return Identity{std::max(micros(info.st_mtim), micros(info.st_ctim)), info.st_size,
                  static_cast<int64_t>(info.st_ino)};
}

}  // namespace

Result<std::string> FileDigests::digest(const Caller& caller, const std::string& path) {
  MILLRACE_TRY(const auto before, identify(path));
  if (before.size < bounds::memoised_from_bytes) return digest_of_file(path);
  std::string known;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(
        const auto row,
        session.first("SELECT modified_at, size, inode, digest FROM file_digests WHERE workspace = ? AND path = ?",
                      {caller.workspace, path}));
    if (row && Identity{row->integer(0), row->integer(1), row->integer(2)} == before) known = row->text(3);
    return {};
  }));
  if (!known.empty()) return known;
  MILLRACE_TRY(const auto digest, digest_of_file(path));
  MILLRACE_TRY(const auto after, identify(path));
  if (!(after == before))
    return Error{Code::conflict, "the file changed while it was read"}
        .at({.file = path})
        .hint("run again when nothing writes to it");
  if (before.modified_at + kSettled > context_.now()) return digest;
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto rows,
                 session.execute("INSERT INTO file_digests (workspace, path, modified_at, size, inode, digest) VALUES "
                                 "(?, ?, ?, ?, ?, ?) ON CONFLICT (workspace, path) "
                                 "DO UPDATE SET modified_at = excluded.modified_at, size = excluded.size, inode = "
                                 "excluded.inode, digest = excluded.digest",
                                 {caller.workspace, path, before.modified_at, before.size, before.inode, digest}));
    (void)rows;
    return lineage::Change{};  // a cache is no state: no line
  }));
  (void)line;
  return digest;
}

}  // namespace millrace::pipeline
