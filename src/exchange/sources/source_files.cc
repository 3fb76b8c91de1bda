#include "exchange/sources/source_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <fmt/format.h>

#include "core/descriptor.h"
#include "core/files.h"
#include "core/hash.h"
#include "exchange/sources/source.h"

namespace millrace::exchange {
namespace {

constexpr std::string_view kProxy = "mlflow-artifacts:";

// mlflow-artifacts:/PATH or mlflow-artifacts://HOST/PATH -> PATH
std::string proxy_path(std::string_view uri) {
  uri.remove_prefix(kProxy.size());
  if (uri.starts_with("//")) {
    const auto slash = uri.find('/', 2);
    uri = slash == std::string_view::npos ? std::string_view() : uri.substr(slash);
  }
  while (uri.starts_with('/')) uri.remove_prefix(1);
  while (uri.ends_with('/')) uri.remove_suffix(1);
  return std::string(uri);
}

// What follows `root` in `path`; nothing when it is not below.
std::optional<std::string> below(const std::string& root, const std::string& path) {
  if (path == root) return "";
  if (!path.starts_with(root + "/")) return std::nullopt;
  return path.substr(root.size() + 1);
}

std::string clean(const std::string& path) {
  auto out = std::filesystem::path(path).lexically_normal().string();
  while (out.size() > 1 && out.back() == '/') out.pop_back();
  return out;
}

}  // namespace

Result<SourceFiles> SourceFiles::open(const std::vector<std::string>& roots, std::string base) {
  SourceFiles out;
  out.base_ = std::move(base);
  for (const auto& root : roots) {
    auto tree = Tree::open(root);
    if (!tree && tree.error().code() == Code::not_found) continue;
    if (!tree) return std::move(tree).error();
    out.roots_.push_back(std::move(*tree));
    out.given_.push_back(clean(root));
  }
  return out;
}

Result<Found> SourceFiles::find(const std::string& uri) const {
  if (uri.empty()) return Found{};
  if (uri.starts_with(kProxy)) {
    const auto path = proxy_path(uri);
    for (const auto& root : roots_)
      if (root.has_folder(path)) return Found{&root, path};
    if (!roots_.empty()) return Found{};
    return Error{Code::denied, fmt::format("{} is behind its server's proxy", uri)}.hint(
        "name the folder where that server keeps artifacts with --artifact-root DIR");
  }
  const auto local = local_path(uri, base_);
  if (local.empty())
    return Error{Code::unsupported, fmt::format("{} is no folder of this machine", uri)}.hint(
        "take it with --artifacts reference");
  const auto path = clean(local);
  bool inside = false;
  for (size_t i = 0; i < roots_.size(); ++i)
    for (const auto& name : {roots_[i].path(), given_[i]}) {
      const auto folder = below(name, path);
      if (!folder) continue;
      inside = true;
      if (roots_[i].has_folder(*folder)) return Found{&roots_[i], *folder};
    }
  if (inside) return Found{};
  return Error{Code::denied, fmt::format("{} is below none of the source's artifact folders", path)}.hint(
      "name the folder with --artifact-root DIR if it is to be read");
}

Result<std::vector<SourceFile>> SourceFiles::list(const Found& found, const Other& other) {
  std::vector<SourceFile> files;
  if (found.root == nullptr) return files;
  const auto add = [&](const std::string& path, int64_t) -> Result<void> {
    Sha256 hash;
    int64_t size = 0;
    MILLRACE_DO(found.root->stream(found.below(path), [&](std::string_view piece) -> Result<void> {
      hash.update(piece);
      size += static_cast<int64_t>(piece.size());
      return {};
    }));
    files.push_back({path, size, hash.digest()});
    return {};
  };
  MILLRACE_DO(found.root->walk(found.folder, {.file = add, .other = other}));
  return files;
}

Result<std::string> SourceFiles::copy(const Found& found, const std::string& path, const std::string& to) {
  const int descriptor = ::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return file_error("cannot write", to, errno);
  Sha256 hash;
  auto copied = found.root->stream(found.below(path), [&](std::string_view piece) -> Result<void> {
    hash.update(piece);
    return write_all(descriptor, piece, to);
  });
  if (::close(descriptor) != 0 && copied) copied = file_error("cannot write", to, errno);
  if (copied) return hash.digest();
  ::unlink(to.c_str());
  return std::move(copied).error();
}

Manifest manifest_of(std::vector<SourceFile> files) {
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  Manifest out{.files = static_cast<int64_t>(files.size())};
  Json list = Json::array();
  for (const auto& file : files) {
    list.push_back({file.path, file.size, file.digest});
    out.bytes += file.size;
  }
  out.digest = digest_of(to_text(list));
  return out;
}

}  // namespace millrace::exchange
