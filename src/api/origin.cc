#include "api/origin.h"

#include <boost/asio/ip/address.hpp>

#include <fmt/format.h>

namespace millrace::api {
namespace {

constexpr size_t kShown = 80;

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

bool is_origin_of(std::string_view origin, std::string_view host) {
  for (const std::string_view scheme : {"http://", "https://"})
    if (origin.starts_with(scheme)) return same_name(origin.substr(scheme.size()), host);
  return false;
}

}  // namespace

bool is_safe_method(std::string_view method) { return method == "GET" || method == "HEAD"; }

bool is_own_host(std::string_view host) {
  const auto colon = host.rfind(':');
  const auto name = host.ends_with(']') || colon == std::string_view::npos ? host : host.substr(0, colon);
  if (name.empty() || same_name(name, "localhost") || name == "[::1]" || name == "127.0.0.1") return true;
  boost::system::error_code error;  // a number, not a name like 127.0.0.1.example.org
  const auto address = boost::asio::ip::make_address_v4(std::string(name), error);
  return !error && address.is_loopback();
}

std::string why_stranger(const Request& request) {
  const auto host = request.header("host");
  if (!is_own_host(host))
    return fmt::format("the Host '{}' is no name of this machine, and only localhost needs no token",
                       host.substr(0, kShown));
  for (const std::string_view header : {"x-forwarded-for", "forwarded"})
    if (!request.header(header).empty())
      return "this came through a proxy, and only this machine itself needs no token";
  return "";
}

Result<void> check_origin(const Request& request) {
  if (is_safe_method(request.method)) return {};
  const auto origin = request.header("origin");
  const auto host = request.header("host");
  if (!origin.empty() && !is_origin_of(origin, host))
    return Error{Code::denied,
                 fmt::format("requests from other sites' pages are refused: the Origin is '{}', this is '{}'",
                             origin.substr(0, kShown), host.substr(0, kShown))}
        .at_field("Origin")
        .hint("call from a page of this server; a proxy in between must pass the Host header on unchanged");
  const auto site = request.header("sec-fetch-site");
  if (site == "cross-site" || site == "same-site")
    return Error{Code::denied,
                 fmt::format("requests from other sites' pages are refused: Sec-Fetch-Site is '{}'", site)}
        .at_field("Sec-Fetch-Site")
        .hint("call from a page of this server");
  return {};
}

Result<void> check_cookie_origin(const Request& request) {
  if (is_safe_method(request.method) || !request.header("origin").empty() ||
      request.header("sec-fetch-site") == "same-origin")
    return {};
  return Error{Code::denied, fmt::format("a {} with a session's cookie must say which page sent it", request.method)}
      .at_field("Origin")
      .hint("programs send Authorization: Bearer TOKEN and no cookie");
}

std::string_view session_cookie(const Request& request) {
  for (const auto& [name, value] : request.headers) {
    if (name != "cookie") continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(';'), rest.size());
      const auto pair = trimmed(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (pair.starts_with(kSessionCookie) && pair.substr(kSessionCookie.size()).starts_with('='))
        return pair.substr(kSessionCookie.size() + 1);
    }
  }
  return {};
}

std::string client_address(const Request& request, const Peer& peer) {
  const auto list = request.header("x-forwarded-for");
  if (list.empty()) return peer.address;
  boost::system::error_code error;
  const auto loopback = boost::asio::ip::make_address(peer.address, error).is_loopback();
  if (error || !loopback) return peer.address;
  const auto comma = list.rfind(',');
  const std::string last(trimmed(comma == std::string_view::npos ? list : list.substr(comma + 1)));
  const auto client = boost::asio::ip::make_address(last, error);
  return error ? peer.address : client.to_string();
}

}  // namespace millrace::api
