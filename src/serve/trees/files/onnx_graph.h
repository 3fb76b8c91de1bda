// A graph of an ONNX file as far as trees need it: nodes with their attributes, what comes in and goes out, constants.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace millrace::serve::trees {

struct OnnxTensor {  // of floats; other types keep their number and no values
  int64_t type = 0;
  size_t elements = 0;
  std::vector<float> floats;
};

struct OnnxAttribute {
  std::string_view text;
  int64_t integer = 0;
  std::vector<float> floats;
  std::vector<int64_t> integers;
  std::vector<std::string_view> texts;
  std::optional<OnnxTensor> tensor;
};

struct OnnxNode {
  std::string_view operation, domain;
  std::vector<std::string_view> inputs, outputs;
  std::map<std::string_view, OnnxAttribute> attributes;
};

struct OnnxValue {
  std::string_view name;
  int64_t type = 0;                 // 1 = float, 7 = int64, 8 = string
  std::vector<int64_t> dimensions;  // -1 = open
};

// Views into the bytes that it was read from.
struct OnnxGraph {
  std::vector<OnnxNode> nodes;
  std::vector<OnnxValue> inputs, outputs;
  std::map<std::string_view, OnnxTensor> constants;
};

// `corrupt` when the wire format is broken; `unsupported` over `most_nodes`: a larger graph is no tree ensemble.
Result<OnnxGraph> read_graph(std::string_view bytes, size_t most_nodes);

}  // namespace millrace::serve::trees
