// Patterns of paths: * and ? and [a-z] stand for letters of one name, ** for any number of folders.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace millrace::data {

bool has_pattern(std::string_view text);
bool matches_pattern(std::string_view pattern, std::string_view path);
// The folder above the first part that holds a pattern, without the slash at its end: "/a/b" of "/a/b/*.csv".
std::string fixed_folder(const std::string& pattern);

// By its name a file of data, packed or not; hidden files and those that begin with '_' (marks of other programs) are
// none.
bool is_data_name(std::string_view name);
bool is_hidden_name(std::string_view name);

// The files that match, sorted by their bytes. `not_found` when there is none.
Result<std::vector<std::string>> find_matches(const std::string& pattern);
// All files of data below a folder, sorted. `not_found` when there is none, `invalid` when a file's name does not say
// that it is data: leaving it out would be a batch of fewer rows.
Result<std::vector<std::string>> find_data_files(const std::string& folder);

}  // namespace millrace::data
