// Tensors as the Open Inference Protocol names them, and what a model says of its own.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "core/result.h"

namespace millrace::serve {

// In the order of their numbers, which prediction logs hold: new ones come last.
enum class DType : uint8_t {
  boolean,
  uint8,
  uint16,
  uint32,
  uint64,
  int8,
  int16,
  int32,
  int64,
  fp32,
  fp64,
  bytes,
  fp16,
  bf16
};
inline constexpr size_t kDTypes = 14;

std::string_view name_of(DType type);  // "BOOL", "INT64", "BYTES", "BF16", ...
std::optional<DType> find_dtype(std::string_view name);
size_t size_of(DType type);  // bytes of one element; 0 for BYTES

inline constexpr size_t kMaxRank = 8;

// At most kMaxRank dimensions, kept inside.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) {
    for (const auto dim : dims) push(dim);
  }
  bool push(int64_t dim) {  // false when full
    if (rank_ == kMaxRank) return false;
    dims_[rank_++] = dim;
    return true;
  }
  size_t rank() const { return rank_; }
  int64_t operator[](size_t at) const { return dims_[at]; }
  int64_t& operator[](size_t at) { return dims_[at]; }
  const int64_t* data() const { return dims_.data(); }
  const int64_t* begin() const { return dims_.data(); }
  const int64_t* end() const { return dims_.data() + rank_; }
  bool operator==(const Shape& other) const { return std::equal(begin(), end(), other.begin(), other.end()); }
  // Product of the dimensions; nothing when one is negative or the product passes 2^40.
  std::optional<size_t> elements() const;
  std::string text() const;  // "[-1,3]"

 private:
  std::array<int64_t, kMaxRank> dims_{};
  size_t rank_ = 0;
};

// What a model takes or gives. -1 is a dimension that varies; a first dimension of -1 counts rows.
struct TensorSpec {
  std::string name;
  DType type = DType::fp32;
  Shape shape;
};

Json to_json(
    const std::vector<TensorSpec>& specs);  // [{name, datatype, shape}], as the Open Inference Protocol shows them

// Row-major. Numbers lie little-endian and packed in `data` (BOOL: one byte, 0 or 1), texts in `texts`.
struct Tensor {
  DType type = DType::fp32;
  Shape shape;
  std::vector<std::byte> data;
  std::vector<std::string> texts;

  size_t elements() const { return type == DType::bytes ? texts.size() : data.size() / size_of(type); }
  template <class T>
  std::span<const T> as() const {
    return {reinterpret_cast<const T*>(data.data()), data.size() / sizeof(T)};
  }
  template <class T>
  void push(T value) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    data.insert(data.end(), bytes, bytes + sizeof value);
  }
};

// Does a tensor's shape fit what the model says? -1 fits everything but a negative number.
bool fits(const Shape& shape, const Shape& spec);

}  // namespace millrace::serve
