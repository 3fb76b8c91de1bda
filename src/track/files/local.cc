#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/files.h"
#include "track/files/store.h"

namespace millrace::track {
namespace {

constexpr size_t kFolderEntries = 100'000;                    // listed of one folder
constexpr size_t kRemovedAtOnce = 1'000;                      // names held in memory while a folder is removed
constexpr std::string_view kIncoming = ".millrace-incoming";  // copies of what came over from another file system

class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(Descriptor&& other) noexcept : value_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }
  explicit operator bool() const { return value_ >= 0; }

 private:
  int value_;
};

Error no_artifact(const ArtifactPath& at) {
  return Error{Code::not_found, fmt::format("No such artifact: '{}'", at.text())};
}

// ELOOP and ENOTDIR: a part of the path is a link or a file.
Error path_error(std::string_view doing, const ArtifactPath& at, int error_number) {
  if (error_number == ENOENT) return no_artifact(at);
  if (error_number == ELOOP || error_number == ENOTDIR || error_number == EISDIR)
    return Error{Code::invalid, fmt::format("Invalid path: '{}' crosses what is not a folder", at.text())};
  return file_error(doing, at.text(), error_number);
}

Error not_a_file(const ArtifactPath& at) {
  return Error{Code::invalid, fmt::format("Invalid path: '{}' is not a file", at.text())};
}

Result<void> flush(int descriptor, const ArtifactPath& at) {
  if (::fsync(descriptor) != 0) return file_error("cannot flush", at.text(), errno);
  return {};
}

Result<Descriptor> make_folder_at(const Descriptor& parent, const std::string& name, const ArtifactPath& at) {
  if (::mkdirat(parent.get(), name.c_str(), 0700) != 0 && errno != EEXIST)
    return file_error("cannot make the folder", at.text(), errno);
  MILLRACE_DO(flush(parent.get(), at));
  Descriptor made(::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!made) return path_error("cannot open", at, errno);
  return made;
}

// Opens the folder of the first `count` parts.
enum class Missing { fails, is_made };
Result<Descriptor> open_folder(const std::string& root, const ArtifactPath& path, size_t count, Missing missing) {
  if (missing == Missing::is_made) MILLRACE_DO(make_folders(root));
  Descriptor at(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!at) return path_error("cannot open", path, errno);
  for (size_t i = 0; i < count; ++i) {
    const auto& part = path.parts()[i];
    Descriptor next(::openat(at.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next && errno == ENOENT && missing == Missing::is_made) {
      MILLRACE_TRY(next, make_folder_at(at, part, path));
    } else if (!next) {
      return path_error("cannot open", path, errno);
    }
    at = std::move(next);
  }
  return at;
}

// At most `most` + 1 of them, in the folder's own order.
Result<std::vector<std::string>> names_in(const Descriptor& folder, const ArtifactPath& at, size_t most) {
  const int copy = ::openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* stream = copy >= 0 ? ::fdopendir(copy) : nullptr;
  if (stream == nullptr) {
    const auto error = file_error("cannot list", at.text(), errno);
    if (copy >= 0) ::close(copy);
    return error;
  }
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    if (names.size() > most) break;
  }
  ::closedir(stream);
  return names;
}

// Depth is bounded: nothing deeper than limits::path_parts can be put. What others removed meanwhile is fine.
Result<void> remove_at(const Descriptor& parent, const std::string& name, const ArtifactPath& at) {
  Descriptor folder(::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder && errno != ENOTDIR && errno != ELOOP) return path_error("cannot remove", at, errno);
  while (folder) {
    MILLRACE_TRY(const auto names, names_in(folder, at, kRemovedAtOnce));
    if (names.empty()) break;
    for (const auto& each : names)
      if (auto removed = remove_at(folder, each, at); !removed && removed.error().code() != Code::not_found)
        return removed;
  }
  if (::unlinkat(parent.get(), name.c_str(), folder ? AT_REMOVEDIR : 0) != 0)
    return path_error("cannot remove", at, errno);
  return {};
}

