// Linear least squares for small designs.
#pragma once
#include <span>
#include <vector>

#include "core/result.h"

namespace millrace::stats {

// The weights w that make |design w - target|^2 smallest, by Cholesky's factorisation of the normal equations with a
// ridge of 1e-9 of the mean diagonal, so that columns which depend on each other share their weight instead of failing.
// `design` is row-major, target.size() rows of `columns`. Scale columns to about 1 for accuracy. `invalid` for sizes
// that do not fit, fewer rows than columns, or values that are not finite.
Result<std::vector<double>> least_squares(std::span<const double> design, std::span<const double> target,
                                          size_t columns);

}  // namespace millrace::stats
