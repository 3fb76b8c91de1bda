#include "serve/tensor.h"

#include <fmt/format.h>

namespace millrace::serve {
namespace {

struct Entry {
  std::string_view name;
  size_t size;
};
// In the order of DType.
constexpr Entry kTypes[] = {{"BOOL", 1}, {"UINT8", 1}, {"UINT16", 2}, {"UINT32", 4}, {"UINT64", 8},
                            {"INT8", 1}, {"INT16", 2}, {"INT32", 4},  {"INT64", 8},  {"FP32", 4},
                            {"FP64", 8}, {"BYTES", 0}, {"FP16", 2},   {"BF16", 2}};
static_assert(std::size(kTypes) == kDTypes);

}  // namespace

std::string_view name_of(DType type) { return kTypes[static_cast<size_t>(type)].name; }
size_t size_of(DType type) { return kTypes[static_cast<size_t>(type)].size; }

std::optional<DType> find_dtype(std::string_view name) {
  for (size_t i = 0; i < std::size(kTypes); ++i)
    if (kTypes[i].name == name) return static_cast<DType>(i);
  return std::nullopt;
}

std::optional<size_t> Shape::elements() const {
  constexpr uint64_t most = uint64_t{1} << 40;
  uint64_t product = 1;
  for (const int64_t dim : *this) {
    if (dim < 0) return std::nullopt;
    if (dim != 0 && product > most / static_cast<uint64_t>(dim)) return std::nullopt;
    product *= static_cast<uint64_t>(dim);
  }
  return product;
}

std::string Shape::text() const { return fmt::format("[{}]", fmt::join(begin(), end(), ",")); }

bool fits(const Shape& shape, const Shape& spec) {
  if (shape.rank() != spec.rank()) return false;
  for (size_t i = 0; i < shape.rank(); ++i)
    if (shape[i] < 0 || (spec[i] != -1 && spec[i] != shape[i])) return false;
  return true;
}

Json to_json(const std::vector<TensorSpec>& specs) {
  Json out = Json::array();
  for (const auto& spec : specs)
    out.push_back({{"name", spec.name},
                   {"datatype", std::string(name_of(spec.type))},
                   {"shape", std::vector<int64_t>(spec.shape.begin(), spec.shape.end())}});
  return out;
}

}  // namespace millrace::serve
