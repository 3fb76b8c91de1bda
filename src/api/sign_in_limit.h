// Slows down whoever tries tokens: after a few wrong ones an address waits, each time twice as long.
#pragma once
#include <map>
#include <mutex>
#include <string>

#include "core/clock.h"

namespace millrace::api {

// Thread-safe. Addresses of IPv6 count by their first 64 bits. Holds limits::sign_in_addresses; when it is full the one
// that was wrong longest ago is forgotten.
class SignInLimit {
 public:
  explicit SignInLimit(const Clock& clock) : clock_(clock) {}
  Micros wait_of(const std::string& address) const;  // 0: may try now
  void failed(const std::string& address);
  void succeeded(const std::string& address);

 private:
  struct Tries {
    size_t wrong = 0;
    Micros last = 0, until = 0;
  };
  void make_room();

  const Clock& clock_;
  mutable std::mutex mutex_;  // guards the next field
  std::map<std::string, Tries> tries_;
};

}  // namespace millrace::api
