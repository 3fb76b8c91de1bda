#include "exchange/passwords.h"

#include <algorithm>

#include "core/limits/exchange_limits.h"

namespace millrace::exchange {

void Passwords::keep(const std::string& ticket, std::string password) {
  const std::lock_guard lock(mutex_);
  kept_.emplace_back(ticket, std::move(password));
  if (kept_.size() > limits::exchange_passwords) kept_.pop_front();
}

Result<std::string> Passwords::take(const std::string& ticket) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const auto& each) { return each.first == ticket; });
  if (found == kept_.end())
    return Error{Code::denied, "the password of the source is not kept beyond the process that was given it"}.hint(
        "run the command again, or put the password into ~/.pgpass of the server's user");
  auto password = std::move(found->second);
  kept_.erase(found);
  return password;
}

}  // namespace millrace::exchange
