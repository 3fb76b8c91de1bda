#include "serve/trees/files/onnx_graph.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "core/limits/tree_limits.h"
#include "serve/onnx/wire.h"

namespace millrace::serve::trees {
namespace {

using onnx::Field;
using onnx::Fields;

static_assert(std::endian::native == std::endian::little);

Error broken() { return Error{Code::corrupt, "the file is not an ONNX model, or it was cut short"}; }

float float_of(std::string_view bytes) {
  float value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

// Repeated numbers come one a field, or packed.
Result<void> add_floats(const Field& field, std::vector<float>& out) {
  if (field.wire != onnx::kFixed32 && field.wire != onnx::kBytes) return broken();
  if (field.bytes.size() % sizeof(float) != 0) return broken();
  for (size_t at = 0; at < field.bytes.size(); at += sizeof(float)) out.push_back(float_of(field.bytes.substr(at)));
  return {};
}

Result<void> add_integers(const Field& field, std::vector<int64_t>& out) {
  if (field.wire == onnx::kVarint) {
    out.push_back(static_cast<int64_t>(field.value));
    return {};
  }
  if (field.wire != onnx::kBytes) return broken();
  Fields packed(field.bytes);
  uint64_t value = 0;
  while (!packed.done()) {
    if (!packed.varint(value)) return broken();
    out.push_back(static_cast<int64_t>(value));
  }
  return {};
}

// Calls each(field) for the fields of one message.
template <class Each>
Result<void> over(std::string_view message, Each&& each) {
  Fields fields(message);
  Field field;
  while (!fields.done()) {
    if (!fields.next(field)) return broken();
    MILLRACE_DO(each(field));
  }
  return {};
}

Result<OnnxTensor> read_tensor(std::string_view message, std::string_view& name) {
  OnnxTensor out;
  std::vector<int64_t> dimensions;
  std::string_view raw;
  MILLRACE_DO(over(message, [&](const Field& field) -> Result<void> {
    switch (field.number) {
      case 1: return add_integers(field, dimensions);
      case 2: out.type = static_cast<int64_t>(field.value); return {};
      case 4: return add_floats(field, out.floats);
      case 8: name = field.bytes; return {};
      case 9: raw = field.bytes; return {};
      default: return {};
    }
  }));
  if (out.type == 1 && !raw.empty()) {
    if (raw.size() % sizeof(float) != 0) return broken();
    for (size_t at = 0; at < raw.size(); at += sizeof(float)) out.floats.push_back(float_of(raw.substr(at)));
  }
  out.elements = 1;
  for (const int64_t dimension : dimensions) {
    if (dimension < 0 || (dimension > 0 && out.elements > (uint64_t{1} << 40) / static_cast<uint64_t>(dimension)))
      return broken();
    out.elements *= static_cast<size_t>(dimension);
  }
  if (out.type == 1 && out.floats.size() != out.elements) return broken();
  return out;
}

Result<void> read_attribute(std::string_view message, OnnxNode& node) {
  OnnxAttribute out;
  std::string_view name;
  MILLRACE_DO(over(message, [&](const Field& field) -> Result<void> {
    switch (field.number) {
      case 1: name = field.bytes; return {};
      case 3: out.integer = static_cast<int64_t>(field.value); return {};
      case 4: out.text = field.bytes; return {};
      case 5: {
        std::string_view unused;
        MILLRACE_TRY(out.tensor, read_tensor(field.bytes, unused));
        return {};
      }
      case 7: return add_floats(field, out.floats);
      case 8: return add_integers(field, out.integers);
      case 9: out.texts.push_back(field.bytes); return {};
      default: return {};
    }
  }));
  const size_t count = std::max({out.floats.size(), out.integers.size(), out.texts.size()});
  if (count > limits::tree_values)
    return Error{Code::too_large,
                 fmt::format("an attribute has {} values, the limit is {}", count, limits::tree_values)};
  node.attributes[name] = std::move(out);
  return {};
}

Result<OnnxNode> read_node(std::string_view message) {
  OnnxNode out;
  MILLRACE_DO(over(message, [&](const Field& field) -> Result<void> {
    switch (field.number) {
      case 1: out.inputs.push_back(field.bytes); return {};
      case 2: out.outputs.push_back(field.bytes); return {};
      case 4: out.operation = field.bytes; return {};
      case 5: return read_attribute(field.bytes, out);
      case 7: out.domain = field.bytes; return {};
      default: return {};
    }
  }));
  return out;
}

Result<void> read_dimension(std::string_view message, OnnxValue& out) {
  int64_t value = 0;
  MILLRACE_DO(over(message, [&](const Field& field) -> Result<void> {
    if (field.number == 1 && field.wire == onnx::kVarint) value = static_cast<int64_t>(field.value);
    return {};
  }));
  out.dimensions.push_back(value > 0 ? value : -1);
  return {};
}

// ValueInfo -> type 2 -> tensor_type 1 -> elem_type 1, shape 2 -> dim 1
Result<OnnxValue> read_value(std::string_view message) {
  OnnxValue out;
  const auto shape = [&](const Field& field) -> Result<void> {
    return field.number == 1 ? read_dimension(field.bytes, out) : Result<void>();
  };
  const auto tensor = [&](const Field& field) -> Result<void> {
    if (field.number == 1) out.type = static_cast<int64_t>(field.value);
    return field.number == 2 ? over(field.bytes, shape) : Result<void>();
  };
  const auto type = [&](const Field& field) -> Result<void> {
    return field.number == 1 ? over(field.bytes, tensor) : Result<void>();
  };
  MILLRACE_DO(over(message, [&](const Field& field) -> Result<void> {
    if (field.number == 1) out.name = field.bytes;
    return field.number == 2 ? over(field.bytes, type) : Result<void>();
  }));
  return out;
}

Result<void> read_constant(std::string_view message, OnnxGraph& out) {
  std::string_view name;
  MILLRACE_TRY(auto tensor, read_tensor(message, name));
  out.constants[name] = std::move(tensor);
  return {};
}

}  // namespace

Result<OnnxGraph> read_graph(std::string_view bytes, size_t most_nodes) {
  OnnxGraph out;
  const auto graph = [&](const Field& field) -> Result<void> {
    switch (field.number) {
      case 1: {
        if (out.nodes.size() == most_nodes)
          return Error{Code::unsupported, fmt::format("the graph has more than {} operators", most_nodes)};
        MILLRACE_TRY(auto node, read_node(field.bytes));
        out.nodes.push_back(std::move(node));
        return {};
      }
      case 5: return read_constant(field.bytes, out);
      case 11:
      case 12: {
        MILLRACE_TRY(auto value, read_value(field.bytes));
        (field.number == 11 ? out.inputs : out.outputs).push_back(std::move(value));
        return {};
      }
      default: return {};
    }
  };
  MILLRACE_DO(over(bytes, [&](const Field& field) -> Result<void> {
    return field.number == 7 && field.wire == onnx::kBytes ? over(field.bytes, graph) : Result<void>();
  }));
  return out;
}

}  // namespace millrace::serve::trees
