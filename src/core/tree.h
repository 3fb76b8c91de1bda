// A folder of somebody else's, read in place: nothing is written to it, links in it are not followed, and no path
// leaves it. The folder's own path may be a link. Thread-safe.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace millrace {

struct Entry {
  enum class Kind { file, folder, other };  // other: a link, a pipe, a device ...
  std::string name;
  Kind kind = Kind::other;
  int64_t size = 0;
};

class Tree {
 public:
  static Result<Tree> open(const std::string& folder);
  Tree(Tree&& other) noexcept;
  Tree& operator=(Tree&& other) noexcept;
  ~Tree();

  const std::string& path() const { return path_; }  // absolute, links resolved

  // Paths are relative, "" is the folder itself. Sorted by name; nothing for what is no folder.
  // `too_large` over limits::exchange_entries.
  Result<std::vector<Entry>> list(const std::string& folder) const;
  bool has_file(const std::string& file) const;
  bool has_folder(const std::string& folder) const;
  Result<std::string> read(const std::string& file, size_t limit) const;  // not_found, too_large
  // Calls `take` with pieces of the file in order.
  Result<void> stream(const std::string& file, const std::function<Result<void>(std::string_view)>& take) const;

  // Every file below `folder` by its path relative to it, in order of path; what is neither file nor folder, and names
  // that could not be stored here, are handed to `other` with the reason.
  struct Visitor {
    std::function<Result<void>(const std::string& path, int64_t size)> file;
    std::function<void(const std::string& path, const std::string& why)> other;
  };
  Result<void> walk(const std::string& folder, const Visitor& visitor) const;

 private:
  Tree(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  Result<int> open_at(const std::string& path, int flags) const;
  Result<void> walk_below(const std::string& top, const std::string& below, const Visitor& visitor) const;

  std::string path_;
  int descriptor_ = -1;
};

}  // namespace millrace