FileState state_of(const struct stat& info) {
  return {.size = info.st_size,
          .stamp = fmt::format("{:x}-{:x}-{:x}", info.st_ino,
                               info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec, info.st_size)};
}

Result<FileState> state_at(int folder, const std::string& name, const ArtifactPath& at) {
  struct stat info {};
  if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return path_error("cannot open", at, errno);
  if (!S_ISREG(info.st_mode)) return not_a_file(at);
  return state_of(info);
}

struct Copy {
  std::string path;
  FileState state;
};

// Durable, with a name that nobody else has: several servers may share a folder.
Result<Copy> copy_of(const std::string& from, const std::string& folder) {
  MILLRACE_DO(make_folders(folder));
  Copy out{folder + "/XXXXXX", {}};
  const Descriptor reserved(::mkostemp(out.path.data(), O_CLOEXEC));
  if (!reserved) return file_error("cannot copy a file to", out.path, errno);
  auto copied = copy_file(from, out.path);
  if (copied) copied = flush_file(out.path);
  struct stat info {};
  if (copied && ::fstat(reserved.get(), &info) != 0) copied = file_error("cannot stat", out.path, errno);
  if (!copied) {
    ::unlink(out.path.c_str());
    return std::move(copied).error();
  }
  out.state = state_of(info);
  return out;
}

// Gives the bytes of `from` the path's last name in `folder`, in one step for readers. The state is taken before that:
// afterwards it may be that of another writer's file.
Result<FileState> move_into(const std::string& root, const Descriptor& folder, const std::string& from,
                            const ArtifactPath& at) {
  const auto& name = at.parts().back();
  MILLRACE_DO(flush_file(from));
  MILLRACE_TRY(auto state, state_at(AT_FDCWD, from, at));
  FAULT_POINT("track.artifact.before_rename");
  if (::renameat(AT_FDCWD, from.c_str(), folder.get(), name.c_str()) == 0) {
    MILLRACE_DO(flush(folder.get(), at));
    return state;
  }
  if (errno != EXDEV) return path_error("cannot store", at, errno);
  MILLRACE_TRY(const auto copy, copy_of(from, root + "/" + std::string(kIncoming)));
  state = copy.state;
  FAULT_POINT("track.artifact.after_copy");
  if (::renameat(AT_FDCWD, copy.path.c_str(), folder.get(), name.c_str()) != 0) {
    const auto error = path_error("cannot store", at, errno);
    ::unlink(copy.path.c_str());
    return error;
  }
  MILLRACE_DO(flush(folder.get(), at));
  return state;
}

class DescriptorReader final : public Reader {
 public:
  DescriptorReader(Descriptor file, Span span, std::string name)
      : file_(std::move(file)), at_(span.offset), left_(span.length), name_(std::move(name)) {}

  Result<size_t> read(char* to, size_t room) override {
    if (left_ >= 0) room = std::min(room, static_cast<size_t>(left_));
    while (room > 0) {
      const ssize_t got = ::pread(file_.get(), to, room, at_);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return file_error("cannot read", name_, errno);
      at_ += got;
      if (left_ >= 0) left_ -= got;
      return static_cast<size_t>(got);
    }
    return size_t{0};
  }

 private:
  Descriptor file_;
  int64_t at_, left_;
  std::string name_;
};

class LocalFiles final : public FileStore {
 public:
  explicit LocalFiles(std::string root) : root_(std::move(root)) {}

  Result<FileState> put(const ArtifactPath& at, const std::string& local_file, const std::string&) override {
    MILLRACE_TRY(const auto folder, open_folder(root_, at, at.parts().size() - 1, Missing::is_made));
    return move_into(root_, folder, local_file, at);
  }

