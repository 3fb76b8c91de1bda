#include "versions/remotes/far.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "core/descriptor.h"
#include "core/hash.h"
#include "versions/parallel.h"

namespace millrace::versions {
namespace {

constexpr size_t kPiece = 256 << 10;
constexpr size_t kListBytes = 256 << 20;
constexpr size_t kNameBytes = 256;
constexpr size_t kAtOnce = 8;  // requests

Result<track::ArtifactPath> key_path(const std::string& key) { return track::ArtifactPath::of_file("default", key); }

Error named(Error error, const Remote& remote) {
  return std::move(error).while_doing("speaking to the remote " + remote.name);
}

}  // namespace

Result<Far> Far::open(Workspace& workspace, const Remote& remote) {
  Far out(remote);
  // Pack lists never change: those of every remote may lie in one folder.
  const auto folder = workspace.place().versions + "/far";
  MILLRACE_DO(make_folders(folder));
  MILLRACE_TRY(const auto packs, track::ArtifactPath::of("default", "packs"));
  auto listed = remote.files->list(packs);
  if (!listed) return named(std::move(listed).error(), remote);
  std::vector<std::string> ids;
  for (const auto& each : *listed)
    if (each.path.ends_with(".idx") && each.path.size() == 44) ids.push_back(each.path.substr(0, 40));
  MILLRACE_DO(for_each_of(ids.size(), kAtOnce, 1, [&](size_t i) -> Result<void> {
    const auto list = folder + "/" + ids[i] + ".idx";
    if (exists(list)) return {};
    MILLRACE_TRY(const auto bytes, out.read_key("packs/" + ids[i] + ".idx", kListBytes, {}));
    return write_file(list, bytes);
  }));
  for (const auto& id : ids) {
    MILLRACE_TRY(auto pack, Pack::open_list(folder, id));
    out.packs_.push_back(std::move(pack));
  }
  return out;
}

std::pair<const Pack*, const PackEntry*> Far::find_packed(const Digest& digest) const {
  for (const auto& pack : packs_)
    if (const auto* entry = pack->find(digest)) return {pack.get(), entry};
  return {nullptr, nullptr};
}

std::string Far::loose_key(const Digest& digest) {
  const auto hex = digest.hex();
  return "objects/" + hex.substr(0, 2) + "/" + hex.substr(2);
}

Result<bool> Far::has_loose(const Digest& digest) const {
  MILLRACE_TRY(const auto at, key_path(loose_key(digest)));
  const auto found = remote_.files->find(at);
  if (found) return true;
  if (found.error().code() == Code::not_found) return false;
  return named(found.error(), remote_);
}

Result<std::string> Far::read_key(const std::string& key, size_t limit, track::Span span) const {
  MILLRACE_TRY(const auto at, key_path(key));
  auto opened = remote_.files->open(at, span);
  if (!opened) return named(std::move(opened).error(), remote_);
  std::string out, piece(kPiece, '\0');
  while (true) {
    MILLRACE_TRY(const size_t got, opened->reader->read(piece.data(), piece.size()));
    if (got == 0) return out;
    out.append(piece.data(), got);
    if (out.size() > limit)
      return named(Error{Code::too_large, fmt::format("'{}' is larger than {} bytes", key, limit)}, remote_);
  }
}

Result<std::string> Far::read(const Digest& digest, size_t limit) const {
  if (const auto [pack, entry] = find_packed(digest); pack != nullptr)
    return read_key("packs/" + pack->id() + ".pack", limit,
                    {.offset = static_cast<int64_t>(entry->offset), .length = static_cast<int64_t>(entry->size)});
  auto bytes = read_key(loose_key(digest), limit, {});
  if (!bytes && bytes.error().code() == Code::not_found)
    return Error{Code::not_found, fmt::format("the remote {} does not hold {}", remote_.name, digest.text())}.hint(
        "whoever has it pushes it: millrace data push");
  return bytes;
}

Result<void> Far::download(const std::string& key, const std::string& to) const {
  MILLRACE_TRY(const auto at, key_path(key));
  auto opened = remote_.files->open(at, {});
  if (!opened) return named(std::move(opened).error(), remote_);
  const Descriptor file(::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return file_error("cannot create", to, errno);
  std::string piece(kPiece, '\0');
  while (true) {
    MILLRACE_TRY(const size_t got, opened->reader->read(piece.data(), piece.size()));
    if (got == 0) return {};
    MILLRACE_DO(write_all(file.get(), std::string_view(piece).substr(0, got), to));
  }
}

Result<void> Far::upload(const std::string& local, const std::string& key, const std::string& scratch) const {
  MILLRACE_TRY(const auto at, key_path(key));
  // A folder takes a file by renaming it: it is given a copy.
  const auto copy = scratch + "/" + hash_of(key).hex().substr(0, 32);
  MILLRACE_DO(copy_file(local, copy));
  MILLRACE_TRY(const auto digest, digest_of_file(copy));
  const auto put = remote_.files->put(at, copy, digest);
  ::unlink(copy.c_str());
  if (!put) return named(put.error(), remote_);
  return {};
}

Result<std::map<std::string, Digest>> Far::names(const std::string& kind) const {
  MILLRACE_TRY(const auto folder, track::ArtifactPath::of("default", "names/" + kind));
  auto listed = remote_.files->list(folder);
  if (!listed) return named(std::move(listed).error(), remote_);
  std::map<std::string, Digest> out;
  for (const auto& each : *listed) {
    if (!check_name(each.path)) continue;
    MILLRACE_TRY(auto text, read_key("names/" + kind + "/" + each.path, kNameBytes, {}));
    while (text.ends_with('\n')) text.pop_back();
    const auto digest = read_digest(text);
    if (!digest)
      return Error{Code::corrupt,
                   fmt::format("the name {}/{} of the remote {} names no digest", kind, each.path, remote_.name)};
    out.emplace(each.path, *digest);
  }
  return out;
}

Result<void> Far::set_name(const std::string& kind, const std::string& name, const Digest& digest,
                           const std::string& scratch) const {
  const auto file = scratch + "/name";
  MILLRACE_DO(write_file(file, digest.text() + "\n"));
  return upload(file, "names/" + kind + "/" + name, scratch);
}

}  // namespace millrace::versions
