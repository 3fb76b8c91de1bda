// For tests only: a folder of its own for each test, gone at the end.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/context.h"

namespace millrace::testing {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "millrace-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A clock that stands still until moved, real chance, no log. Thread-safe.
struct World {
  ManualClock clock;
  Context context{clock, system_random(), silent_log()};
};

}  // namespace millrace::testing
