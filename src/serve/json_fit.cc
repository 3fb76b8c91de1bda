#include "serve/json_fit.h"

#include <simdjson.h>

#include <cmath>

#include "serve/half.h"

namespace millrace::serve {
namespace {

template <class T>
bool all_finite(std::span<const T> values) {
  return std::all_of(values.begin(), values.end(), [](T value) {
    if constexpr (std::is_floating_point_v<T>)
      return std::isfinite(value);
    else
      return std::isfinite(value.number());
  });
}

}  // namespace

bool fits_json(const Tensor& tensor) {
  if (tensor.type == DType::fp32) return all_finite(tensor.as<float>());
  if (tensor.type == DType::fp64) return all_finite(tensor.as<double>());
  if (tensor.type == DType::fp16) return all_finite(tensor.as<Half>());
  if (tensor.type == DType::bf16) return all_finite(tensor.as<Brain>());
  return std::all_of(tensor.texts.begin(), tensor.texts.end(),
                     [](const auto& text) { return simdjson::validate_utf8(text); });
}

}  // namespace millrace::serve
