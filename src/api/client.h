// A small blocking HTTP client for our own use: the command line speaks to a state folder's owner, replay speaks to a
// server.
#pragma once
#include <memory>
#include <string>

#include "api/http.h"

namespace millrace::api {

struct Answer {
  int status = 0;
  Pairs headers;
  std::string body;
};

// One connection, kept alive. Not thread-safe. Errors: unavailable (nobody listens), timeout, corrupt (not HTTP).
class Client {
 public:
  static Result<std::unique_ptr<Client>> connect_unix(const std::string& path);
  static Result<std::unique_ptr<Client>> connect_tcp(const std::string& host_port);
  virtual ~Client() = default;
  virtual Result<Answer> send(const std::string& method, const std::string& target, const std::string& body,
                              const Pairs& headers = {}) = 0;
};

std::string encode_path(std::string_view part);  // everything but unreserved characters and '/', as %XX

}  // namespace millrace::api
