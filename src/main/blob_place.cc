#include "main/blob_place.h"

#include <filesystem>

#include <fmt/format.h>

#include "core/files.h"

namespace millrace {
namespace fs = std::filesystem;

Result<BlobPlace> blob_place(const std::string& state, const std::string& shared) {
  const std::string own = state + "/blobs";
  std::error_code error;
  const bool linked = fs::is_symlink(own, error);
  if (shared.empty() && !linked) return BlobPlace{.folder = own};
  if (shared.empty()) {
    // Its real name: engines are let into folders by it.
    const fs::path there = fs::canonical(own, error);
    if (error)
      return Error{Code::not_found,
                   fmt::format("the folder of blobs '{}' is away", fs::read_symlink(own, error).string())}
          .at({.file = own})
          .hint("mount it, or remove the link when another folder takes its place");
    return BlobPlace{.folder = there, .shared = true};
  }
  MILLRACE_DO(make_folders(shared));
  const fs::path wanted = fs::canonical(shared, error);
  if (error) return file_error("cannot use the folder of blobs", shared, error.value());
  if (exists(own)) {
    if (fs::canonical(own, error) == wanted) return BlobPlace{.folder = wanted, .shared = true};
    if (linked || !fs::is_empty(own, error))
      return Error{Code::conflict, linked ? fmt::format("the blobs of this state folder lie in '{}'",
                                                        fs::read_symlink(own, error).string())
                                          : "this state folder has blobs of its own"}
          .at({.file = own})
          .hint("copy what it holds into the new folder, remove it, and start again");
    fs::remove(own, error);
  } else if (linked) {
    fs::remove(own, error);  // leads nowhere; a new place was named
  }
  fs::create_directory_symlink(wanted, own, error);
  if (error) return file_error("cannot link the folder of blobs", own, error.value());
  return BlobPlace{.folder = wanted, .shared = true};
}

}  // namespace millrace
