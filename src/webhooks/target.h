// Where a webhook may be sent: an https address whose every resolved number is public. The numbers that were checked
// are the ones that are connected to, so that a name cannot change its mind in between.
#pragma once
#include <sys/socket.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace millrace::webhooks {

struct Target {
  bool tls = true;
  std::string host;  // a name or a number, without brackets
  std::string port;
  std::string path;       // with the query, at least "/"
  std::string authority;  // as the Host header has it
};

// Hosts that may be private and need no TLS, as the operator named them: "127.0.0.1", "hooks.internal".
using AllowedHosts = std::set<std::string, std::less<>>;
AllowedHosts read_hosts(std::string_view list);  // joined by commas

Result<Target> parse_target(std::string_view url, const AllowedHosts& allowed);

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};
bool is_public(const Address& address);
// Asks the resolver; `invalid` when a number is not public, `unavailable` when there is none.
Result<std::vector<Address>> resolve(const Target& target, const AllowedHosts& allowed);

}  // namespace millrace::webhooks
