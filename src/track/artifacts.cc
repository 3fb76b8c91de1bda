#include "track/artifacts.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include <fmt/format.h>

#include "core/files.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/limits/transfer_limits.h"

namespace millrace::track {

Result<Stored> Artifacts::put(const std::string& workspace, std::string_view path, const std::string& spooled_file,
                              std::string digest) const {
  MILLRACE_TRY(const auto at, ArtifactPath::of_file(workspace, path));
  if (digest.empty()) {
    MILLRACE_TRY(digest, digest_of_file(spooled_file));
  }
  MILLRACE_TRY(auto state, files_->put(at, spooled_file, digest));
  return Stored{.digest = std::move(digest), .size = state.size, .stamp = std::move(state.stamp)};
}

Result<Stored> Artifacts::put_text(const std::string& workspace, std::string_view path, std::string_view bytes) const {
  MILLRACE_DO(make_folders(temp_folder_));
  std::string spooled = fmt::format("{}/{}XXXXXX", temp_folder_, kArtifactBeside);
  const int reserved = ::mkstemp(spooled.data());
  if (reserved < 0) return file_error("cannot store", std::string(path), errno);
  ::close(reserved);
  auto stored = [&]() -> Result<Stored> {
    MILLRACE_DO(write_file(spooled, bytes));
    return put(workspace, path, spooled, digest_of(bytes));
  }();
  ::unlink(spooled.c_str());
  return stored;
}

Result<FileState> Artifacts::find(const std::string& workspace, std::string_view path) const {
  MILLRACE_TRY(const auto at, ArtifactPath::of_file(workspace, path));
  return files_->find(at);
}

Result<OpenFile> Artifacts::open(const std::string& workspace, std::string_view path, Span span) const {
  MILLRACE_TRY(const auto at, ArtifactPath::of_file(workspace, path));
  return files_->open(at, span);
}

Result<std::string> Artifacts::digest(const std::string& workspace, std::string_view path) const {
  MILLRACE_TRY(const auto opened, open(workspace, path));
  Sha256 hash;
  std::string piece(limits::stream_piece_bytes, '\0');
  while (true) {
    MILLRACE_TRY(const size_t got, opened.reader->read(piece.data(), piece.size()));
    if (got == 0) return hash.digest();
    hash.update(piece.data(), got);
  }
}

Result<std::string> Artifacts::file(const std::string& workspace, std::string_view path) const {
  MILLRACE_TRY(const auto at, ArtifactPath::of_file(workspace, path));
  return files_->local_file(at);
}

Result<std::vector<FileInfo>> Artifacts::list(const std::string& workspace, std::string_view path) const {
  MILLRACE_TRY(const auto at, ArtifactPath::of(workspace, path));
  return files_->list(at);
}

Result<void> Artifacts::remove(const std::string& workspace, std::string_view path) const {
  MILLRACE_TRY(const auto at, ArtifactPath::of_file(workspace, path));
  return files_->remove(at);
}

Result<std::string> Artifacts::presign(const std::string& workspace, std::string_view path, Presign what,
                                       int64_t seconds) const {
  MILLRACE_TRY(const auto at, ArtifactPath::of_file(workspace, path));
  return files_->presign(at, what, seconds);
}

}  // namespace millrace::track
