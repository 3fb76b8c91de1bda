#include "exchange/one_by_one.h"

#include <fmt/format.h>

namespace millrace::exchange {

bool is_of_the_thing(const Error& error) {
  switch (error.code()) {
    case Code::invalid:
    case Code::rejected:
    case Code::not_found:
    case Code::denied:
    case Code::conflict:
    case Code::too_large:
    case Code::unsupported:
    case Code::corrupt: return true;
    default: return false;
  }
}

Result<void> OneByOne::take(const std::string& kind, const std::string& id, const std::function<Result<void>()>& work) {
  if (running_.cancelled()) return Error{Code::unavailable, "it was stopped"}.hint("run it again to go on");
  auto taken = work();
  if (taken) return taken;
  if (!is_of_the_thing(taken.error())) return taken;
  refuse(kind, id, taken.error());
  return {};
}

void OneByOne::refuse(const std::string& kind, const std::string& id, const Error& error) {
  report_.refuse(kind, id, error);
  running_.log(fmt::format("{} {}: {}", kind, id, error.text()));
}

}  // namespace millrace::exchange
