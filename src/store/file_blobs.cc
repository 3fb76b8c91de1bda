#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <mutex>
#include <shared_mutex>

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
    MILLRACE_TRY(const bool there, touch(path));
    if (there) return keep(digest, path);
    MILLRACE_DO(make_folders(parent_of(path)));
    MILLRACE_DO(write_file(path, bytes, 0400));
    MILLRACE_TRY(const bool noted, touch(path));
    (void)noted;
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
    auto there = touch(path);
    if (!there) return undo(std::move(there).error());
    if (*there) {
      ::unlink(beside.c_str());
      return keep(*digest, path);
    }
    if (auto made = make_folders(parent_of(path)); !made) return undo(std::move(made).error());
    FAULT_POINT("store.blob.before_rename");
    if (::rename(beside.c_str(), path.c_str()) != 0) return undo(file_error("cannot rename into place", path, errno));
    MILLRACE_TRY(const bool noted, touch(path));
    (void)noted;
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

  Result<std::vector<KeptBlob>> list(uint8_t first_byte) const override {
    std::vector<KeptBlob> out;
    for (const auto& file : files_in(fmt::format("{}/{:02x}", folder_, first_byte))) {
      const auto digest = "sha256:" + file.name;
      if (is_digest(digest)) out.push_back({digest, file.size, file.modified_at});
    }
    return out;
  }

  Result<bool> remove_idle(std::string_view digest, Micros since) override {
    MILLRACE_TRY(const auto path, place(digest));
    const std::unique_lock alone(removing_);
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
      if (errno == ENOENT) return false;
      return file_error("cannot stat", path, errno);
    }
    if (modified_at(info) >= since) return false;
    if (::unlink(path.c_str()) != 0) return file_error("cannot remove", path, errno);
    return true;
  }

  Result<int64_t> leftovers(Micros before, Leftovers what) override {
    int64_t count = 0;
    for (int i = -1; i < 256; ++i) {
      const auto folder = i < 0 ? folder_ : fmt::format("{}/{:02x}", folder_, i);
      for (const auto& file : files_in(folder)) {
        // incoming-XXXXXXXXXXXXXXXX, or a digest and .XXXXXX (core/files.h)
        const bool half_way =
            i < 0 ? file.name.starts_with("incoming-") : file.name.size() == 71 && file.name[64] == '.';
        if (!half_way || file.modified_at >= before) continue;
        const auto path = folder + "/" + file.name;
        if (what == Leftovers::remove && ::unlink(path.c_str()) != 0 && errno != ENOENT)
          return file_error("cannot remove", path, errno);
        ++count;
      }
    }
    return count;
  }

 private:
  struct File {
    std::string name;
    int64_t size = 0;
    Micros modified_at = 0;
  };

  static Micros modified_at(const struct stat& info) {
    return info.st_mtim.tv_sec * 1'000'000 + info.st_mtim.tv_nsec / 1'000;
  }

  // Nothing of a folder that is not there.
  static std::vector<File> files_in(const std::string& folder) {
    std::vector<File> out;
    std::error_code error;
    for (std::filesystem::directory_iterator each(folder, error), end; !error && each != end; each.increment(error)) {
      struct stat info {};
      if (::stat(each->path().c_str(), &info) == 0 && S_ISREG(info.st_mode))
        out.push_back({each->path().filename().string(), info.st_size, modified_at(info)});
    }
    return out;
  }

  // Notes that somebody has just put it. False when it is not there.
  Result<bool> touch(const std::string& path) {
    const auto now = context_.now();
    const timespec time{.tv_sec = now / 1'000'000, .tv_nsec = now % 1'000'000 * 1'000};
    const timespec times[] = {time, time};
    const std::shared_lock together(removing_);
    if (::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return file_error("cannot set the time", path, errno);
  }

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
  std::shared_mutex removing_;  // held alone while a blob is looked at and taken away
};

}  // namespace

Result<std::unique_ptr<Blobs>> open_file_blobs(const std::string& folder, Context& context) {
  MILLRACE_DO(make_folders(folder));
  return std::unique_ptr<Blobs>(std::make_unique<FileBlobs>(folder, context));
}

}  // namespace millrace::store
