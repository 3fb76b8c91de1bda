#include "api/oip/call.h"

#include <algorithm>

#include <fmt/format.h>

namespace millrace::api::oip {
namespace {

std::string names(const std::vector<serve::TensorSpec>& specs) {
  std::string out;
  for (size_t i = 0; i < specs.size() && i < 40; ++i) out += (i == 0 ? "" : ", ") + specs[i].name;
  return specs.size() > 40 ? out + ", ..." : out;
}

std::string field_of(std::string_view list, size_t number, std::string_view part) {
  return fmt::format("{}[{}]{}{}", list, number, part.empty() ? "" : ".", part);
}

// The index of a name, or nothing.
std::optional<size_t> find(const std::vector<serve::TensorSpec>& specs, std::string_view name) {
  for (size_t i = 0; i < specs.size(); ++i)
    if (specs[i].name == name) return i;
  return std::nullopt;
}

}  // namespace

Error bad(std::string what, std::string field) {
  return Error{Code::invalid, std::move(what)}.at_field(std::move(field));
}

Result<void> check_text(std::string_view text, std::string_view field) {
  if (text.size() <= kTextBytes) return {};
  return Error{Code::too_large, fmt::format("the text has {} bytes, the limit is {}", text.size(), kTextBytes)}
      .at_field(std::string(field));
}

std::string input_field(size_t number, std::string_view part) { return field_of("inputs", number, part); }
std::string output_field(size_t number, std::string_view part) { return field_of("outputs", number, part); }

Result<void> take_unit(const Head& head, const serve::Served& served, serve::InferRequest& request) {
  if (!request.unit.empty()) return {};
  std::string_view name = "Millrace-Unit", unit = head("millrace-unit");
  if (unit.empty() && !served.unit_header.empty()) name = served.unit_header, unit = head(name);
  if (unit.size() > limits::name_bytes)
    return Error{Code::too_large,
                 fmt::format("the unit has {} bytes, the limit is {}", unit.size(), limits::name_bytes)}
        .at_field(std::string(name));
  request.unit = unit;
  return {};
}

Result<serve::DType> read_datatype(std::string_view name, size_t number) {
  if (const auto type = serve::find_dtype(name)) return *type;
  return bad(fmt::format("the datatype '{}' is not served", name.substr(0, kTextBytes)),
             input_field(number, "datatype"))
      .hint("BOOL, UINT8 to UINT64, INT8 to INT64, FP16, BF16, FP32, FP64 and BYTES are");
}

Result<void> push_dimension(serve::Shape& shape, int64_t dim, size_t number) {
  if (dim < 0) return bad("a shape is a list of whole numbers from 0", input_field(number, "shape"));
  if (shape.push(dim)) return {};
  return Error{Code::too_large, fmt::format("the shape has more than {} dimensions", serve::kMaxRank)}.at_field(
      input_field(number, "shape"));
}

CallBuilder::CallBuilder(const serve::Arm& arm, bool batched, serve::InferRequest& out)
    : arm_(arm), batched_(batched), out_(out), given_(arm.inputs.size(), false) {
  out_.inputs.resize(arm.inputs.size());
}

Result<serve::Tensor*> CallBuilder::input(size_t number, std::string_view name, serve::DType type,
                                          const serve::Shape& shape) {
  const auto index = find(arm_.inputs, name);
  if (!index)
    return bad(fmt::format("the model has no input '{}'", name), input_field(number, "name"))
        .hint("it has " + names(arm_.inputs));
  if (given_[*index]) return bad(fmt::format("the input '{}' is given twice", name), input_field(number, "name"));
  given_[*index] = true;
  const auto& spec = arm_.inputs[*index];
  if (type != spec.type)
    return bad(fmt::format("the input '{}' is {}, not {}", spec.name, name_of(spec.type), name_of(type)),
               input_field(number, "datatype"));
  if (!serve::fits(shape, spec.shape))
    return bad(fmt::format("the input '{}' has the shape {}, not {}", spec.name, spec.shape.text(), shape.text()),
               input_field(number, "shape"))
        .hint("-1 varies");
  if (shape.elements() == std::optional<size_t>(0)) return bad("the tensor is empty", input_field(number, "shape"));
  MILLRACE_DO(same_rows(number, shape, spec));
  auto& out = out_.inputs[*index];
  out.type = type;
  out.shape = shape;
  return &out;
}

Result<void> CallBuilder::same_rows(size_t number, const serve::Shape& shape, const serve::TensorSpec& spec) {
  if (!batched_) return {};
  if (rows_ == 0) rows_ = shape[0], rows_of_ = spec.name;
  if (shape[0] == rows_) return {};
  return bad(fmt::format("the input '{}' has {} rows, '{}' has {}", spec.name, shape[0], rows_of_, rows_),
             input_field(number, "shape"));
}

Result<void> CallBuilder::output(size_t number, std::string_view name) {
  const auto index = find(arm_.outputs, name);
  if (!index)
    return bad(fmt::format("the model has no output '{}'", name), output_field(number, "name"))
        .hint("it has " + names(arm_.outputs));
  auto& wanted = out_.wanted;
  if (std::find(wanted.begin(), wanted.end(), *index) != wanted.end())
    return bad(fmt::format("the output '{}' is asked for twice", name), output_field(number, "name"));
  wanted.push_back(*index);
  return {};
}

Result<void> CallBuilder::finish() {
  for (size_t i = 0; i < arm_.inputs.size(); ++i)
    if (!given_[i])
      return bad(fmt::format("the input '{}' is missing", arm_.inputs[i].name), "inputs")
          .hint("the model takes " + names(arm_.inputs));
  if (out_.wanted.empty())
    for (size_t i = 0; i < arm_.outputs.size(); ++i) out_.wanted.push_back(i);
  return {};
}

}  // namespace millrace::api::oip
