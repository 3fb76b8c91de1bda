// Where the web UI's files come from: the program itself, or a folder while the UI is being written.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace millrace::api::ui {

struct File {
  std::string media_type;
  std::string digest;                     // of the plain bytes, "sha256:<hex>"
  std::string_view plain, br, gzip;       // "" = not at hand in this coding
  std::shared_ptr<const void> held = {};  // what the views look into, when it is not the program
};

// Thread-safe.
class Files {
 public:
  virtual ~Files() = default;
  // The file of this relative path, or nothing. An error only for one that is there and cannot be read.
  virtual Result<std::optional<File>> find(std::string_view path) const = 0;
  virtual bool waits() const = 0;           // for a disk
  virtual std::string missing() const = 0;  // why there is no index.html, and what to do, for people
};

std::unique_ptr<Files> embedded_files();

// Every look reads the disk again. No link is followed, so that no path leaves the folder. `not_found` when it is no
// folder.
Result<std::unique_ptr<Files>> files_in(const std::string& folder);

std::string_view media_type_of(std::string_view path);  // by its ending; application/octet-stream for others

}  // namespace millrace::api::ui
