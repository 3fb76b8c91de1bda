// What every service needs of the outside world. Lives as long as the process; all parts are thread-safe.
#pragma once
#include "core/clock.h"
#include "core/ids.h"
#include "core/log.h"

namespace millrace {

struct Context {
  Clock& clock;
  Random& random;
  Log& log;

  Micros now() const { return clock.now(); }
  std::string uuid() const { return make_uuid(clock, random); }
};

}  // namespace millrace
