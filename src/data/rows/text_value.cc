#include "data/rows/text_value.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "data/typing.h"

namespace millrace::data {
namespace {

constexpr int64_t kSecond = 1'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i)
    if ((text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i]) != lower[i]) return false;
  return true;
}

// What is left of a text while it is read from its begin; a read that does not fit changes nothing that matters.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  bool done() const { return rest_.empty(); }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  // Exactly so many digits.
  bool number(size_t digits, int64_t& out) {
    if (rest_.size() < digits) return false;
    out = 0;
    for (size_t i = 0; i < digits; ++i) {
      if (!is_digit(rest_[i])) return false;
      out = 10 * out + (rest_[i] - '0');
    }
    rest_.remove_prefix(digits);
    return true;
  }
  // As many as there are: how many.
  size_t digits() {
    size_t count = 0;
    while (count < rest_.size() && is_digit(rest_[count])) ++count;
    rest_.remove_prefix(count);
    return count;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

struct Moment {
  int64_t year = 1900, month = 1, day = 1, hour = 0, minute = 0, second = 0, micros = 0;
  bool has_seconds = false;

  std::optional<int64_t> date() const {
    const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) return std::nullopt;
    return std::chrono::sys_days(date).time_since_epoch().count() * kDay;
  }
  int64_t time() const { return hour * kHour + minute * kMinute + second * kSecond + micros; }
};

bool read_date(Scanner& text, Moment& moment) {
  return text.number(4, moment.year) && text.take('-') && text.number(2, moment.month) && text.take('-') &&
         text.number(2, moment.day);
}

// 05:00, 05:00:00 and up to nine digits of seconds, of which six count. 24:00 is none.
bool read_time(Scanner& text, Moment& moment) {
  if (!text.number(2, moment.hour) || !text.take(':') || !text.number(2, moment.minute)) return false;
  if (moment.hour > 23 || moment.minute > 59) return false;
  if (!text.take(':')) return true;
  moment.has_seconds = true;
  if (!text.number(2, moment.second) || moment.second > 59) return false;
  if (!text.take('.')) return true;
  size_t digits = 0;
  for (int64_t one = 0; digits < 9 && text.number(1, one); ++digits)
    if (digits < 6) moment.micros = 10 * moment.micros + one;
  for (size_t i = digits; i < 6; ++i) moment.micros *= 10;
  return digits > 0;
}

// +05, +0530 or +05:30 up to 14:59, in minutes.
std::optional<int64_t> read_offset(Scanner& text) {
  const bool west = text.take('-');
  if (!west && !text.take('+')) return std::nullopt;
  int64_t hours = 0, minutes = 0;
  if (!text.number(2, hours) || hours > 14) return std::nullopt;
  if (!text.done()) {
    (void)text.take(':');
    if (!text.number(2, minutes) || minutes > 59) return std::nullopt;
  }
  return (west ? -1 : 1) * (60 * hours + minutes);
}

Cell date_of(std::string_view text) {
  Scanner rest(text);
  Moment moment;
  if (!read_date(rest, moment) || !rest.done()) return Cell::wrong();
  const auto date = moment.date();
  return date ? Cell::of(Cell::Kind::date, *date) : Cell::wrong();
}

Cell time_of(std::string_view text) {
  Scanner rest(text);
  Moment moment;
  return read_time(rest, moment) && rest.done() ? Cell::of(Cell::Kind::time, moment.time()) : Cell::wrong();
}

Cell timestamp_of(std::string_view text) {
  Scanner rest(text);
  Moment moment;
  if (!read_date(rest, moment)) return Cell::wrong();
  const auto date = moment.date();
  if (!date) return Cell::wrong();
  if (rest.done()) return Cell::of(Cell::Kind::timestamp, *date);
  if ((!rest.take('T') && !rest.take(' ')) || !read_time(rest, moment)) return Cell::wrong();
  const auto local = *date + moment.time();
  if (rest.done()) return Cell::of(Cell::Kind::timestamp, local);
  if (!moment.has_seconds) return Cell::wrong();  // DuckDB reads a zone behind seconds only
  if (rest.take('Z') && rest.done()) return Cell::of(Cell::Kind::timestamp, local);
  const auto offset = read_offset(rest);
  return offset && rest.done() ? Cell::of(Cell::Kind::timestamp, local - *offset * kMinute) : Cell::wrong();
}

