#include "track/artifacts.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/files.h"
#include "core/hash.h"
#include "core/limits.h"

namespace millrace::track {
namespace {

constexpr std::string_view kBeside = ".millrace-";  // files on their way into place; never listed
constexpr size_t kFolderEntries = 100'000;          // listed or removed from one folder

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

std::string joined(const std::vector<std::string>& parts) { return fmt::format("{}", fmt::join(parts, "/")); }

Error no_artifact(const std::vector<std::string>& parts) {
  return Error{Code::not_found, fmt::format("No such artifact: '{}'", joined(parts))};
}

// ELOOP and ENOTDIR: a part of the path is a link or a file.
Error path_error(std::string_view doing, const std::vector<std::string>& parts, int error_number) {
  if (error_number == ENOENT) return no_artifact(parts);
  if (error_number == ELOOP || error_number == ENOTDIR || error_number == EISDIR)
    return Error{Code::invalid, fmt::format("Invalid path: '{}' crosses what is not a folder", joined(parts))};
  return file_error(doing, joined(parts), error_number);
}

Result<void> flush(int descriptor, const std::vector<std::string>& parts) {
  if (::fsync(descriptor) != 0) return file_error("cannot flush", joined(parts), errno);
  return {};
}

Result<Descriptor> make_folder_at(const Descriptor& parent, const std::string& name,
                                  const std::vector<std::string>& parts) {
  if (::mkdirat(parent.get(), name.c_str(), 0700) != 0 && errno != EEXIST)
    return file_error("cannot make the folder", joined(parts), errno);
  MILLRACE_DO(flush(parent.get(), parts));
  Descriptor made(::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!made) return path_error("cannot open", parts, errno);
  return made;
}

// Opens the folder of the first `count` parts; with `make` those that are missing are made.
enum class Missing { fails, is_made };
Result<Descriptor> open_folder(const std::string& root, const std::vector<std::string>& parts, size_t count,
                               Missing missing) {
  if (missing == Missing::is_made) MILLRACE_DO(make_folders(root));
  Descriptor at(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!at) return path_error("cannot open", parts, errno);
  for (size_t i = 0; i < count; ++i) {
    Descriptor next(::openat(at.get(), parts[i].c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next && errno == ENOENT && missing == Missing::is_made) {
      MILLRACE_TRY(next, make_folder_at(at, parts[i], parts));
    } else if (!next) {
      return path_error("cannot open", parts, errno);
    }
    at = std::move(next);
  }
  return at;
}

Result<std::vector<std::string>> names_in(const Descriptor& folder, const std::vector<std::string>& parts) {
  const int copy = ::openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* stream = copy >= 0 ? ::fdopendir(copy) : nullptr;
  if (stream == nullptr) {
    const auto error = file_error("cannot list", joined(parts), errno);
    if (copy >= 0) ::close(copy);
    return error;
  }
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    if (names.size() > kFolderEntries) break;
  }
  ::closedir(stream);
  if (names.size() > kFolderEntries)
    return Error{Code::too_large,
                 fmt::format("the folder '{}' holds more than {} entries", joined(parts), kFolderEntries)};
  std::sort(names.begin(), names.end());
  return names;
}

// Depth is bounded: nothing deeper than limits::path_parts can be put.
Result<void> remove_at(const Descriptor& parent, const std::string& name, const std::vector<std::string>& parts) {
  Descriptor folder(::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder) {
    MILLRACE_TRY(const auto names, names_in(folder, parts));
    for (const auto& each : names) MILLRACE_DO(remove_at(folder, each, parts));
  } else if (errno != ENOTDIR && errno != ELOOP) {
    return path_error("cannot remove", parts, errno);
  }
  if (::unlinkat(parent.get(), name.c_str(), folder ? AT_REMOVEDIR : 0) != 0)
    return path_error("cannot remove", parts, errno);
  return {};
}

// Gives the bytes of `from` the name `name` in `folder`, in one step for readers.
Result<void> move_into(const Descriptor& folder, const std::string& name, const std::string& from,
                       const std::vector<std::string>& parts) {
  MILLRACE_DO(flush_file(from));
  if (::renameat(AT_FDCWD, from.c_str(), folder.get(), name.c_str()) == 0) return flush(folder.get(), parts);
  if (errno != EXDEV) return path_error("cannot store", parts, errno);
  const auto beside = std::string(kBeside) + from.substr(from.rfind('/') + 1);
  const auto copy_path = fmt::format("/proc/self/fd/{}/{}", folder.get(), beside);
  auto copied = copy_file(from, copy_path);
  if (copied) copied = flush_file(copy_path);
  if (copied && ::renameat(folder.get(), beside.c_str(), folder.get(), name.c_str()) != 0)
    copied = path_error("cannot store", parts, errno);
  if (!copied) {
    ::unlinkat(folder.get(), beside.c_str(), 0);
    return std::move(copied).error();
  }
  return flush(folder.get(), parts);
}

}  // namespace

Result<std::vector<std::string>> Artifacts::parts_of(const std::string& workspace, std::string_view path) const {
  std::vector<std::string> parts;
  if (workspace != "default") parts = {"workspaces", workspace};
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  if (path.empty()) return parts;
  auto safe = safe_relative(path);
  if (!safe)
    return Error{Code::invalid, fmt::format("Invalid path: {}", safe.error().message())}.hint(safe.error().hint());
  for (size_t from = 0; from <= safe->size();) {
    const size_t to = std::min(safe->find('/', from), safe->size());
    parts.push_back(safe->substr(from, to - from));
    from = to + 1;
  }
  const auto& first = parts[workspace == "default" ? 0 : 2];
  if (first == "workspaces")
    return Error{Code::invalid, "Invalid path: 'workspaces' is reserved"}.hint(
        "name the workspace in the header X-MLFLOW-WORKSPACE");
  if (std::any_of(parts.begin(), parts.end(),
                  [](const auto& part) { return part.starts_with(kBeside) || part.size() > 255; }))
    return Error{Code::invalid, "Invalid path: a part is longer than 255 bytes or begins with '.millrace-'"};
  return parts;
}

Result<Stored> Artifacts::put(const std::string& workspace, std::string_view path,
                              const std::string& spooled_file) const {
  MILLRACE_TRY(const auto parts, parts_of(workspace, path));
  if (path.empty()) return Error{Code::invalid, "Invalid path: an artifact needs a name"};
  Stored stored;
  MILLRACE_TRY(stored.size, file_size(spooled_file));
  MILLRACE_TRY(stored.digest, digest_of_file(spooled_file));
  MILLRACE_TRY(const auto folder, open_folder(folder_, parts, parts.size() - 1, Missing::is_made));
  FAULT_POINT("track.artifact.before_rename");
  MILLRACE_DO(move_into(folder, parts.back(), spooled_file, parts));
  return stored;
}

Result<Stored> Artifacts::put_text(const std::string& workspace, std::string_view path, std::string_view bytes) const {
  MILLRACE_DO(make_folders(folder_));
  std::string spooled = fmt::format("{}/{}XXXXXX", folder_, kBeside);
  const Descriptor reserved(::mkstemp(spooled.data()));
  if (!reserved) return file_error("cannot store", std::string(path), errno);
  if (auto wrote = write_file(spooled, bytes); !wrote) {
    ::unlink(spooled.c_str());
    return std::move(wrote).error();
  }
  auto stored = put(workspace, path, spooled);
  if (!stored) ::unlink(spooled.c_str());
  return stored;
}

Result<std::string> Artifacts::file(const std::string& workspace, std::string_view path) const {
  MILLRACE_TRY(const auto parts, parts_of(workspace, path));
  if (parts.empty()) return Error{Code::invalid, "Invalid path: an artifact needs a name"};
  MILLRACE_TRY(const auto folder, open_folder(folder_, parts, parts.size() - 1, Missing::fails));
  struct stat info {};
  if (::fstatat(folder.get(), parts.back().c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    return path_error("cannot open", parts, errno);
  if (!S_ISREG(info.st_mode))
    return Error{Code::invalid, fmt::format("Invalid path: '{}' is not a file", joined(parts))};
  return folder_ + "/" + joined(parts);
}

Result<std::vector<FileInfo>> Artifacts::list(const std::string& workspace, std::string_view path) const {
  MILLRACE_TRY(const auto parts, parts_of(workspace, path));
  auto folder = open_folder(folder_, parts, parts.size(), Missing::fails);
  if (!folder) {
    if (folder.error().code() == Code::not_found || folder.error().code() == Code::invalid)
      return std::vector<FileInfo>{};
    return std::move(folder).error();
  }
  MILLRACE_TRY(const auto names, names_in(*folder, parts));
  std::vector<FileInfo> out;
  for (const auto& name : names) {
    struct stat info {};
    if (::fstatat(folder->get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;  // removed meanwhile
    if (name.starts_with(kBeside) || (parts.empty() && name == "workspaces")) continue;
    if (S_ISDIR(info.st_mode))
      out.push_back({name, true, 0});
    else if (S_ISREG(info.st_mode))
      out.push_back({name, false, info.st_size});
  }
  return out;
}

Result<void> Artifacts::remove(const std::string& workspace, std::string_view path) const {
  MILLRACE_TRY(const auto parts, parts_of(workspace, path));
  if (path.empty()) return Error{Code::invalid, "Invalid path: name what to delete"};
  MILLRACE_TRY(const auto folder, open_folder(folder_, parts, parts.size() - 1, Missing::fails));
  MILLRACE_DO(remove_at(folder, parts.back(), parts));
  return flush(folder.get(), parts);
}

}  // namespace millrace::track
