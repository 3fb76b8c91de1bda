// Follows a job on the command line: its log lines as they come, its error as ours.
#pragma once
#include <string>

#include "cli/command.h"

namespace millrace::cli {

// The job when it is done; its error when it failed.
Result<Json> follow_job(const Invocation& in, Gateway& gateway, const std::string& id);

}  // namespace millrace::cli
