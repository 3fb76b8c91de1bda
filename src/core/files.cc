#include "core/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "core/descriptor.h"
#include "core/fault.h"
#include "core/limits.h"

namespace millrace {
namespace fs = std::filesystem;
namespace {

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }
  int close() {
    const int done = ::close(value_);
    value_ = -1;
    return done;
  }

 private:
  int value_;
};

}  // namespace

Result<void> write_all(int descriptor, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(descriptor, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return file_error("cannot write", path, errno);
    bytes.remove_prefix(static_cast<size_t>(wrote));
  }
  return {};
}

Error file_error(std::string_view doing, const std::string& path, int error_number) {
  Code code = Code::unavailable;
  std::string hint;
  if (error_number == ENOENT) code = Code::not_found, hint = "check the path";
  if (error_number == EACCES || error_number == EPERM)
    code = Code::denied, hint = "check the owner and mode of the file";
  if (error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG)
    hint = "the disk is full: free some room; nothing was half-written";
  if (error_number == EISDIR || error_number == ENOTDIR || error_number == ENAMETOOLONG || error_number == ELOOP)
    code = Code::invalid;
  return Error{code, fmt::format("{}: {}", doing, std::strerror(error_number))}.at({.file = path}).hint(hint);
}

Result<std::string> read_file(const std::string& path, size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return file_error("cannot open", path, errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return file_error("cannot stat", path, errno);
  if (S_ISDIR(info.st_mode)) return file_error("cannot read", path, EISDIR);
  std::string out;
  char buffer[1 << 16];
  while (true) {
    const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error("cannot read", path, errno);
    if (got == 0) return out;
    out.append(buffer, static_cast<size_t>(got));
    if (out.size() > limit)
      return Error{Code::too_large, fmt::format("the file is larger than the limit of {} bytes", limit)}.at(
          {.file = path});
  }
}

Result<void> write_file(const std::string& path, std::string_view bytes, unsigned mode) {
  std::string beside = path + ".XXXXXX";
  Descriptor file(::mkostemp(beside.data(), O_CLOEXEC));
  if (file.get() < 0) return file_error("cannot create a file beside", path, errno);
  const auto undo = [&](Error error) -> Result<void> {
    ::unlink(beside.c_str());
    return error;
  };
  if (::fchmod(file.get(), mode) != 0) return undo(file_error("cannot set the mode", path, errno));
  if (auto wrote = write_all(file.get(), bytes, path); !wrote) return undo(std::move(wrote).error());
  FAULT_POINT("core.write_file.before_flush");
  if (::fsync(file.get()) != 0) return undo(file_error("cannot flush", path, errno));
  if (file.close() != 0) return undo(file_error("cannot close", path, errno));
  FAULT_POINT("core.write_file.before_rename");
  if (::rename(beside.c_str(), path.c_str()) != 0) return undo(file_error("cannot rename into place", path, errno));
  return flush_folder(parent_of(path));
}

Result<void> make_folders(const std::string& path, unsigned mode) {
  std::error_code error;
  if (fs::is_directory(path, error)) return {};
  if (path.ends_with('/')) return make_folders(parent_of(path), mode);
  const std::string parent = parent_of(path);
  if (parent != path) MILLRACE_DO(make_folders(parent, mode));
  if (::mkdir(path.c_str(), mode) != 0) {
    const int why = errno;  // another thread may have been first
    if (why != EEXIST || !fs::is_directory(path, error))
      return file_error("cannot make the folder", path, why == EEXIST ? ENOTDIR : why);
    return flush_folder(parent);
  }
  if (::chmod(path.c_str(), mode) != 0) return file_error("cannot set the mode", path, errno);
  return flush_folder(parent);
}

Result<void> flush_folder(const std::string& path) {
  const Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return file_error("cannot open the folder", path, errno);
  if (::fsync(folder.get()) != 0) return file_error("cannot flush the folder", path, errno);
  return {};
}

Result<void> flush_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return file_error("cannot open", path, errno);
  if (::fsync(file.get()) != 0) return file_error("cannot flush", path, errno);
  return {};
}

Result<void> copy_file(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (error) return file_error(fmt::format("cannot copy {} to", from), to, error.value());
  return {};
}

Result<void> remove_tree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return file_error("cannot remove", path, error.value());
  return {};
}

Result<int64_t> file_size(const std::string& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return file_error("cannot stat", path, error.value());
  return static_cast<int64_t>(size);
}

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

std::string parent_of(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

std::string absolute(const std::string& path) {
  std::error_code error;
  return fs::absolute(path, error).lexically_normal().string();
}

Result<std::string> safe_relative(std::string_view path) {
  const auto refuse = [&](std::string_view why) {
    return Error{Code::invalid, fmt::format("the path '{}' {}", path.substr(0, 120), why)}.hint(
        "use a relative path of plain names, e.g. models/model.onnx");
  };
  if (path.empty()) return refuse("is empty");
  if (path.size() > limits::path_bytes) return refuse("is too long");
  if (path.find('\0') != std::string_view::npos) return refuse("holds a NUL byte");
  if (path.find('\\') != std::string_view::npos) return refuse("holds a backslash");
  if (path.front() == '/') return refuse("is absolute");
  size_t parts = 0;
  for (size_t from = 0; from <= path.size();) {
    const size_t to = std::min(path.find('/', from), path.size());
    const auto part = path.substr(from, to - from);
    if (part.empty() || part == "." || part == "..") return refuse("has an empty, '.' or '..' part");
    if (++parts > limits::path_parts) return refuse("has too many parts");
    from = to + 1;
  }
  return std::string(path);
}

Result<LockFile> LockFile::take(const std::string& path, std::string_view owner) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return file_error("cannot open the lock file", path, errno);
  LockFile lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    auto who = read_file(path, 4096);
    return Error{Code::conflict,
                 fmt::format("the state folder is in use by {}", who && !who->empty() ? *who : "another process")}
        .at({.file = path})
        .hint("stop that process, or let the command speak to it over its socket");
  }
  if (::ftruncate(descriptor, 0) != 0) return file_error("cannot write the lock file", path, errno);
  if (auto wrote = write_all(descriptor, owner, path); !wrote) return std::move(wrote).error();
  return lock;
}

LockFile::LockFile(LockFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
LockFile& LockFile::operator=(LockFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}
LockFile::~LockFile() {
  if (descriptor_ >= 0) ::close(descriptor_);  // closing lets the lock go
}

std::string library_folder() {
  if (const char* set = std::getenv("MILLRACE_LIB_DIR"); set != nullptr && *set != '\0') return set;
  std::error_code error;
  const auto self = fs::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / "deps" / "lib").string();
}

}  // namespace millrace
