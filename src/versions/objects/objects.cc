#include "versions/objects/objects.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>

#include <fmt/format.h>

#include "core/files.h"
#include "versions/objects/descriptor.h"

namespace millrace::versions {
namespace {

constexpr size_t kPiece = 256 << 10;

}  // namespace

Error no_object(const Digest& digest) {
  return Error{Code::not_found, fmt::format("the store does not hold {}", digest.text())}.hint(
      "get it from a remote: millrace data pull");
}

Error damaged_object(const Digest& digest, const std::string& path) {
  return Error{Code::corrupt, fmt::format("the stored bytes of {} are not those that were added", digest.text())}
      .at({.file = path})
      .hint("move that file away, then get it back with millrace data pull, or add the original files again");
}

Result<Objects> Objects::open(const std::string& folder) {
  Objects out(folder);
  MILLRACE_DO(make_folders(folder + "/objects"));
  MILLRACE_DO(make_folders(out.packs_folder()));
  MILLRACE_DO(out.reload());
  return out;
}

Result<void> Objects::reload() {
  std::vector<std::string> ids;
  std::error_code error;
  for (std::filesystem::directory_iterator each(packs_folder(), error), end; !error && each != end;
       each.increment(error))
    if (each->path().extension() == ".idx") ids.push_back(each->path().stem().string());
  if (error) return file_error("cannot list", packs_folder(), error.value());
  std::sort(ids.begin(), ids.end());
  std::vector<std::unique_ptr<Pack>> packs;
  for (const auto& id : ids) {
    MILLRACE_TRY(auto pack, Pack::open(packs_folder(), id));
    packs.push_back(std::move(pack));
  }
  packs_ = std::move(packs);
  return {};
}

std::string Objects::loose_path(const Digest& digest) const {
  const auto hex = digest.hex();
  return fmt::format("{}/objects/{}/{}", folder_, hex.substr(0, 2), hex.substr(2));
}

bool Objects::has_loose(const Digest& digest) const { return exists(loose_path(digest)); }

std::pair<const Pack*, const PackEntry*> Objects::find_packed(const Digest& digest) const {
  // Files that were added together are read together.
  thread_local size_t last = 0;
  const size_t count = packs_.size();
  for (size_t i = 0; i < count; ++i) {
    const size_t at = (last + i) % count;
    if (const auto* entry = packs_[at]->find(digest)) {
      last = at;
      return {packs_[at].get(), entry};
    }
  }
  return {nullptr, nullptr};
}

Result<void> Objects::each_loose(const std::function<Result<void>(const Digest&, int64_t size)>& take) const {
  for (int i = 0; i < 256; ++i) {
    const auto prefix = fmt::format("{:02x}", i);
    const auto folder = folder_ + "/objects/" + prefix;
    std::error_code error;
    for (std::filesystem::directory_iterator each(folder, error), end; !error && each != end; each.increment(error)) {
      const auto digest = read_digest(prefix + each->path().filename().string());
      if (!digest) continue;
      std::error_code ignored;
      MILLRACE_DO(take(*digest, static_cast<int64_t>(each->file_size(ignored))));
    }
    if (error && error.value() != ENOENT) return file_error("cannot list", folder, error.value());
  }
  return {};
}

Result<void> Objects::stream(const Digest& digest, const std::function<Result<void>(std::string_view)>& take) const {
  if (const auto [pack, entry] = find_packed(digest); pack != nullptr) {
    thread_local std::string bytes;
    MILLRACE_DO(pack->read(*entry, bytes));
    if (hash_of(bytes) != digest) return damaged_object(digest, pack->path());
    return take(bytes);
  }
  const auto path = loose_path(digest);
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return errno == ENOENT ? no_object(digest) : file_error("cannot open", path, errno);
  Hasher hasher;
  std::string piece(kPiece, '\0');
  while (true) {
    const ssize_t got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error("cannot read", path, errno);
    if (got == 0) break;
    const std::string_view bytes(piece.data(), static_cast<size_t>(got));
    hasher.update(bytes);
    MILLRACE_DO(take(bytes));
  }
  if (hasher.end() != digest) return damaged_object(digest, path);
  return {};
}

Result<std::string> Objects::read(const Digest& digest, size_t limit) const {
  std::string out;
  MILLRACE_DO(stream(digest, [&](std::string_view piece) -> Result<void> {
    if (out.size() + piece.size() > limit)
      return Error{Code::too_large, fmt::format("{} is larger than {} bytes", digest.text(), limit)};
    out += piece;
    return {};
  }));
  return out;
}

Result<void> Objects::verify(const Digest& digest) const {
  return stream(digest, [](std::string_view) -> Result<void> { return {}; });
}

}  // namespace millrace::versions
