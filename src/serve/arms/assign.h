// Who answers a unit: the stable arm or the canary. Pure. The same unit gets the same arm on every server and after
// every start, and with a higher share everybody who was in stays in.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "serve/tensor.h"

namespace millrace::serve {

// The first 8 bytes of SHA-256(salt ":" unit) as a number, the first byte the highest.
uint64_t bucket_of(std::string_view salt, std::string_view unit);

// bucket / 2^64 < share. Share 0 takes nobody, 1 everybody.
bool takes(double share, uint64_t bucket);

// The single value of a tensor as text: a text as it is, a number in its shortest form. nothing: there is not one
// value.
std::optional<std::string> unit_in(const Tensor& tensor);

}  // namespace millrace::serve
