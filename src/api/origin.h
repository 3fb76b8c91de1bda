// What a browser says of where a request comes from, so that no page of another site acts in the name of whoever looks
// at it: not through a session's cookie, and not through this machine's address, which needs no token. Pure.
#pragma once
#include <string>
#include <string_view>

#include "api/dispatch.h"
#include "api/http.h"

namespace millrace::api {

inline constexpr std::string_view kSessionCookie = "millrace_session";

bool is_safe_method(std::string_view method);  // changes nothing: GET, HEAD

// "localhost", a loopback address, or no name; each with or without a port. A name that resolves to this machine is not
// one of its own (DNS rebinding).
bool is_own_host(std::string_view host);

// Why a request that came over loopback is not this machine's user's: its Host, or a proxy that sent it on. "" when it
// is.
std::string why_stranger(const Request& request);

// `denied` for an unsafe method whose Origin is not the Host, or that Sec-Fetch-Site says comes from another site.
Result<void> check_origin(const Request& request);
// For a request that only its cookie vouches for: an unsafe method must say that a page of this server sent it.
// After check_origin().
Result<void> check_cookie_origin(const Request& request);

std::string_view session_cookie(const Request& request);  // its value, or ""

// The address that asks: the peer's, or what a proxy on this machine says of its client.
std::string client_address(const Request& request, const Peer& peer);

}  // namespace millrace::api
