// The files of the project that a stage declares: what may be named, and what a glob stands for today.
#pragma once
#include <string>
#include <vector>

#include "pipeline/pipeline.h"

namespace millrace::pipeline {

// Project-relative paths, sorted, each once. '*', '?' and '[...]' match within one part of a path; files and folders
// whose name starts with '.' only match by name. A pattern that matches nothing is not_found at its place; a link that
// leads out of the project is denied.
Result<std::vector<std::string>> expand_code_files(const std::string& folder, const std::vector<FileDep>& deps);

bool is_pattern(std::string_view path);

}  // namespace millrace::pipeline
