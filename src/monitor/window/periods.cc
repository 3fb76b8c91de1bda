#include "monitor/window/periods.h"

#include <chrono>

namespace millrace::monitor {
namespace {

using std::chrono::days;
using std::chrono::months;
using std::chrono::sys_days;
using std::chrono::year_month_day;

sys_days date_of(Micros time) {
  return std::chrono::floor<days>(std::chrono::sys_time<std::chrono::microseconds>(std::chrono::microseconds(time)));
}

Micros micros_of(sys_days date) {
  return std::chrono::duration_cast<std::chrono::microseconds>(date.time_since_epoch()).count();
}

}  // namespace

Micros day_of(Micros time) { return micros_of(date_of(time)); }

Micros period_start(Period period, Micros time) {
  const sys_days day = date_of(time);
  switch (period) {
    case Period::day: return micros_of(day);
    case Period::week: return micros_of(day - (std::chrono::weekday(day) - std::chrono::Monday));
    case Period::month: {
      const year_month_day date(day);
      return micros_of(sys_days(date.year() / date.month() / 1));
    }
  }
  return micros_of(day);
}

Micros period_end(Period period, Micros start) {
  switch (period) {
    case Period::day: return start + kDay;
    case Period::week: return start + 7 * kDay;
    case Period::month: return micros_of(sys_days(year_month_day(date_of(start)) + months(1)));
  }
  return start;
}

std::vector<Micros> looks_of(const MonitorSpec& spec, Micros start) {
  const Micros end = period_end(spec.window, start);
  std::vector<Micros> out;
  if (spec.every)
    for (Micros at = period_end(*spec.every, start); at < end; at = period_end(*spec.every, at)) out.push_back(at);
  out.push_back(end);
  return out;
}

}  // namespace millrace::monitor
