// Addresses that carry their own permission: AWS Signature Version 4 in the query ("Authenticating Requests: Using
// Query Parameters", Amazon S3 API reference).
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "core/clock.h"

namespace millrace::track {

struct S3Key {
  std::string id, secret, session;  // session: "" = a lasting key
};

struct SignedAddress {
  std::string method;              // GET, PUT
  std::string scheme, host, path;  // path: from "/", not encoded
  std::string region;
  std::vector<std::pair<std::string, std::string>> query;  // of one's own; signed too
  Micros now = 0;
  int64_t seconds = 0;
};
std::string sign(const SignedAddress& address, const S3Key& key);

}  // namespace millrace::track
