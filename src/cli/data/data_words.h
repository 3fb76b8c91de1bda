// What the data commands share: finding the folder they work in, and reading paths as the user gave them.
#pragma once
#include <string>
#include <vector>

#include "cli/command.h"
#include "versions/operations.h"

namespace millrace::cli {

Result<versions::Place> place_of(const Invocation& in);
Result<versions::Workspace> open_workspace(const Invocation& in);
// Relative to the workspace's root, of a path that is relative to where we are.
Result<std::string> relative_here(const versions::Workspace& workspace, const std::string& path);
Result<std::vector<std::string>> paths_of(const Invocation& in, const versions::Workspace& workspace,
                                          const std::string& name);
// Who does this, with what code beside it.
versions::Why why_of(const Invocation& in, const versions::Workspace& workspace);

}  // namespace millrace::cli
