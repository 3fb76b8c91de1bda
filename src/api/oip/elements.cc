#include "api/oip/elements.h"

#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "api/oip/call.h"
#include "serve/half.h"

namespace millrace::api::oip {
namespace {
namespace od = simdjson::ondemand;
using serve::DType;
using serve::Tensor;

template <class T>
std::string takes(DType type) {
  if constexpr (std::is_same_v<T, std::string>)
    return "BYTES takes texts";
  else if constexpr (std::is_same_v<T, bool>)
    return "BOOL takes true and false";
  else if constexpr (std::is_same_v<T, serve::Half>)
    return fmt::format("FP16 takes numbers up to {}", serve::kLargestHalf);
  else if constexpr (std::is_same_v<T, serve::Brain>)
    return fmt::format("BF16 takes numbers up to {}", serve::kLargestBrain);
  else if constexpr (std::is_same_v<T, float>)
    return fmt::format("FP32 takes numbers up to {}", std::numeric_limits<float>::max());
  else if constexpr (std::is_same_v<T, double>)
    return fmt::format("FP64 takes numbers up to {}", std::numeric_limits<double>::max());
  else
    return fmt::format("{} takes whole numbers from {} to {}", name_of(type), std::numeric_limits<T>::min(),
                       std::numeric_limits<T>::max());
}

// false: not a T, or out of its range.
template <class T>
bool read_one(od::value& from, Tensor& out) {
  if constexpr (std::is_same_v<T, std::string>) {
    std::string_view text;
    if (from.get_string().get(text) != simdjson::SUCCESS) return false;
    out.texts.emplace_back(text);
  } else if constexpr (std::is_same_v<T, bool>) {
    bool value = false;
    if (from.get_bool().get(value) != simdjson::SUCCESS) return false;
    out.push<uint8_t>(value ? 1 : 0);
  } else if constexpr (std::is_floating_point_v<T>) {
    double value = 0;
    if (from.get_double().get(value) != simdjson::SUCCESS) return false;
    const T narrow = static_cast<T>(value);
    if (!std::isfinite(narrow)) return false;
    out.push(narrow);
  } else if constexpr (std::is_class_v<T>) {
    double value = 0;
    if (from.get_double().get(value) != simdjson::SUCCESS) return false;
    const T narrow = T::of(value);
    if (!std::isfinite(narrow.number())) return false;
    out.push(narrow);
  } else if constexpr (std::is_unsigned_v<T>) {
    uint64_t value = 0;
    if (from.get_uint64().get(value) != simdjson::SUCCESS || value > std::numeric_limits<T>::max()) return false;
    out.push(static_cast<T>(value));
  } else {
    int64_t value = 0;
    if (from.get_int64().get(value) != simdjson::SUCCESS || value < std::numeric_limits<T>::min() ||
        value > std::numeric_limits<T>::max())
      return false;
    out.push(static_cast<T>(value));
  }
  return true;
}

// The token as the caller wrote it, shortened.
std::string written(od::value& value) {
  std::string text(value.raw_json_token());
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.pop_back();
  if (text.size() > 40) text = text.substr(0, 40) + "...";
  return text;
}

template <class T>
class Elements {
 public:
  Elements(const std::string& field, Tensor& out, size_t expected) : field_(field), out_(out), expected_(expected) {}

  Result<void> read(od::array& array, size_t level) {
    const size_t rank = out_.shape.rank();
    size_t count = 0;
    for (auto element : array) {
      od::value value;
      if (element.get(value) != simdjson::SUCCESS) return bad("the list is not valid JSON", field_);
      od::json_type type{};
      if (value.type().get(type) != simdjson::SUCCESS) return wrong_element(value, seen_);
      if (level == 0 && count == 0) nested_ = type == od::json_type::array && rank > 1;
      ++count;
      if (nested_ && level + 1 < rank) {
        if (count > static_cast<size_t>(out_.shape[level])) return wrong_count(level, count);
        od::array inner;
        if (value.get_array().get(inner) != simdjson::SUCCESS)
          return bad(fmt::format("lists {} deep are expected, as the shape {} says", rank, out_.shape.text()), field_);
        MILLRACE_DO(read(inner, level + 1));
        continue;
      }
      if (++seen_ > expected_)
        return bad(fmt::format("the shape {} has {} elements, the data has more", out_.shape.text(), expected_),
                   field_);
      if (!read_one<T>(value, out_)) return wrong_element(value, seen_ - 1);
    }
    if (nested_ && count != static_cast<size_t>(out_.shape[level])) return wrong_count(level, count);
    return {};
  }

  Result<void> done() const {
    if (seen_ == expected_) return {};
    return bad(fmt::format("the shape {} has {} elements, the data has {}", out_.shape.text(), expected_, seen_),
               field_);
  }

 private:
  Error wrong_element(od::value& value, size_t at) const {
    return bad(fmt::format("{}, not {}", takes<T>(out_.type), written(value)), fmt::format("{}[{}]", field_, at));
  }
  Error wrong_count(size_t level, size_t count) const {
    return bad(
        fmt::format("the shape {} wants lists of {} at depth {}, one has {}{}", out_.shape.text(), out_.shape[level],
                    level + 1, count, count > static_cast<size_t>(out_.shape[level]) ? " or more" : ""),
        field_);
  }

  const std::string& field_;
  Tensor& out_;
  const size_t expected_;
  size_t seen_ = 0;
  bool nested_ = false;
};

template <class T>
Result<void> read_as(od::array& array, const std::string& field, Tensor& out) {
  const auto expected = out.shape.elements();
  if (!expected) return bad(fmt::format("the shape {} has too many elements", out.shape.text()), field);
  Elements<T> elements(field, out, *expected);
  MILLRACE_DO(elements.read(array, 0));
  return elements.done();
}

}  // namespace

Result<void> read_elements(od::value data, const std::string& field, Tensor& out) {
  od::array array;
  if (data.get_array().get(array) != simdjson::SUCCESS) return bad("a list is expected", field);
  switch (out.type) {
    case DType::boolean: return read_as<bool>(array, field, out);
    case DType::uint8: return read_as<uint8_t>(array, field, out);
    case DType::uint16: return read_as<uint16_t>(array, field, out);
    case DType::uint32: return read_as<uint32_t>(array, field, out);
    case DType::uint64: return read_as<uint64_t>(array, field, out);
    case DType::int8: return read_as<int8_t>(array, field, out);
    case DType::int16: return read_as<int16_t>(array, field, out);
    case DType::int32: return read_as<int32_t>(array, field, out);
    case DType::int64: return read_as<int64_t>(array, field, out);
    case DType::fp32: return read_as<float>(array, field, out);
    case DType::fp64: return read_as<double>(array, field, out);
    case DType::bytes: return read_as<std::string>(array, field, out);
    case DType::fp16: return read_as<serve::Half>(array, field, out);
    case DType::bf16: return read_as<serve::Brain>(array, field, out);
  }
  return Error{Code::internal, "a tensor type without a reader"};
}

}  // namespace millrace::api::oip
