#include "webhooks/target.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace millrace::webhooks {
namespace {

constexpr size_t kUrl = 2'000;

Error bad_url(std::string_view url, std::string_view why) {
  return Error{Code::invalid, fmt::format("Invalid webhook URL '{}': {}", url.substr(0, 250), why)};
}

struct Network {
  uint32_t first;
  int bits;
};
// What is not globally reachable: https://www.iana.org/assignments/iana-ipv4-special-registry
constexpr Network kNotPublic[] = {{0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},
                                  {0xa9fe0000, 16}, {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24},
                                  {0xc0586300, 24}, {0xc0a80000, 16}, {0xc6120000, 15}, {0xc6336400, 24},
                                  {0xcb007100, 24}, {0xe0000000, 4},  {0xf0000000, 4}};

bool is_public_v4(uint32_t address) {
  return std::none_of(std::begin(kNotPublic), std::end(kNotPublic), [&](const Network& network) {
    return (address >> (32 - network.bits)) == (network.first >> (32 - network.bits));
  });
}

// Only global unicast, and of that nothing that wraps another address or leads into documentation and tunnels.
bool is_public_v6(const unsigned char* b) {
  if ((b[0] & 0xe0) != 0x20) return false;                     // 2000::/3
  if (b[0] == 0x20 && b[1] == 0x01 && b[2] < 2) return false;  // 2001::/23
  if (b[0] == 0x20 && b[1] == 0x01 && b[2] == 0x0d && b[3] == 0xb8) return false;
  if (b[0] == 0x20 && b[1] == 0x02) return false;  // 6to4
  return !(b[0] == 0x3f && b[1] == 0xff && b[2] < 0x10);
}

bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
           c == '_';
  });
}

bool is_v6(std::string_view host) {
  in6_addr ignored{};
  return ::inet_pton(AF_INET6, std::string(host).c_str(), &ignored) == 1;
}

}  // namespace

AllowedHosts read_hosts(std::string_view list) {
  AllowedHosts out;
  for (size_t from = 0; from <= list.size();) {
    const auto to = std::min(list.find(',', from), list.size());
    if (to > from) out.emplace(list.substr(from, to - from));
    from = to + 1;
  }
  return out;
}

Result<Target> parse_target(std::string_view url, const AllowedHosts& allowed) {
  if (url.empty() || url.size() > kUrl) return bad_url(url, fmt::format("it has 1 to {} bytes", kUrl));
  if (std::any_of(url.begin(), url.end(), [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c >= 0x7f; }) ||
      std::any_of(url.begin(), url.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
    return bad_url(url, "it holds a space or a character that must be escaped");
  Target out;
  const auto scheme = url.substr(0, std::min(url.find("://"), url.size()));
  if (scheme != "https" && scheme != "http")
    return Error{Code::invalid,
                 fmt::format("Invalid webhook URL scheme: '{}'. Allowed schemes are: https.", scheme.substr(0, 80))};
  out.tls = scheme == "https";
  auto rest = url.substr(scheme.size() + 3);
  const auto end = std::min(rest.find_first_of("/?#"), rest.size());
  auto authority = rest.substr(0, end);
  if (authority.find('@') != std::string_view::npos) return bad_url(url, "it may not hold a user");
  if (rest.find('#') != std::string_view::npos) return bad_url(url, "it may not hold a '#'");
  out.path =
      end < rest.size() && rest[end] == '/' ? std::string(rest.substr(end)) : "/" + std::string(rest.substr(end));
  out.authority = std::string(authority);
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return bad_url(url, "its host has no ']'");
    out.host = std::string(authority.substr(1, close - 1));
    authority.remove_prefix(close + 1);
    if (!is_v6(out.host)) return bad_url(url, "its host is no IPv6 number");
  } else {
    const auto colon = std::min(authority.find(':'), authority.size());
    out.host = std::string(authority.substr(0, colon));
    authority.remove_prefix(colon);
    if (!is_host(out.host)) return bad_url(url, "Webhook URL must include a hostname");
  }
  out.port = authority.empty() ? (out.tls ? "443" : "80") : std::string(authority.substr(1));
  const bool digits = !out.port.empty() && out.port.size() <= 5 &&
                      out.port.find_first_not_of("0123456789") == std::string::npos && std::stoi(out.port) <= 65535;
  if ((!authority.empty() && authority[0] != ':') || !digits || out.port == "0")
    return bad_url(url, "its port is wrong");
  if (!out.tls && !allowed.contains(out.host))
    return Error{Code::invalid, "Invalid webhook URL scheme: 'http'. Allowed schemes are: https."};
  return out;
}

bool is_public(const Address& address) {
  if (address.bytes.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address.bytes, sizeof in);
    return is_public_v4(ntohl(in.sin_addr.s_addr));
  }
  if (address.bytes.ss_family != AF_INET6) return false;
  sockaddr_in6 in{};
  std::memcpy(&in, &address.bytes, sizeof in);
  return is_public_v6(in.sin6_addr.s6_addr);
}

Result<std::vector<Address>> resolve(const Target& target, const AllowedHosts& allowed) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int problem = ::getaddrinfo(target.host.c_str(), target.port.c_str(), &hints, &found); problem != 0)
    return Error{Code::unavailable,
                 fmt::format("Webhook URL: the host '{}' does not resolve: {}", target.host, ::gai_strerror(problem))};
  std::vector<Address> out;
  for (const auto* each = found; each != nullptr; each = each->ai_next) {
    Address address;
    if (each->ai_addrlen > sizeof address.bytes) continue;
    std::memcpy(&address.bytes, each->ai_addr, each->ai_addrlen);
    address.size = each->ai_addrlen;
    out.push_back(address);
  }
  ::freeaddrinfo(found);
  if (out.empty()) return Error{Code::unavailable, fmt::format("the host '{}' has no address", target.host)};
  if (!allowed.contains(target.host) && !std::all_of(out.begin(), out.end(), is_public))
    return Error{Code::invalid,
                 fmt::format("Webhook URL must not resolve to a non-public IP address: '{}'", target.host)}
        .hint("the operator may name hosts that are to be reached nevertheless: MILLRACE_WEBHOOK_HOSTS");
  return out;
}

}  // namespace millrace::webhooks
