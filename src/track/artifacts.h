// Files that runs and models leave behind, below one folder. Paths come from outside: every part is checked and opened
// without following links, so that nothing leaves the folder. Thread-safe; a reader sees an old file or a new one,
// never a part.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "track/entities.h"

namespace millrace::track {

struct Stored {
  std::string digest;
  int64_t size = 0;
};

// Workspace `default` lives in the folder itself, another one in workspaces/NAME; a path can therefore not begin with
// `workspaces`.
class Artifacts {
 public:
  explicit Artifacts(std::string folder) : folder_(std::move(folder)) {}

  // Moves (or copies, from another file system) the file into place; durable when it returns.
  Result<Stored> put(const std::string& workspace, std::string_view path, const std::string& spooled_file) const;
  Result<Stored> put_text(const std::string& workspace, std::string_view path, std::string_view bytes) const;
  // The file's own path, for a reader that wants one. `not_found` when it is not there, `invalid` for a folder or a
  // link.
  Result<std::string> file(const std::string& workspace, std::string_view path) const;
  // What lies directly in a folder, sorted; paths are plain names. Nothing for a file or what does not exist.
  Result<std::vector<FileInfo>> list(const std::string& workspace, std::string_view path) const;
  // A file, or a folder with all that is in it. `not_found` when it is not there.
  Result<void> remove(const std::string& workspace, std::string_view path) const;

 private:
  Result<std::vector<std::string>> parts_of(const std::string& workspace, std::string_view path) const;

  std::string folder_;
};

}  // namespace millrace::track
