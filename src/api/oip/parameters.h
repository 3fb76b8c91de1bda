// The parameters of an inference request that both REST and gRPC know: one table.
#pragma once
#include <cstdint>
#include <string_view>
#include <variant>

#include "core/result.h"
#include "serve/infer.h"

namespace millrace::api::oip {

// As the protocol's texts, numbers and flags; monostate is anything else (null, a list, an unset choice).
using ParameterValue = std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string_view>;

// Puts the parameter's meaning into the request. `also` are names that only the calling protocol knows, for the hint
// ("binary_data_output"; "" = none).
Result<void> read_parameter(std::string_view name, const ParameterValue& value, std::string_view also,
                            serve::InferRequest& out);

}  // namespace millrace::api::oip
