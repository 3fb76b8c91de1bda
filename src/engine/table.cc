#include "engine/table.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "core/hash.h"

namespace millrace::engine {
namespace {

constexpr int64_t kDay = 86'400'000'000;

bool same_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::string date_text(int64_t days) {
  // Far dates overflow microseconds; the number of days is still an honest text.
  constexpr int64_t kFar = 90'000'000;
  return days > -kFar && days < kFar ? to_iso(days * kDay).substr(0, 10) : fmt::format("{} days", days);
}

std::string time_text(int64_t micros) {
  const int64_t seconds = micros / 1'000'000;
  return fmt::format("{:02}:{:02}:{:02}.{:06}", seconds / 3600, seconds / 60 % 60, seconds % 60, micros % 1'000'000);
}

std::string whole_text(const std::string& type, int64_t value) {
  if (type == "boolean") return value != 0 ? "true" : "false";
  if (type == "timestamp") return to_iso(value);
  if (type == "date") return date_text(value);
  if (type == "time") return time_text(value);
  return fmt::format("{}", value);
}

int64_t cut(double value) {
  constexpr double kEdge = 9223372036854775808.0;
  return value >= -kEdge && value < kEdge ? static_cast<int64_t>(value) : 0;
}

}  // namespace

std::optional<size_t> Table::find(std::string_view name) const {
  for (size_t i = 0; i < columns_.size(); ++i)
    if (same_ignoring_case(columns_[i].name, name)) return i;
  return std::nullopt;
}

int64_t Table::integer(size_t row, size_t column) const {
  if (is_null(row, column)) return 0;
  const Values& values = columns_[column].values;
  if (const auto* whole = std::get_if<0>(&values)) return (*whole)[row];
  if (const auto* real = std::get_if<1>(&values)) return cut((*real)[row]);
  return 0;
}

double Table::real(size_t row, size_t column) const {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (is_null(row, column)) return kNone;
  const Values& values = columns_[column].values;
  if (const auto* whole = std::get_if<0>(&values)) return static_cast<double>((*whole)[row]);
  if (const auto* real = std::get_if<1>(&values)) return (*real)[row];
  return kNone;
}

std::string Table::text(size_t row, size_t column) const {
  if (is_null(row, column)) return "";
  const Column& from = columns_[column];
  if (const auto* whole = std::get_if<0>(&from.values)) return whole_text(from.type, (*whole)[row]);
  if (const auto* real = std::get_if<1>(&from.values)) return fmt::format("{}", (*real)[row]);
  const std::string& text = std::get<2>(from.values)[row];
  return from.type == "bytes" ? to_hex(text.data(), text.size()) : text;
}

Json Table::json(size_t row, size_t column) const {
  if (is_null(row, column)) return nullptr;
  const std::string& type = columns_[column].type;
  if (type == "boolean") return integer(row, column) != 0;
  if (type == "integer") return integer(row, column);
  if (type == "number") {
    const double value = real(row, column);
    return std::isfinite(value) ? Json(value) : Json(nullptr);
  }
  if (type == "nested") return Json::parse(std::get<2>(columns_[column].values)[row], nullptr, false);
  return text(row, column);
}

}  // namespace millrace::engine