  Result<FileState> find(const ArtifactPath& at) const override {
    if (at.parts().empty()) return not_a_file(at);
    MILLRACE_TRY(const auto folder, open_folder(root_, at, at.parts().size() - 1, Missing::fails));
    return state_at(folder.get(), at.parts().back(), at);
  }

  Result<OpenFile> open(const ArtifactPath& at, Span span) const override {
    if (at.parts().empty()) return not_a_file(at);
    MILLRACE_TRY(const auto folder, open_folder(root_, at, at.parts().size() - 1, Missing::fails));
    // Without O_NONBLOCK the opening of a pipe that somebody left there would wait for ever.
    Descriptor file(::openat(folder.get(), at.parts().back().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file) return path_error("cannot open", at, errno);
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) return path_error("cannot open", at, errno);
    if (!S_ISREG(info.st_mode)) return not_a_file(at);
    return OpenFile{state_of(info), std::make_unique<DescriptorReader>(std::move(file), span, at.text())};
  }

  Result<std::vector<FileInfo>> list(const ArtifactPath& at) const override {
    auto folder = open_folder(root_, at, at.parts().size(), Missing::fails);
    if (!folder) {
      if (folder.error().code() == Code::not_found || folder.error().code() == Code::invalid)
        return std::vector<FileInfo>{};
      return std::move(folder).error();
    }
    MILLRACE_TRY(auto names, names_in(*folder, at, kFolderEntries));
    if (names.size() > kFolderEntries)
      return Error{Code::too_large,
                   fmt::format("the folder '{}' holds more than {} entries", at.text(), kFolderEntries)};
    std::sort(names.begin(), names.end());
    std::vector<FileInfo> out;
    for (const auto& name : names) {
      struct stat info {};
      if (::fstatat(folder->get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;  // removed meanwhile
      if (name.starts_with(kArtifactBeside) || (at.parts().empty() && name == "workspaces")) continue;
      if (S_ISDIR(info.st_mode))
        out.push_back({name, true, 0});
      else if (S_ISREG(info.st_mode))
        out.push_back({name, false, info.st_size});
    }
    return out;
  }

  Result<void> remove(const ArtifactPath& at) override {
    MILLRACE_TRY(const auto folder, open_folder(root_, at, at.parts().size() - 1, Missing::fails));
    MILLRACE_DO(remove_at(folder, at.parts().back(), at));
    return flush(folder.get(), at);
  }

  Result<std::string> local_file(const ArtifactPath& at) const override {
    MILLRACE_TRY(const auto state, find(at));
    (void)state;
    return root_ + "/" + at.from_root();
  }

  Result<int64_t> leftovers(Micros before, Leftovers what) override {
    const auto folder = root_ + "/" + std::string(kIncoming);
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(folder.c_str()), &::closedir);
    if (!stream && errno == ENOENT) return int64_t{0};
    if (!stream) return file_error("cannot list", folder, errno);
    int64_t count = 0;
    while (const dirent* entry = ::readdir(stream.get())) {
      struct stat info {};
      if (::fstatat(::dirfd(stream.get()), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
      if (!S_ISREG(info.st_mode) || info.st_mtim.tv_sec >= before / 1'000'000) continue;
      if (what == Leftovers::remove && ::unlinkat(::dirfd(stream.get()), entry->d_name, 0) != 0 && errno != ENOENT)
        return file_error("cannot remove", folder + "/" + entry->d_name, errno);
      ++count;
    }
    return count;
  }

  bool presigns() const override { return false; }
  Result<std::string> presign(const ArtifactPath&, Presign what, int64_t) const override {
    // The words that clients know as "use the proxy".
    return Error{Code::unsupported, fmt::format("Presigned {} is not supported for the current artifact repository",
                                                what == Presign::get ? "download" : "upload")};
  }

 private:
  std::string root_;
};

}  // namespace

std::unique_ptr<FileStore> open_local_files(std::string folder) {
  return std::make_unique<LocalFiles>(std::move(folder));
}

}  // namespace millrace::track
