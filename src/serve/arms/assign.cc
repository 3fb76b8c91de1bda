#include "serve/arms/assign.h"

#include <cmath>

#include <fmt/format.h>

#include "core/hash.h"
#include "serve/prediction.h"

namespace millrace::serve {

uint64_t bucket_of(std::string_view salt, std::string_view unit) {
  const auto digest = digest_of(fmt::format("{}:{}", salt, unit));
  return std::stoull(digest.substr(std::string_view("sha256:").size(), 16), nullptr, 16);
}

bool takes(double share, uint64_t bucket) { return share >= 1 || std::ldexp(static_cast<double>(bucket), -64) < share; }

std::optional<std::string> unit_in(const Tensor& tensor) {
  if (tensor.elements() != 1) return std::nullopt;
  return tensor.type == DType::bytes ? tensor.texts[0] : to_text(tensor_json(tensor)[0]);
}

}  // namespace millrace::serve
