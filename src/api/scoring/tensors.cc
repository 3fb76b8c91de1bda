#include "api/scoring/tensors.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "serve/half.h"

namespace millrace::api::scoring {
namespace {
using serve::DType;
using serve::Tensor;
using serve::TensorSpec;
using Kind = Scalar::Kind;

Error bad(std::string message) { return Error{Code::invalid, std::move(message)}; }

// What pandas reads as missing.
bool is_missing(std::string_view field) {
  for (const std::string_view each :
       {"", "#N/A", "#NA", "-NaN", "-nan", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"})
    if (field == each) return true;
  return false;
}

template <class T>
std::optional<T> number_in(std::string_view field) {
  T value{};
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc{} || end != field.data() + field.size()) return std::nullopt;
  return value;
}

std::optional<double> as_double(const Scalar& from) {
  switch (from.kind) {
    case Kind::null: return std::numeric_limits<double>::quiet_NaN();
    case Kind::integer: return static_cast<double>(from.integer);
    case Kind::natural: return static_cast<double>(from.natural);
    case Kind::number: return from.number;
    case Kind::field:
      if (is_missing(from.text)) return std::numeric_limits<double>::quiet_NaN();
      if (const auto number = number_in<double>(from.text); number && std::isfinite(*number)) return number;
      return std::nullopt;
    default: return std::nullopt;
  }
}

// Whole numbers only; those that came as 3.0 are.
template <class T>
std::optional<T> as_integer(const Scalar& from) {
  if (from.kind == Kind::integer && std::in_range<T>(from.integer)) return static_cast<T>(from.integer);
  if (from.kind == Kind::natural && std::in_range<T>(from.natural)) return static_cast<T>(from.natural);
  if (from.kind == Kind::field) {
    if (const auto whole = number_in<T>(from.text)) return whole;
    const auto number = number_in<double>(from.text);
    if (!number) return std::nullopt;
    Scalar plain{.kind = Kind::number};
    plain.number = *number;
    return as_integer<T>(plain);
  }
  if (from.kind != Kind::number || std::trunc(from.number) != from.number || std::fabs(from.number) > 0x1p53)
    return std::nullopt;
  const auto whole = static_cast<int64_t>(from.number);
  return std::in_range<T>(whole) ? std::optional(static_cast<T>(whole)) : std::nullopt;
}

std::optional<bool> as_boolean(const Scalar& from) {
  if (from.kind == Kind::boolean) return from.boolean;
  if (from.kind != Kind::field) return std::nullopt;
  if (from.text == "true" || from.text == "True" || from.text == "TRUE") return true;
  if (from.text == "false" || from.text == "False" || from.text == "FALSE") return false;
  return std::nullopt;
}

template <class T>
bool push_integer(const Scalar& from, Tensor& out) {
  const auto value = as_integer<T>(from);
  if (value) out.push(*value);
  return value.has_value();
}

// A finite number that the type rounds to an infinity does not fit.
template <class T>
bool push_float(const Scalar& from, Tensor& out) {
  const auto value = as_double(from);
  if (!value) return false;
  const T narrow = static_cast<T>(*value);
  if (std::isinf(narrow)) return false;
  out.push(narrow);
  return true;
}
template <class T>
bool push_float16(const Scalar& from, Tensor& out) {
  const auto value = as_double(from);
  if (!value || std::isinf(T::of(*value).number())) return false;
  out.push(T::of(*value));
  return true;
}

bool push(const Scalar& from, Tensor& out) {
  switch (out.type) {
    case DType::boolean: {
      const auto value = as_boolean(from);
      if (value) out.push<uint8_t>(*value ? 1 : 0);
      return value.has_value();
    }
    case DType::uint8: return push_integer<uint8_t>(from, out);
    case DType::uint16: return push_integer<uint16_t>(from, out);
    case DType::uint32: return push_integer<uint32_t>(from, out);
    case DType::uint64: return push_integer<uint64_t>(from, out);
    case DType::int8: return push_integer<int8_t>(from, out);
    case DType::int16: return push_integer<int16_t>(from, out);
    case DType::int32: return push_integer<int32_t>(from, out);
    case DType::int64: return push_integer<int64_t>(from, out);
    case DType::fp16: return push_float16<serve::Half>(from, out);
    case DType::bf16: return push_float16<serve::Brain>(from, out);
    case DType::fp32: return push_float<float>(from, out);
    case DType::fp64: return push_float<double>(from, out);
    case DType::bytes:
      if (from.kind != Kind::text && from.kind != Kind::field) return false;
      out.texts.emplace_back(from.text);
      return true;
  }
  return false;
}

Error unfit(const Column& column, const TensorSpec& spec, size_t row) {
  return bad(fmt::format("The value of '{}' in row {} is no {} value.", column.name.empty() ? spec.name : column.name,
                         row, name_of(spec.type)))
      .at_field(spec.name);
}

// [5] and [5,1] are the same values: the model's own rank is taken. Nothing when the shape does not fit.
std::optional<serve::Shape> fitted(const serve::Shape& given, const serve::Shape& spec) {
  if (fits(given, spec)) return given;
  serve::Shape out;
  for (size_t i = 0; i < spec.rank(); ++i) out.push(i < given.rank() ? given[i] : 1);
  for (size_t i = spec.rank(); i < given.rank(); ++i)
    if (given[i] != 1) return std::nullopt;
  if (!fits(out, spec)) return std::nullopt;
  return out;
}

Result<Tensor> to_tensor(const Column& column, const TensorSpec& spec) {
  const auto shape = fitted(column.shape, spec.shape);
  if (!shape)
    return bad(fmt::format("The input '{}' has the shape {}, not {}.", spec.name, spec.shape.text(),
                           column.shape.text()))
        .at_field(spec.name);
  Tensor out{.type = spec.type, .shape = *shape};
  out.data.reserve(column.values.size() * size_of(spec.type));
  const size_t each = column.values.size() / std::max<size_t>(1, static_cast<size_t>(column.shape[0]));
  for (size_t i = 0; i < column.values.size(); ++i)
    if (!push(column.values[i], out)) return unfit(column, spec, i / std::max<size_t>(1, each));
  return out;
}

// The columns of a table beside each other, in their order.
Result<Tensor> to_matrix(const Frame& frame, const TensorSpec& spec) {
  const auto rows = frame.columns[0].shape[0];
  const auto width = static_cast<int64_t>(frame.columns.size());
  const serve::Shape shape{rows, width};
  if (!fits(shape, spec.shape))
    return bad(fmt::format("The model takes {} columns, the request has {}.", spec.shape[1], width))
        .at_field(spec.name);
  Tensor out{.type = spec.type, .shape = shape};
  out.data.reserve(static_cast<size_t>(rows * width) * size_of(spec.type));
  for (size_t row = 0; row < static_cast<size_t>(rows); ++row)
    for (const auto& column : frame.columns) {
      if (column.shape.rank() != 1)
        return bad(fmt::format("The column '{}' holds lists.", column.name)).at_field(spec.name);
      if (!push(column.values[row], out)) return unfit(column, spec, row);
    }
  return out;
}

const Column* find_column(const Frame& frame, const std::string& name) {
  for (const auto& column : frame.columns)
    if (column.name == name) return &column;
  return nullptr;
}

Result<std::vector<Tensor>> by_name(const Frame& frame, const std::vector<TensorSpec>& inputs) {
  std::vector<Tensor> out;
  std::string missing;
  for (const auto& spec : inputs) {
    const auto* column = find_column(frame, spec.name);
    if (column == nullptr) missing += (missing.empty() ? "'" : ", '") + spec.name + "'";
    if (column == nullptr || !missing.empty()) continue;
    MILLRACE_TRY(auto tensor, to_tensor(*column, spec));
    out.push_back(std::move(tensor));
  }
  if (missing.empty()) return out;
  return bad(fmt::format("Model is missing inputs [{}].", missing));
}

Result<std::vector<Tensor>> match(const Frame& frame, const std::vector<TensorSpec>& inputs) {
  if (frame.form == Frame::Form::array && inputs.size() > 1)
    return bad("Unable to map one array to the model's several inputs: name them.");
  if (inputs.size() != 1) return by_name(frame, inputs);
  const auto& spec = inputs[0];
  std::vector<Tensor> out(1);
  const bool one = frame.columns.size() == 1;
  const bool wide = one && frame.columns[0].shape.rank() > 1;  // a column of lists
  const bool matrix = spec.shape.rank() == 2 && spec.shape[1] != 1 && !wide;
  if (frame.form == Frame::Form::array || (frame.form == Frame::Form::table && one && !matrix)) {
    MILLRACE_TRY(out[0], to_tensor(frame.columns[0], spec));
    return out;
  }
  if (frame.form == Frame::Form::tensors || !matrix) return by_name(frame, inputs);
  MILLRACE_TRY(out[0], to_matrix(frame, spec));
  return out;
}

}  // namespace

Result<serve::InferRequest> to_request(const Frame& frame, const serve::Arm& arm, bool batched) {
  if (frame.columns.empty()) return bad("The request has no columns.");
  for (const auto& column : frame.columns)
    if (column.values.empty()) return bad("The request has no rows.");
  serve::InferRequest out;
  MILLRACE_TRY(out.inputs, match(frame, arm.inputs));
  for (const auto& tensor : out.inputs)
    if (batched && tensor.shape[0] != out.inputs[0].shape[0])
      return bad("The length of values for each input/column name are not the same");
  for (size_t i = 0; i < arm.outputs.size(); ++i) out.wanted.push_back(i);
  out.unit = frame.unit;
  out.input = frame.input;
  out.event_time = frame.event_time;
  return out;
}

}  // namespace millrace::api::scoring
