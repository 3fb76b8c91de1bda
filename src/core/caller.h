// Who asks. Every service call takes one; every row and audit line names it.
#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

struct Caller {
  std::string workspace = "default";
  std::string subject;             // "local:<operating system user>" or a token's subject
  std::vector<std::string> roles;  // reader, writer, approver, admin
  std::string via;                 // cli, mlflow, native, oip, job
  std::string request_id;
  std::string idempotency_key;  // "" = none; the journal lets one request with it change something
  std::string request_digest;   // of the request that carries the key

  // Loopback without a token: may do everything on its own machine, but is never a second approver.
  bool is_local() const { return subject.starts_with("local:"); }
  bool has_role(std::string_view role) const {
    return std::any_of(roles.begin(), roles.end(), [&](const auto& r) { return r == role || r == "admin"; });
  }
};

}  // namespace millrace
