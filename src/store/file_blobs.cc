#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/files.h"
#include "store/blobs.h"

namespace millrace::store {
namespace {

class FileBlobs final : public Blobs {
 public:
  FileBlobs(std::string folder, Context& context) : folder_(std::move(folder)), context_(context) {}

  Result<std::string> put(std::string_view bytes) override {
    const std::string digest = digest_of(bytes);
    MILLRACE_TRY(const auto path, place(digest));
    if (exists(path)) return keep(digest, path);
    MILLRACE_DO(make_folders(parent_of(path)));
    MILLRACE_DO(write_file(path, bytes, 0400));
    return digest;
  }

  Result<std::string> put_file(const std::string& from) override {
    // Copy first, hash the copy: the source may change while it is read.
    const std::string beside = fmt::format("{}/incoming-{}", folder_, make_hex(context_.random, 8));
    const auto undo = [&](Error error) -> Result<std::string> {
      ::unlink(beside.c_str());
      return error;
    };
    if (auto copied = copy_file(from, beside); !copied) return undo(std::move(copied).error());
    if (::chmod(beside.c_str(), 0400) != 0) return undo(file_error("cannot set the mode", beside, errno));
    if (auto flushed = flush_file(beside); !flushed) return undo(std::move(flushed).error());
    auto digest = digest_of_file(beside);
    if (!digest) return undo(std::move(digest).error());
    MILLRACE_TRY(const auto path, place(*digest));
    if (exists(path)) {
      ::unlink(beside.c_str());
      return keep(*digest, path);
    }
    if (auto made = make_folders(parent_of(path)); !made) return undo(std::move(made).error());
    FAULT_POINT("store.blob.before_rename");
    if (::rename(beside.c_str(), path.c_str()) != 0) return undo(file_error("cannot rename into place", path, errno));
    MILLRACE_DO(flush_folder(parent_of(path)));
    return digest;
  }

  Result<std::string> get(std::string_view digest, size_t limit) const override {
    MILLRACE_TRY(const auto path, path_of(digest));
    MILLRACE_TRY(auto bytes, read_file(path, limit));
    if (digest_of(bytes) != digest) return damaged(path);
    return bytes;
  }

  Result<std::string> path_of(std::string_view digest) const override {
    MILLRACE_TRY(const auto path, place(digest));
    if (!exists(path))
      return Error{Code::not_found, fmt::format("no content {} in the store", digest)}.at({.file = path});
    return path;
  }

  Result<void> verify(std::string_view digest) const override {
    MILLRACE_TRY(const auto path, path_of(digest));
    MILLRACE_TRY(const auto found, digest_of_file(path));
    if (found != digest) return damaged(path);
    return {};
  }

  Result<bool> has(std::string_view digest) const override {
    MILLRACE_TRY(const auto path, place(digest));
    return exists(path);
  }

  Result<void> remove(std::string_view digest) override {
    MILLRACE_TRY(const auto path, place(digest));
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return file_error("cannot remove", path, errno);
    return {};
  }

 private:
  static Error damaged(const std::string& path) {
    return Error{Code::corrupt, "the bytes are not those that were stored"}
        .at({.file = path})
        .hint("restore this file from a backup; its name is its SHA-256");
  }

  // Another thread may have put it a moment ago: its rename must be on disk before we answer too.
  static Result<std::string> keep(const std::string& digest, const std::string& path) {
    MILLRACE_DO(flush_folder(parent_of(path)));
    return digest;
  }

  Result<std::string> place(std::string_view digest) const {
    if (!is_digest(digest))
      return Error{Code::invalid, fmt::format("'{}' is not a digest", digest.substr(0, 80))}.hint(
          "write sha256: and 64 hexadecimal digits");
    const auto hex = digest.substr(7);
    return fmt::format("{}/{}/{}", folder_, hex.substr(0, 2), hex);
  }

  std::string folder_;
  Context& context_;
};

}  // namespace

Result<std::unique_ptr<Blobs>> open_file_blobs(const std::string& folder, Context& context) {
  MILLRACE_DO(make_folders(folder));
  return std::unique_ptr<Blobs>(std::make_unique<FileBlobs>(folder, context));
}

}  // namespace millrace::store
