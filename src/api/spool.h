// An upload on its way to disk: a file in a folder for temporary files, its digest known when the last byte has come.
// Used by one thread at a time. The file goes with the object, unless somebody has moved it away.
#pragma once
#include <string>
#include <string_view>

#include "core/hash.h"
#include "core/result.h"

namespace millrace::api {

class Spool {
 public:
  static Result<Spool> open(const std::string& folder);
  Spool(Spool&& other) noexcept;
  Spool& operator=(Spool&&) = delete;
  ~Spool();

  Result<void> append(std::string_view bytes);
  std::string digest() { return hash_.digest(); }  // of everything appended; once, at the end
  Result<void> close();                            // before others read the file
  const std::string& path() const { return path_; }

 private:
  Spool(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}

  int descriptor_;
  std::string path_;
  Sha256 hash_;
  int64_t written_ = 0, pushed_ = 0;
};

}  // namespace millrace::api
