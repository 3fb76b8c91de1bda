// Looks through an ONNX file before the runtime sees it: the protobuf wire format only, no library, no recursion
// without bound. What is left for later: the runtime itself parses the file in our own process; running that in a child
// with limits is still to do.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "core/result.h"

namespace millrace::serve::onnx {

struct FileFacts {
  int64_t ir_version = 0;
  size_t nodes = 0;  // in all graphs and functions
  size_t initializers = 0;
};

// `corrupt` when the bytes are no ONNX model (cut short, wrong wire types, no graph), `invalid` when a tensor lies in
// another file (a model must be one file: anything else could read files of this machine), `too_large` over
// limits::model_*.
Result<FileFacts> inspect(std::string_view bytes, const std::string& from);

}  // namespace millrace::serve::onnx
