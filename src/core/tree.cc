#include "core/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>

#include <fmt/format.h>

#include "core/codes/utf8.h"
#include "core/files.h"
#include "core/limits/exchange_limits.h"

namespace millrace {
namespace {

constexpr size_t kPiece = 1 << 18;

class Open {
 public:
  explicit Open(int descriptor) : descriptor_(descriptor) {}
  ~Open() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
  int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }
  void reset(int descriptor) {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = descriptor;
  }

 private:
  int descriptor_;
};

Entry entry_of(int folder, const std::string& name) {
  struct stat info {};
  Entry entry{.name = name};
  if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return entry;
  if (S_ISREG(info.st_mode)) entry.kind = Entry::Kind::file;
  if (S_ISDIR(info.st_mode)) entry.kind = Entry::Kind::folder;
  entry.size = entry.kind == Entry::Kind::file ? info.st_size : 0;
  return entry;
}

std::string joined(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

}  // namespace

Result<Tree> Tree::open(const std::string& folder) {
  char resolved[PATH_MAX];
  if (::realpath(folder.c_str(), resolved) == nullptr) return file_error("cannot open the folder", folder, errno);
  const int descriptor = ::open(resolved, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return file_error("cannot open the folder", folder, errno);
  return Tree(resolved, descriptor);
}

Tree::Tree(Tree&& other) noexcept : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
Tree& Tree::operator=(Tree&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}
Tree::~Tree() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

// Opens part by part, so that a link anywhere in the path is refused.
Result<int> Tree::open_at(const std::string& path, int flags) const {
  Open at(::openat(descriptor_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (at.get() < 0) return file_error("cannot open", path_, errno);
  if (path.empty()) return at.release();
  MILLRACE_TRY(const auto safe, safe_relative(path));
  for (size_t from = 0; from <= safe.size();) {
    const size_t to = std::min(safe.find('/', from), safe.size());
    const bool last = to == safe.size();
    const auto part = safe.substr(from, to - from);
    const int more = last ? flags : O_RDONLY | O_DIRECTORY;
    // O_NONBLOCK: a pipe must not hold us; it means nothing to files.
    const int next = ::openat(at.get(), part.c_str(), more | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (next < 0) return file_error("cannot open", joined(path_, safe), errno);
    at.reset(next);
    from = to + 1;
  }
  return at.release();
}

Result<std::vector<Entry>> Tree::list(const std::string& folder) const {
  auto opened = open_at(folder, O_RDONLY | O_DIRECTORY);
  if (!opened) {
    const bool absent = opened.error().code() == Code::not_found || !has_folder(folder);
    if (absent) return std::vector<Entry>{};
    return std::move(opened).error();
  }
  DIR* stream = ::fdopendir(*opened);
  if (stream == nullptr) {
    ::close(*opened);
    return file_error("cannot list", joined(path_, folder), errno);
  }
  std::vector<Entry> entries;
  while (const dirent* each = ::readdir(stream)) {
    const std::string name = each->d_name;
    if (name == "." || name == "..") continue;
    if (entries.size() >= limits::exchange_entries) {
      ::closedir(stream);
      return Error{Code::too_large, fmt::format("the folder holds more than {} entries", limits::exchange_entries)}.at(
          {.file = joined(path_, folder)});
    }
    entries.push_back(entry_of(::dirfd(stream), name));
  }
  ::closedir(stream);
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

bool Tree::has_file(const std::string& file) const {
  const auto opened = open_at(file, O_RDONLY);
  if (!opened) return false;
  const Open holder(*opened);
  struct stat info {};
  return ::fstat(holder.get(), &info) == 0 && S_ISREG(info.st_mode);
}

bool Tree::has_folder(const std::string& folder) const {
  const auto opened = open_at(folder, O_RDONLY | O_DIRECTORY);
  if (!opened) return false;
  const Open holder(*opened);
  return true;
}

Result<void> Tree::stream(const std::string& file, const std::function<Result<void>(std::string_view)>& take) const {
  MILLRACE_TRY(const int descriptor, open_at(file, O_RDONLY));
  const Open holder(descriptor);
  struct stat info {};
  if (::fstat(descriptor, &info) != 0) return file_error("cannot read", joined(path_, file), errno);
  if (!S_ISREG(info.st_mode)) return Error{Code::invalid, "not a file"}.at({.file = joined(path_, file)});
  std::string buffer(kPiece, '\0');
  while (true) {
    const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error("cannot read", joined(path_, file), errno);
    if (got == 0) return {};
    MILLRACE_DO(take(std::string_view(buffer.data(), static_cast<size_t>(got))));
  }
}

Result<std::string> Tree::read(const std::string& file, size_t limit) const {
  std::string bytes;
  MILLRACE_DO(stream(file, [&](std::string_view piece) -> Result<void> {
    if (bytes.size() + piece.size() > limit)
      return Error{Code::too_large, fmt::format("larger than {} bytes", limit)}.at({.file = joined(path_, file)});
    bytes += piece;
    return {};
  }));
  return bytes;
}

Result<void> Tree::walk(const std::string& folder, const Visitor& visitor) const {
  return walk_below(folder, "", visitor);
}

// safe_relative() bounds the depth: a deeper path is handed to `other`.
Result<void> Tree::walk_below(const std::string& top, const std::string& below, const Visitor& visitor) const {
  MILLRACE_TRY(const auto entries, list(below.empty() ? top : joined(top, below)));
  for (const auto& entry : entries) {
    const auto path = joined(below, entry.name);
    const auto safe = safe_relative(joined(top, path));
    if (!safe)
      visitor.other(path, safe.error().message());
    else if (!is_utf8(entry.name))
      visitor.other(path, "the name is not UTF-8");
    else if (entry.kind == Entry::Kind::other)
      visitor.other(path, "neither a file nor a folder (links are not followed)");
    else if (entry.kind == Entry::Kind::folder)
      MILLRACE_DO(walk_below(top, path, visitor));
    else
      MILLRACE_DO(visitor.file(path, entry.size));
  }
  return {};
}

}  // namespace millrace
