// Which code is beside the data: what git says of the work tree.
#pragma once
#include <string>

#include "core/clock.h"

namespace millrace::versions {

struct SourceCode {
  std::string commit;  // "" = there is no git here, or no commit yet
  bool dirty = false;
};
// Asks `git` found along `path`; it takes no lock, runs no hook and reads no configuration of the machine's.
SourceCode code_of(const std::string& folder, const std::string& path, const Clock& clock);

}  // namespace millrace::versions
