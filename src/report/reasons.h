// Why a batch was set aside or rejected, a sentence a rule.
#pragma once
#include <string>

#include "data/datasets/datasets.h"

namespace millrace::report {

inline constexpr size_t kReasons = 5;

// The first rules that did not hold, up to kReasons: [{rule, column, rows, value, limit, text}].
Result<Json> reasons_of(const data::Datasets& datasets, const std::string& workspace,
                        const data::DatasetVersion& version);

}  // namespace millrace::report
