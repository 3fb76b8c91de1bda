// MD5, which names content in DVC. Not for anything of our own.
#pragma once
#include <string>

#include "core/result.h"

namespace millrace::versions::dvc {

// 32 digits. `unix_lines` leaves out the CR of each CR LF.
enum class Lines { as_they_are, unix_lines };
Result<std::string> md5_of_file(const std::string& path, Lines lines);

}  // namespace millrace::versions::dvc
