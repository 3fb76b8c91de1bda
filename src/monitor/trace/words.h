// What became of a dataset version, in a sentence that people read.
#pragma once
#include <string>
#include <vector>

namespace millrace::monitor {

// "temp of dataset:weather@9 came in another unit"; without columns the version as a whole.
std::string change_words(const std::string& node, const std::vector<std::string>& columns, const std::string& change);

}  // namespace millrace::monitor
