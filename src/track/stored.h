// What the rows say of stored files.
#pragma once
#include <string>

#include "store/database.h"

namespace millrace::track {

// The rows of a file, or of all files below a folder.
Result<void> forget_artifacts(store::Session& session, const std::string& workspace, const std::string& path);

}  // namespace millrace::track
