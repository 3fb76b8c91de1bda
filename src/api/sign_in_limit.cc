#include "api/sign_in_limit.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

#include "core/limits/ui_limits.h"

namespace millrace::api {
namespace {

std::string who(const std::string& address) {
  boost::system::error_code error;
  const auto parsed = boost::asio::ip::make_address(address, error);
  if (error || !parsed.is_v6()) return address;
  auto bytes = parsed.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
  return boost::asio::ip::address_v6(bytes).to_string();
}

}  // namespace

Micros SignInLimit::wait_of(const std::string& address) const {
  const std::lock_guard lock(mutex_);
  const auto found = tries_.find(who(address));
  return found == tries_.end() ? 0 : std::max<Micros>(0, found->second.until - clock_.steady());
}

void SignInLimit::failed(const std::string& address) {
  const auto name = who(address);
  const Micros now = clock_.steady();
  const std::lock_guard lock(mutex_);
  if (tries_.count(name) == 0) make_room();
  auto& tries = tries_[name];
  if (now - tries.last > limits::sign_in_forgotten_us) tries.wrong = 0;
  tries.last = now;
  if (++tries.wrong < limits::sign_in_tries) return;
  const auto doublings = std::min<size_t>(tries.wrong - limits::sign_in_tries, 16);
  tries.until = now + std::min<Micros>(limits::sign_in_wait_us, Micros{1'000'000} << doublings);
}

void SignInLimit::succeeded(const std::string& address) {
  const std::lock_guard lock(mutex_);
  tries_.erase(who(address));
}

void SignInLimit::make_room() {
  if (tries_.size() < limits::sign_in_addresses) return;
  const Micros now = clock_.steady();
  std::erase_if(tries_, [&](const auto& each) { return now - each.second.last > limits::sign_in_forgotten_us; });
  if (tries_.size() < limits::sign_in_addresses) return;
  tries_.erase(std::min_element(tries_.begin(), tries_.end(),
                                [](const auto& a, const auto& b) { return a.second.last < b.second.last; }));
}

}  // namespace millrace::api
