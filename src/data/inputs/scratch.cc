#include "data/inputs/scratch.h"

#include <stdlib.h>

#include "core/files.h"

namespace millrace::data {

CheckScratch::~CheckScratch() {
  if (!path_.empty()) (void)remove_tree(path_);
}

Result<void> CheckScratch::make(const std::string& wanted) {
  const char* set = ::getenv("TMPDIR");
  const std::string usual = set != nullptr && *set != '\0' ? set : "/tmp";
  std::string pattern = absolute(wanted.empty() ? usual : wanted) + "/millrace-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr)
    return file_error("making a temporary folder in", parent_of(pattern), errno);
  path_ = pattern;
  MILLRACE_DO(make_folders(inputs()));
  return make_folders(spill());
}

}  // namespace millrace::data
