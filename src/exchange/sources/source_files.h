// The artifacts of a source: found below the folders that it may use and nowhere else, listed and copied.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/tree.h"
#include "exchange/facts.h"

namespace millrace::exchange {

// A folder below one of the roots.
struct Found {
  const Tree* root = nullptr;  // null: nothing was ever put there
  std::string folder;
  std::string below(const std::string& path) const { return folder.empty() ? path : folder + "/" + path; }
  std::string path() const { return root->path() + (folder.empty() ? "" : "/" + folder); }
};

struct SourceFile {
  std::string path;  // relative to the folder
  int64_t size = 0;
  std::string digest;
};

class SourceFiles {
 public:
  // Roots that are not there are left out. `base`: what a relative URI is relative to.
  static Result<SourceFiles> open(const std::vector<std::string>& roots, std::string base);

  // Where the artifacts of this URI lie: a local path, or mlflow-artifacts:/PATH below a root.
  // `denied` when it lies below none of the roots, `unsupported` when it is elsewhere than in a file system.
  Result<Found> find(const std::string& uri) const;

  // Every file with its digest. What is neither file nor folder (a link) is handed to `other` and left out.
  using Other = std::function<void(const std::string& path, const std::string& why)>;
  static Result<std::vector<SourceFile>> list(const Found& found, const Other& other);
  // Copies the bytes to `to`; answers their digest.
  static Result<std::string> copy(const Found& found, const std::string& path, const std::string& to);

 private:
  std::vector<Tree> roots_;
  std::vector<std::string> given_;  // as they were named, beside roots_
  std::string base_;
};

Manifest manifest_of(std::vector<SourceFile> files);

}  // namespace millrace::exchange
