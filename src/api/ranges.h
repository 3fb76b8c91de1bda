// What of a file a GET wants: its conditions and one range of bytes (RFC 9110, sections 13 and 14).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "api/http.h"

namespace millrace::api {

struct Wanted {
  int status = 200;  // 200: all of it; 206: `length` bytes from `offset`; 304: the client has it; 416: nothing is there
  int64_t offset = 0;
  int64_t length = 0;
};

// `etag` is the file's, strong and with its quotes. What cannot be read as one range of bytes is no range, and several
// ranges in one request are answered with the whole, as the standard allows.
Wanted wanted_bytes(const Request& request, int64_t size, std::string_view etag);

// The head of the answer: status, length and the headers that say which bytes these are. The body is the caller's.
Reply ranged_reply(const Wanted& wanted, int64_t size, const std::string& etag);

}  // namespace millrace::api
