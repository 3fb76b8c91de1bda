// Files that runs and models leave behind, by workspace and path, wherever they lie (files/store.h). Paths come from
// outside and are checked here, once, for every store. Thread-safe; a reader sees an old file or a new one, never a
// part.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "track/entities.h"
#include "track/files/store.h"

namespace millrace::track {

struct Stored {
  std::string digest;
  int64_t size = 0;
  std::string stamp;  // FileState's
};

class Artifacts {
 public:
  // `temp_folder` is for bytes on their way; one file system with a local store spares it a copy.
  Artifacts(std::unique_ptr<FileStore> files, std::string temp_folder)
      : files_(std::move(files)), temp_folder_(std::move(temp_folder)) {}
  explicit Artifacts(const std::string& folder) : Artifacts(open_local_files(folder), folder) {}

  // The file may be moved away; durable when it returns. `digest` is that of its bytes, "" = not known yet.
  Result<Stored> put(const std::string& workspace, std::string_view path, const std::string& spooled_file,
                     std::string digest = "") const;
  Result<Stored> put_text(const std::string& workspace, std::string_view path, std::string_view bytes) const;
  // `not_found` when it is not there, `invalid` for a folder or a link.
  Result<FileState> find(const std::string& workspace, std::string_view path) const;
  Result<OpenFile> open(const std::string& workspace, std::string_view path, Span span = {}) const;
  Result<std::string> digest(const std::string& workspace, std::string_view path) const;  // reads the whole file
  // The file's own path; `unsupported` where files do not lie on this machine: open() works everywhere.
  Result<std::string> file(const std::string& workspace, std::string_view path) const;
  // What lies directly in a folder, sorted; paths are plain names. Nothing for a file or what does not exist.
  Result<std::vector<FileInfo>> list(const std::string& workspace, std::string_view path) const;
  // A file, or a folder with all that is in it. `not_found` when it is not there.
  Result<void> remove(const std::string& workspace, std::string_view path) const;
  Result<int64_t> leftovers(Micros before, Leftovers what) const { return files_->leftovers(before, what); }
  // An address that needs no login, for `seconds`; `unsupported` where the store has none.
  Result<std::string> presign(const std::string& workspace, std::string_view path, Presign what, int64_t seconds) const;
  bool presigns() const { return files_->presigns(); }
  const std::string& temp_folder() const { return temp_folder_; }

 private:
  std::unique_ptr<FileStore> files_;
  std::string temp_folder_;
};

}  // namespace millrace::track
