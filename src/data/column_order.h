// Which columns of files do not stand where the contract has them.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "data/contracts/contract.h"
#include "data/inputs/input.h"

namespace millrace::data {

// Of all files, each once: the fewest columns that would have to move. Keys of JSON lines have no order.
std::vector<std::string> moved_columns(const Object& object, std::span<const InputFile> files);

}  // namespace millrace::data
