#include "serve/onnx/model_file.h"

#include <fmt/format.h>

#include "core/limits.h"
#include "serve/onnx/wire.h"

namespace millrace::serve::onnx {
namespace {

// The messages of onnx.proto on the way to every tensor, and their field numbers.
enum class Message { model, graph, node, attribute, function, training, sparse, tensor };
struct Step {
  Message in;
  uint64_t field;
  Message to;
};
constexpr Step kSteps[] = {{Message::model, 7, Message::graph},         {Message::model, 20, Message::training},
                           {Message::model, 25, Message::function},     {Message::training, 1, Message::graph},
                           {Message::training, 2, Message::graph},      {Message::function, 7, Message::node},
                           {Message::function, 11, Message::attribute}, {Message::graph, 1, Message::node},
                           {Message::graph, 5, Message::tensor},        {Message::graph, 15, Message::sparse},
                           {Message::node, 5, Message::attribute},      {Message::attribute, 5, Message::tensor},
                           {Message::attribute, 6, Message::graph},     {Message::attribute, 10, Message::tensor},
                           {Message::attribute, 11, Message::graph},    {Message::attribute, 22, Message::sparse},
                           {Message::attribute, 23, Message::sparse},   {Message::sparse, 1, Message::tensor},
                           {Message::sparse, 2, Message::tensor}};

constexpr uint64_t kTensorName = 8, kTensorExternal = 13, kTensorLocation = 14, kModelIr = 1, kModelGraph = 7;

class Walk {
 public:
  explicit Walk(const std::string& from) : from_(from) {}

  Result<void> message(Message kind, std::string_view bytes, size_t depth) {
    if (depth > limits::model_depth)
      return refuse(Code::too_large, fmt::format("graphs are nested more than {} deep", limits::model_depth));
    if (kind == Message::tensor) return tensor(bytes);
    if (kind == Message::node && ++facts.nodes > limits::model_nodes)
      return refuse(Code::too_large, fmt::format("the model has more than {} nodes", limits::model_nodes));
    Fields fields(bytes);
    Field field;
    while (!fields.done()) {
      if (!fields.next(field)) return broken();
      if (kind == Message::model && field.number == kModelIr) facts.ir_version = static_cast<int64_t>(field.value);
      if (kind == Message::model && field.number == kModelGraph) has_graph = true;
      for (const auto& step : kSteps) {
        if (step.in != kind || step.field != field.number) continue;
        if (field.wire != kBytes) return broken();
        MILLRACE_DO(message(step.to, field.bytes, depth + 1));
      }
    }
    return {};
  }

  Error refuse(Code code, std::string what) const { return Error{code, std::move(what)}.at({.file = from_}); }
  Error broken() const {
    return refuse(Code::corrupt, "the file is not an ONNX model, or it was cut short")
        .hint("export the model again, and copy it as binary");
  }

  FileFacts facts;
  bool has_graph = false;

 private:
  Result<void> tensor(std::string_view bytes) {
    ++facts.initializers;
    Fields fields(bytes);
    Field field;
    std::string_view name;
    bool external = false;
    while (!fields.done()) {
      if (!fields.next(field)) return broken();
      if (field.number == kTensorName && field.wire == kBytes) name = field.bytes;
      external |= field.number == kTensorExternal || (field.number == kTensorLocation && field.value != 0);
    }
    if (!external) return {};
    return refuse(Code::invalid, fmt::format("the tensor '{}' of the model lies in another file, which is not read",
                                             name.substr(0, 100)))
        .hint("save the model as one file: onnx.save(model, path, save_as_external_data=False)");
  }

  const std::string& from_;
};

}  // namespace

Result<FileFacts> inspect(std::string_view bytes, const std::string& from) {
  Walk walk(from);
  if (bytes.size() > limits::model_bytes)
    return walk.refuse(Code::too_large,
                       fmt::format("the model has {} bytes, the limit is {}", bytes.size(), limits::model_bytes));
  MILLRACE_DO(walk.message(Message::model, bytes, 0));
  if (!walk.has_graph || walk.facts.ir_version <= 0) return walk.broken();
  return walk.facts;
}

}  // namespace millrace::serve::onnx
