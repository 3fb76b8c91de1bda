// Numbers and times as people read them. What is not known (NaN, null, absent) is kUnknown, never a zero.
// Spaces inside a number and before its unit do not break.
#pragma once
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/json.h"

namespace millrace::report {

inline constexpr std::string_view kUnknown = "\xE2\x80\x93";  // a dash

std::string count(double number);                // 12,345
std::string decimal(double number, int digits);  // 0.731; a true minus sign
std::string rounded(double number);              // four significant digits: 0.02, 49.2, 24
std::string percent(double share, int digits = 1);
std::string money(double amount, std::string_view currency);  // whole units from 100 on, two digits below
std::string span(double seconds);                             // 31 days, 4 h 20 min, 250 ms
std::string micros(double us);                                // 250 us, 4.1 ms
// "1 alert", "2 alerts"
std::string counted(int64_t number, std::string_view one, std::string_view many = "");

std::string date(Micros time);               // 1 Oct 2013
std::string month(Micros time);              // Oct 2013
std::string moment(Micros time);             // 1 Oct 2013 14:05 UTC
std::string month_of(std::string_view iso);  // "2013-10" or "2013-10-01T..." as "Oct 2013"; itself when it is none
// "Oct 2013" when [from, to) is a calendar month, "7 Oct 2013" when it is a day, else "7 Oct 2013 to 14 Oct 2013" (the
// last day named is inside).
std::string period(Micros from, Micros to);
std::string short_digest(std::string_view digest);  // the first 12 hexadecimal digits

// "0.731 (0.720 to 0.742)", of {value, low, high}; the value alone without bounds.
std::string with_interval(const Json& estimate, int digits);

// Reading documents.
double number_in(const Json& object, std::string_view key);       // NaN when it is none
Micros time_in(const Json& object, std::string_view key);         // 0 when it is none
const Json& list_in(const Json& object, std::string_view key);    // an empty list when it is none
const Json& object_in(const Json& object, std::string_view key);  // an empty object when it is none

}  // namespace millrace::report
