// Files that survive: written beside, flushed, renamed, folder flushed. Every failure names the path.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace millrace {

// From errno: disk full is `unavailable` with a hint, a missing file `not_found`, a forbidden one `denied`.
Error file_error(std::string_view doing, const std::string& path, int error_number);

Result<std::string> read_file(const std::string& path, size_t limit);
// Durable when it returns; a reader sees the old bytes or the new, never a part.
Result<void> write_file(const std::string& path, std::string_view bytes, unsigned mode = 0600);
// With all folders above it; durable when it returns. What exists keeps its mode.
Result<void> make_folders(const std::string& path, unsigned mode = 0700);
Result<void> flush_folder(const std::string& path);
Result<void> flush_file(const std::string& path);
Result<void> copy_file(const std::string& from, const std::string& to);  // plain copy, not flushed
Result<void> remove_tree(const std::string& path);                       // missing is fine
Result<int64_t> file_size(const std::string& path);
bool exists(const std::string& path);
std::string parent_of(const std::string& path);
std::string absolute(const std::string& path);

// A relative path from outside, made safe: no empty or dot parts, no "..", no absolute, no NUL, no backslash, bounded.
Result<std::string> safe_relative(std::string_view path);

// Holds a lock file for its lifetime: one owner of a state folder at a time. `conflict` names the owner.
class LockFile {
 public:
  static Result<LockFile> take(const std::string& path, std::string_view owner);
  LockFile(LockFile&& other) noexcept;
  LockFile& operator=(LockFile&& other) noexcept;
  ~LockFile();

 private:
  explicit LockFile(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

std::string library_folder();  // deps/lib beside the binary, or MILLRACE_LIB_DIR

}  // namespace millrace
