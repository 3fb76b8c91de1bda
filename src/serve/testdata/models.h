// Where the tests find the small models beside this file.
#pragma once
#include <cstdlib>
#include <string>

#include "core/files.h"
#include "serve/infer.h"

namespace millrace::serve::testdata {

// The source tree, from MILLRACE_SOURCE or the working folder upwards.
inline std::string folder() {
  const char* set = std::getenv("MILLRACE_SOURCE");
  std::string at = set != nullptr ? set : absolute(".");
  while (at.size() > 1 && !exists(at + "/src/serve/testdata/linear.onnx")) at = parent_of(at);
  return at + "/src/serve/testdata";
}

inline std::string path_of(const std::string& model) { return folder() + "/" + model + ".onnx"; }
inline std::string bytes_of(const std::string& model) { return read_file(path_of(model), 1 << 20).value_or(""); }
// Rows of `indexed` and `indexed_more`.
inline InferRequest places(const std::vector<int64_t>& values) {
  InferRequest out;
  Tensor at{.type = DType::int64, .shape = {static_cast<int64_t>(values.size())}};
  for (const auto value : values) at.push(value);
  out.inputs = {at};
  out.wanted = {0};
  return out;
}
inline std::string file(const std::string& name) { return read_file(folder() + "/" + name, 1 << 20).value_or(""); }

}  // namespace millrace::serve::testdata
