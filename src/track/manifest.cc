#include "track/manifest.h"

#include <algorithm>

#include <fmt/format.h>

#include "track/names.h"

namespace millrace::track {
namespace {

class Walk {
 public:
  Walk(const Artifacts& artifacts, const std::string& workspace, const std::string& root)
      : artifacts_(artifacts), workspace_(workspace), root_(root) {}

  // Depth is bounded: nothing deeper than limits::path_parts can be put.
  Result<void> folder(const std::string& below) {
    MILLRACE_TRY(const auto entries, artifacts_.list(workspace_, below.empty() ? root_ : root_ + "/" + below));
    for (const auto& entry : entries) {
      const auto path = below.empty() ? entry.path : below + "/" + entry.path;
      if (entry.is_folder)
        MILLRACE_DO(folder(path));
      else
        MILLRACE_DO(file(root_ + "/" + path, path, entry.size));
    }
    return {};
  }

  Result<void> file(const std::string& at, const std::string& name, int64_t size) {
    if (files_.size() >= bounds::manifest_files)
      return Error{Code::too_large, fmt::format("'{}' holds more than {} files", root_, bounds::manifest_files)}.hint(
          "register a smaller folder");
    MILLRACE_TRY(auto digest, artifacts_.digest(workspace_, at));
    files_.push_back({name, size, std::move(digest)});
    return {};
  }

  std::vector<TreeEntry> take() {
    std::sort(files_.begin(), files_.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    return std::move(files_);
  }

 private:
  const Artifacts& artifacts_;
  const std::string& workspace_;
  const std::string& root_;
  std::vector<TreeEntry> files_;
};

}  // namespace

Result<Manifest> manifest_of(const Artifacts& artifacts, const std::string& workspace, const std::string& path) {
  if (path.empty()) return Error{Code::invalid, "Invalid path: name the folder"};
  Walk walk(artifacts, workspace, path);
  const auto slash = path.rfind('/');
  MILLRACE_TRY(const auto beside, artifacts.list(workspace, slash == std::string::npos ? "" : path.substr(0, slash)));
  const auto name = slash == std::string::npos ? path : path.substr(slash + 1);
  const auto itself = std::find_if(beside.begin(), beside.end(), [&](const auto& entry) { return entry.path == name; });
  if (itself != beside.end() && !itself->is_folder)
    MILLRACE_DO(walk.file(path, name, itself->size));
  else
    MILLRACE_DO(walk.folder(""));
  return Manifest{walk.take()};
}

}  // namespace millrace::track
