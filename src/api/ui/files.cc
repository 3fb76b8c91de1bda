#include "api/ui/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "api/ui/embedded.h"
#include "core/files.h"
#include "core/hash.h"

namespace millrace::api::ui {
namespace {

constexpr size_t kFileBytes = 64 << 20;

class EmbeddedFiles final : public Files {
 public:
  Result<std::optional<File>> find(std::string_view path) const override {
    const auto all = embedded();
    const auto at = std::lower_bound(all.begin(), all.end(), path,
                                     [](const Embedded& a, std::string_view b) { return a.path < b; });
    if (at == all.end() || at->path != path) return std::optional<File>();
    return std::optional(File{.media_type = std::string(at->media_type),
                              .digest = std::string(at->digest),
                              .plain = at->plain,
                              .br = at->br,
                              .gzip = at->gzip});
  }
  bool waits() const override { return false; }
  std::string missing() const override {
    return "this program was built without the web UI; build it from a tree that has web/, or name a built one with "
           "--ui-dir DIR";
  }
};

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  int get() const { return value_; }

 private:
  int value_;
};

class FolderFiles final : public Files {
 public:
  explicit FolderFiles(std::string folder) : folder_(std::move(folder)) {}

  Result<std::optional<File>> find(std::string_view path) const override {
    if (!safe_relative(path)) return std::optional<File>();
    const auto file = open_below(path);
    struct stat state {};
    if (file.get() < 0 || ::fstat(file.get(), &state) != 0 || !S_ISREG(state.st_mode)) return std::optional<File>();
    const auto shown = folder_ + "/" + std::string(path);
    if (static_cast<uint64_t>(state.st_size) > kFileBytes)
      return Error{Code::too_large, fmt::format("a file of the UI has more than {} bytes", kFileBytes)}.at(
          {.file = shown});
    auto bytes = std::make_shared<std::string>(static_cast<size_t>(state.st_size), '\0');
    for (size_t have = 0; have < bytes->size();) {
      const auto got = ::read(file.get(), bytes->data() + have, bytes->size() - have);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return file_error("reading the UI", shown, errno);
      if (got == 0) bytes->resize(have);  // it was cut meanwhile
      have += static_cast<size_t>(got);
    }
    File out{.media_type = std::string(media_type_of(path)), .digest = digest_of(*bytes), .plain = *bytes};
    out.held = std::move(bytes);
    return std::optional(std::move(out));
  }
  bool waits() const override { return true; }
  std::string missing() const override {
    return fmt::format("{} holds no index.html; build the UI into it (npm run build in web/)", folder_);
  }

 private:
  // One part after the other, none of which may be a link.
  Descriptor open_below(std::string_view path) const {
    Descriptor at(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    while (at.get() >= 0) {
      const auto slash = path.find('/');
      const bool last = slash == std::string_view::npos;
      const std::string part(path.substr(0, slash));
      at = Descriptor(
          ::openat(at.get(), part.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (last ? 0 : O_DIRECTORY)));
      if (last) break;
      path.remove_prefix(slash + 1);
    }
    return at;
  }

  const std::string folder_;
};

}  // namespace

std::unique_ptr<Files> embedded_files() { return std::make_unique<EmbeddedFiles>(); }

Result<std::unique_ptr<Files>> files_in(const std::string& folder) {
  struct stat state {};
  if (::stat(folder.c_str(), &state) != 0 || !S_ISDIR(state.st_mode))
    return Error{Code::not_found, "--ui-dir names no folder"}
        .at({.file = folder})
        .hint("build the UI first: npm run build in web/, then --ui-dir build/web/dist");
  return std::unique_ptr<Files>(std::make_unique<FolderFiles>(absolute(folder)));
}

std::string_view media_type_of(std::string_view path) {
  constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".map", "application/json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".txt", "text/plain; charset=utf-8"},
      {".wasm", "application/wasm"},
      {".webmanifest", "application/manifest+json"},
  };
  for (const auto& [ending, type] : kTypes)
    if (path.ends_with(ending)) return type;
  return "application/octet-stream";
}

}  // namespace millrace::api::ui
