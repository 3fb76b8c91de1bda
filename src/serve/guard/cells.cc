#include "serve/guard/cells.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "serve/half.h"

namespace millrace::serve {
namespace {

template <class T>
data::Cell number_cell(const Tensor& tensor, size_t at) {
  const T value = tensor.as<T>()[at];
  if constexpr (std::is_floating_point_v<T>)
    return data::Cell::of(static_cast<double>(value));
  else if (std::in_range<int64_t>(value))
    return data::Cell::of(static_cast<int64_t>(value));
  else
    return data::Cell::of(static_cast<double>(value));
}

double number_of(const data::Cell& cell) {
  return cell.kind == data::Cell::Kind::number ? cell.number : static_cast<double>(cell.integer);
}

template <class T>
void put(Tensor& tensor, size_t at, T value) {
  std::memcpy(tensor.data.data() + at * sizeof value, &value, sizeof value);
}

// Rounding to fewer bits may leave the range again: then the next number towards its inside is the nearest.
template <class T>
bool put_float(Tensor& tensor, size_t at, double wanted, double given, const std::function<bool()>& holds) {
  const T rounded = static_cast<T>(wanted);
  put(tensor, at, rounded);
  if (holds()) return true;
  put(tensor, at, std::nextafter(rounded, given < wanted ? HUGE_VALF : -HUGE_VALF));
  return holds();
}
template <class T>
bool put_float16(Tensor& tensor, size_t at, double wanted, double given, const std::function<bool()>& holds) {
  T rounded = T::of(wanted);
  put(tensor, at, rounded.bits);
  if (holds()) return true;
  const bool away_from_zero = (given < wanted) == ((rounded.bits & 0x8000) == 0);
  rounded.bits = static_cast<uint16_t>(rounded.bits + (away_from_zero ? 1 : -1));
  put(tensor, at, rounded.bits);
  return holds();
}
template <class T>
bool put_integer(Tensor& tensor, size_t at, const data::Cell& wanted, double given,
                 const std::function<bool()>& holds) {
  int64_t whole = wanted.integer;
  if (wanted.kind == data::Cell::Kind::number) {
    const double inside = given > wanted.number ? std::floor(wanted.number) : std::ceil(wanted.number);
    if (!(std::fabs(inside) < 0x1p63)) return false;
    whole = static_cast<int64_t>(inside);
  }
  if (!std::in_range<T>(whole)) return false;
  put(tensor, at, static_cast<T>(whole));
  return holds();
}

}  // namespace

data::Cell cell_of(const Tensor& tensor, size_t at) {
  switch (tensor.type) {
    case DType::boolean: return data::Cell::of_boolean(tensor.data[at] != std::byte{0});
    case DType::uint8: return number_cell<uint8_t>(tensor, at);
    case DType::uint16: return number_cell<uint16_t>(tensor, at);
    case DType::uint32: return number_cell<uint32_t>(tensor, at);
    case DType::uint64: return number_cell<uint64_t>(tensor, at);
    case DType::int8: return number_cell<int8_t>(tensor, at);
    case DType::int16: return number_cell<int16_t>(tensor, at);
    case DType::int32: return number_cell<int32_t>(tensor, at);
    case DType::int64: return number_cell<int64_t>(tensor, at);
    case DType::fp32: return number_cell<float>(tensor, at);
    case DType::fp64: return number_cell<double>(tensor, at);
    case DType::bytes: return data::Cell::of(std::string_view(tensor.texts[at]));
    case DType::fp16: return data::Cell::of(tensor.as<Half>()[at].number());
    case DType::bf16: return data::Cell::of(tensor.as<Brain>()[at].number());
  }
  return {};
}

bool put_nearest(Tensor& tensor, size_t at, const data::Cell& from, const data::Cell& wanted,
                 const std::function<bool()>& holds) {
  const double given = number_of(from);
  switch (tensor.type) {
    case DType::uint8: return put_integer<uint8_t>(tensor, at, wanted, given, holds);
    case DType::uint16: return put_integer<uint16_t>(tensor, at, wanted, given, holds);
    case DType::uint32: return put_integer<uint32_t>(tensor, at, wanted, given, holds);
    case DType::uint64: return put_integer<uint64_t>(tensor, at, wanted, given, holds);
    case DType::int8: return put_integer<int8_t>(tensor, at, wanted, given, holds);
    case DType::int16: return put_integer<int16_t>(tensor, at, wanted, given, holds);
    case DType::int32: return put_integer<int32_t>(tensor, at, wanted, given, holds);
    case DType::int64: return put_integer<int64_t>(tensor, at, wanted, given, holds);
    case DType::fp32: return put_float<float>(tensor, at, number_of(wanted), given, holds);
    case DType::fp64: return put_float<double>(tensor, at, number_of(wanted), given, holds);
    case DType::fp16: return put_float16<Half>(tensor, at, number_of(wanted), given, holds);
    case DType::bf16: return put_float16<Brain>(tensor, at, number_of(wanted), given, holds);
    case DType::boolean:
    case DType::bytes: return false;
  }
  return false;
}

}  // namespace millrace::serve
