#include "data/samples/sentence.h"

#include <cmath>

#include <fmt/format.h>

namespace millrace::data {

std::string number_text(double value) {
  const double size = std::abs(value);
  if (value == std::floor(value) && size < 1e7) return fmt::format("{:.0f}", value);
  return fmt::format("{:.{}g}", value, size >= 1000 ? 5 : 3);
}

std::string percent_text(double share) {
  const double percent = share * 100;
  return fmt::format("{:.{}f} %", percent, percent != 0 && std::abs(percent) < 9.95 ? 1 : 0);
}

}  // namespace millrace::data