// [+-]digits, and .000 behind, within 64 bits.
Cell integer_of(std::string_view text) {
  Scanner rest(text);
  const bool negative = rest.take('-');
  if (!negative) (void)rest.take('+');
  const auto from = rest.rest();
  const size_t digits = rest.digits();
  if (digits == 0 || digits > 19) return Cell::wrong();
  if (rest.take('.'))
    while (rest.take('0')) {}
  if (!rest.done()) return Cell::wrong();
  uint64_t value = 0;  // 19 digits fit
  for (const char c : from.substr(0, digits)) value = 10 * value + static_cast<uint64_t>(c - '0');
  const uint64_t most = static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) + (negative ? 1 : 0);
  if (value > most) return Cell::wrong();
  return Cell::of(static_cast<int64_t>(negative ? 0 - value : value));
}

// Decimal, with or without an exponent of up to three digits; nan, inf and infinity in any case.
Cell number_of(std::string_view text) {
  Scanner rest(text);
  const bool negative = rest.take('-');
  if (!negative) (void)rest.take('+');
  const auto from = rest.rest();
  for (const auto* name : {"inf", "infinity"})
    if (equals_ignoring_case(from, name)) return Cell::of(negative ? -HUGE_VAL : HUGE_VAL);
  if (equals_ignoring_case(from, "nan")) return Cell::of(std::numeric_limits<double>::quiet_NaN());
  size_t digits = rest.digits();
  if (rest.take('.')) digits += rest.digits();
  if (digits == 0) return Cell::wrong();
  if (rest.take('e') || rest.take('E')) {
    if (!rest.take('-')) (void)rest.take('+');
    const size_t exponent = rest.digits();
    if (exponent == 0 || exponent > 3) return Cell::wrong();
  }
  if (!rest.done()) return Cell::wrong();
  double value = 0;
  const auto error = std::from_chars(from.data(), from.data() + from.size(), value).ec;
  // Beyond all doubles it is an infinity, or nothing.
  if (error == std::errc::result_out_of_range) value = std::strtod(std::string(from).c_str(), nullptr);
  return Cell::of(negative ? -value : value);
}

Cell boolean_of(std::string_view text) {
  if (text == "1" || equals_ignoring_case(text, "true")) return Cell::of_boolean(true);
  if (text == "0" || equals_ignoring_case(text, "false")) return Cell::of_boolean(false);
  return Cell::wrong();
}

}  // namespace

Result<TextValue> TextValue::make(const Property& property) {
  TextValue out;
  out.type_ = property.type;
  const bool temporal = property.type == LogicalType::date || property.type == LogicalType::timestamp ||
                        property.type == LogicalType::time;
  if (temporal && !property.format.empty()) {
    MILLRACE_TRY(out.parts_, read_format(property));
  }
  return out;
}

Cell TextValue::read(std::string_view text) const {
  if (!parts_.empty()) return read_parts(text);
  switch (type_) {
    case LogicalType::integer: return integer_of(text);
    case LogicalType::number: return number_of(text);
    case LogicalType::boolean: return boolean_of(text);
    case LogicalType::date: return date_of(text);
    case LogicalType::timestamp: return timestamp_of(text);
    case LogicalType::time: return time_of(text);
    default: return Cell::of(text);
  }
}

Cell TextValue::read_parts(std::string_view text) const {
  static constexpr std::array<size_t, 8> kDigits{4, 2, 2, 2, 2, 2, 3, 6};
  Scanner rest(text);
  std::array<int64_t, 8> found{1900, 1, 1, 0, 0, 0, 0, 0};
  for (const auto& part : parts_) {
    const auto field = static_cast<size_t>(part.field);
    if (part.field == engine::TimePart::Field::text ? !rest.take(part.text)
                                                    : !rest.number(kDigits.at(field), found.at(field)))
      return Cell::wrong();
  }
  const auto [year, month, day, hour, minute, second, millis, micros] = found;
  const Moment moment{year, month, day, hour, minute, second, 1000 * millis + micros, true};
  const auto date = moment.date();
  if (!rest.done() || !date || hour > 23 || minute > 59 || second > 59) return Cell::wrong();
  if (type_ == LogicalType::date) return Cell::of(Cell::Kind::date, *date);
  return type_ == LogicalType::time ? Cell::of(Cell::Kind::time, moment.time())
                                    : Cell::of(Cell::Kind::timestamp, *date + moment.time());
}

}  // namespace millrace::data
