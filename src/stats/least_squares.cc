#include "stats/least_squares.h"

#include <fmt/format.h>

#include <cmath>

namespace millrace::stats {
namespace {

constexpr double kRidge = 1e-9;

// In place: the lower triangle of `a` becomes its factor. False when it is not positive.
bool factor(std::vector<double>& a, size_t n) {
  for (size_t j = 0; j < n; ++j) {
    double pivot = a[j * n + j];
    for (size_t k = 0; k < j; ++k) pivot -= a[j * n + k] * a[j * n + k];
    if (!(pivot > 0)) return false;
    a[j * n + j] = std::sqrt(pivot);
    for (size_t i = j + 1; i < n; ++i) {
      double sum = a[i * n + j];
      for (size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = sum / a[j * n + j];
    }
  }
  return true;
}

void solve(const std::vector<double>& a, std::vector<double>& b, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
}

}  // namespace

Result<std::vector<double>> least_squares(std::span<const double> design, std::span<const double> target,
                                          size_t columns) {
  const size_t rows = target.size();
  if (columns == 0 || rows < columns || design.size() != rows * columns)
    return Error{Code::invalid, fmt::format("{} numbers are no design of {} rows and {} columns with enough rows",
                                            design.size(), rows, columns)};
  std::vector<double> a(columns * columns, 0.0), b(columns, 0.0);
  for (size_t r = 0; r < rows; ++r) {
    const double* row = design.data() + r * columns;
    for (size_t i = 0; i < columns; ++i) {
      b[i] += row[i] * target[r];
      for (size_t j = 0; j <= i; ++j) a[i * columns + j] += row[i] * row[j];
    }
  }
  double diagonal = 0;
  for (size_t i = 0; i < columns; ++i) diagonal += a[i * columns + i];
  for (size_t i = 0; i < columns; ++i) a[i * columns + i] += kRidge * diagonal / static_cast<double>(columns);
  if (!std::isfinite(diagonal) || !factor(a, columns))
    return Error{Code::invalid, "the design holds values that are not finite, or none but zeros"};
  solve(a, b, columns);
  return b;
}

}  // namespace millrace::stats
