// Passwords of sources, between the request that brought one and the job that needs it. In memory only: jobs, the
// journal and logs know a ticket. Thread-safe.
#pragma once
#include <deque>
#include <mutex>
#include <string>
#include <utility>

#include "core/result.h"

namespace millrace::exchange {

class Passwords {
 public:
  // The oldest is forgotten beyond limits::exchange_passwords.
  void keep(const std::string& ticket, std::string password);
  // Hands it over once; `denied` with the way out when it is not here (another process took it, or it was forgotten).
  Result<std::string> take(const std::string& ticket);

 private:
  std::mutex mutex_;  // guards kept_
  std::deque<std::pair<std::string, std::string>> kept_;
};

}  // namespace millrace::exchange
