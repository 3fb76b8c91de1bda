// What a check leaves for build servers: files that were asked for, and what GitHub's runner expects of a step.
#pragma once
#include "cli/command.h"
#include "data/ci/ci.h"

namespace millrace::cli {

std::vector<Option> ci_options();  // --junit, --sarif, --summary

// Writes what the words ask for. Where GITHUB_STEP_SUMMARY is set, the summary is added to that file unless --summary
// names another; where GITHUB_ACTIONS is set, annotations are printed.
Result<void> write_ci_outputs(const Invocation& in, const data::ci::Outcome& outcome);

// Between these two lines a runner takes nothing for a command: names in a contract may look like one.
std::string guard_of(const Invocation& in, const std::string& lines);

}  // namespace millrace::cli
