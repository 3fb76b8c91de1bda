#include "report/words.h"

#include <chrono>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace millrace::report {
namespace {

constexpr std::string_view kMinus = "\xE2\x88\x92";
constexpr std::string_view kSpace = "\xC2\xA0";  // does not break
constexpr Micros kDay = 86'400'000'000;
constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::chrono::year_month_day day_of(Micros time) {
  return std::chrono::floor<std::chrono::days>(
      std::chrono::sys_time<std::chrono::microseconds>(std::chrono::microseconds(time)));
}

// Digits with thousands apart, and a true minus sign.
std::string grouped(const std::string& plain) {
  const bool negative = plain.starts_with('-');
  const auto whole = plain.substr(negative ? 1 : 0, plain.find('.') - (negative ? 1 : 0));
  const auto rest = plain.find('.') == std::string::npos ? "" : plain.substr(plain.find('.'));
  std::string out(negative ? kMinus : "");
  for (size_t i = 0; i < whole.size(); ++i) {
    if (i > 0 && (whole.size() - i) % 3 == 0) out += ',';
    out += whole[i];
  }
  return out + rest;
}

std::string with_unit(double number, int digits, std::string_view unit) {
  return decimal(number, digits) + std::string(kSpace) + std::string(unit);
}

}  // namespace

std::string count(double number) { return decimal(number, 0); }

std::string decimal(double number, int digits) {
  if (!std::isfinite(number)) return std::string(kUnknown);
  auto plain = fmt::format("{:.{}f}", number, digits);
  if (plain.find_first_not_of("-0.") == std::string::npos && plain.starts_with('-')) plain.erase(0, 1);  // no "-0.0"
  return grouped(plain);
}

std::string rounded(double number) {
  if (!std::isfinite(number)) return std::string(kUnknown);
  const auto plain = fmt::format("{:.4g}", number);
  return plain.find('e') == std::string::npos ? grouped(plain) : plain;
}

std::string percent(double share, int digits) {
  if (!std::isfinite(share)) return std::string(kUnknown);
  if (const double least = std::pow(10, -digits); share > 0 && share * 100 < least / 2)
    return "< " + with_unit(least, digits, "%");
  return with_unit(share * 100, digits, "%");
}

std::string money(double amount, std::string_view currency) {
  if (!std::isfinite(amount)) return std::string(kUnknown);
  return with_unit(amount, std::fabs(amount) >= 100 || amount == 0 ? 0 : std::fabs(amount) < 0.01 ? 6 : 2, currency);
}

std::string span(double seconds) {
  if (!std::isfinite(seconds)) return std::string(kUnknown);
  if (seconds < 0) return std::string(kMinus) + span(-seconds);
  if (seconds == 0) return with_unit(0, 0, "s");
  if (seconds < 1) return with_unit(seconds * 1000, 0, "ms");
  if (seconds < 120) return with_unit(seconds, seconds < 10 ? 1 : 0, "s");
  if (seconds < 7200) return with_unit(seconds / 60, 0, "min");
  if (seconds < 2 * 86'400) return with_unit(seconds / 3600, seconds < 36'000 ? 1 : 0, "h");
  return with_unit(seconds / 86'400, seconds < 10 * 86'400 ? 1 : 0, "days");
}

std::string micros(double us) {
  if (!std::isfinite(us)) return std::string(kUnknown);
  return us < 1000 ? with_unit(us, 0, "\xC2\xB5s") : with_unit(us / 1000, us < 100'000 ? 1 : 0, "ms");
}

std::string counted(int64_t number, std::string_view one, std::string_view many) {
  const auto word = number == 1 ? std::string(one) : many.empty() ? std::string(one) + "s" : std::string(many);
  return count(static_cast<double>(number)) + std::string(kSpace) + word;
}

std::string date(Micros time) {
  if (time == 0) return std::string(kUnknown);
  const auto day = day_of(time);
  return fmt::format("{}{}{}{}{}", static_cast<unsigned>(day.day()), kSpace,
                     kMonths[static_cast<unsigned>(day.month()) - 1], kSpace, static_cast<int>(day.year()));
}

std::string month(Micros time) {
  if (time == 0) return std::string(kUnknown);
  const auto day = day_of(time);
  return fmt::format("{}{}{}", kMonths[static_cast<unsigned>(day.month()) - 1], kSpace, static_cast<int>(day.year()));
}

std::string moment(Micros time) {
  if (time == 0) return std::string(kUnknown);
  return date(time) + " " + to_iso(time).substr(11, 5) + std::string(kSpace) + "UTC";
}

std::string month_of(std::string_view iso) {
  const auto parsed = parse_time(std::string(iso.substr(0, 7)) + "-01");
  return iso.size() >= 7 && parsed ? month(*parsed) : std::string(iso);
}

std::string period(Micros from, Micros to) {
  if (from == 0 && to == 0) return std::string(kUnknown);
  const auto begin = day_of(from), end = day_of(to);
  const auto next = begin.year() / begin.month() / std::chrono::day(1) + std::chrono::months(1);
  if (from % kDay == 0 && to % kDay == 0 && begin.day() == std::chrono::day(1) && end == next) return month(from);
  if (to - from == kDay) return date(from);
  return date(from) + " to " + date(to - (to > from ? 1 : 0));
}

std::string short_digest(std::string_view digest) {
  const auto colon = digest.find(':');
  return std::string(digest.substr(colon == std::string_view::npos ? 0 : colon + 1).substr(0, 12));
}

std::string with_interval(const Json& estimate, int digits) {
  const double value = number_in(estimate, "value"), low = number_in(estimate, "low"),
               high = number_in(estimate, "high");
  auto out = decimal(value, digits);
  if (std::isfinite(value) && std::isfinite(low) && std::isfinite(high))
    out += " (" + decimal(low, digits) + " to " + decimal(high, digits) + ")";
  return out;
}

double number_in(const Json& object, std::string_view key) {
  return number_or(object, key, std::numeric_limits<double>::quiet_NaN());
}

Micros time_in(const Json& object, std::string_view key) {
  const auto written = string_or(object, key, "");
  if (written.empty()) return 0;
  const auto parsed = parse_time(written);
  return parsed ? *parsed : 0;
}

const Json& list_in(const Json& object, std::string_view key) {
  static const Json kNone = Json::array();
  const auto* found = find(object, key);
  return found != nullptr && found->is_array() ? *found : kNone;
}

const Json& object_in(const Json& object, std::string_view key) {
  static const Json kNone = Json::object();
  const auto* found = find(object, key);
  return found != nullptr && found->is_object() ? *found : kNone;
}

}  // namespace millrace::report
