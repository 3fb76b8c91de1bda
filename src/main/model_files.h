// Where the file of a model lies that is given as a folder, as a model is mounted into a container.
#pragma once
#include <string>

#include "core/result.h"

namespace millrace {

// A file stands for itself, also one that is not there. Of a folder: the one file in it that can be a model (.onnx,
// .json, .ubj, .txt; hidden ones are passed over). `not_found` and `invalid` say what lies there instead.
Result<std::string> model_file_in(const std::string& path);

}  // namespace millrace
