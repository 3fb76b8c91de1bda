#include <algorithm>

#include <fmt/format.h>

#include "api/oip/packed.h"
#include "api/oip/parse.h"

namespace millrace::api::oip {
namespace {

Error bad(std::string what) { return Error{Code::invalid, std::move(what)}.at_field("body"); }

// The shape of `elements` elements; the first dimension that varies beyond the batch's takes what the others leave.
Result<serve::Shape> deduce(const serve::TensorSpec& spec, bool batched, size_t elements) {
  serve::Shape shape = spec.shape;
  auto open = std::count(shape.begin(), shape.end(), -1);
  if (open > 1 && batched) shape[0] = 1, --open;
  if (open > 1)
    return bad(fmt::format("the shape {} of '{}' does not follow from a number of bytes", spec.shape.text(), spec.name))
        .hint("send a JSON part with the shape");
  size_t others = 1;
  for (size_t i = 0; i < shape.rank(); ++i)
    if (shape[i] != -1) others *= static_cast<size_t>(shape[i]);
  for (size_t i = 0; i < shape.rank(); ++i)
    if (shape[i] == -1) shape[i] = static_cast<int64_t>(others == 0 ? 0 : elements / others);
  if (elements == 0 || shape.elements() != std::optional(elements))
    return bad(fmt::format("{} elements do not fill the shape {} of '{}'", elements, spec.shape.text(), spec.name));
  return shape;
}

size_t count_texts(std::string_view raw) {
  size_t count = 0;
  for (; raw.size() >= 4; ++count) {
    uint32_t size = 0;
    std::copy_n(raw.data(), 4, reinterpret_cast<char*>(&size));
    raw.remove_prefix(std::min<size_t>(raw.size(), size_t{4} + size));
  }
  return count;  // what is cut short is found when the texts are read
}

}  // namespace

Result<InferCall> parse_raw(const std::string& body, const serve::Arm& arm, bool batched) {
  if (arm.inputs.size() != 1)
    return bad(fmt::format("a raw request is one input, the model has {}", arm.inputs.size()))
        .hint("send a JSON part that names them");
  const auto& spec = arm.inputs[0];
  const size_t each = size_of(spec.type);
  if (each > 0 && body.size() % each != 0)
    return bad(fmt::format("{} bytes are no whole number of {} elements", body.size(), name_of(spec.type)));
  InferCall out;
  serve::Tensor tensor{.type = spec.type};
  MILLRACE_TRY(tensor.shape, deduce(spec, batched, each > 0 ? body.size() / each : count_texts(body)));
  MILLRACE_DO(read_raw(body, "body", tensor));
  out.request.inputs.push_back(std::move(tensor));
  for (size_t i = 0; i < arm.outputs.size(); ++i) out.request.wanted.push_back(i);
  out.binary.assign(arm.outputs.size(), true);
  out.request.json_answer = false;
  return out;
}

}  // namespace millrace::api::oip
