// Tokens of a server without a store: one a line of a file, as a secret is mounted into a container.
//   # comments and empty lines are passed over
//   SUBJECT ROLE[,ROLE...] TOKEN | sha256:DIGEST-OF-THE-TOKEN
// Roles are reader, writer, approver, admin. Where there are tokens everybody needs one, this machine too: beside a
// container's proxy every caller comes from there.
#pragma once
#include <map>
#include <string>

#include "api/dispatch.h"

namespace millrace::limits {

inline constexpr size_t token_file_bytes = 1 << 20;
inline constexpr size_t token_file_lines = 1'000;
inline constexpr size_t token_bytes = 20;  // of a token written out, at least

}  // namespace millrace::limits

namespace millrace::api {

// Immutable, thread-safe.
class TokenFile final : public Authenticator {
 public:
  // Errors name the line, never the token.
  static Result<TokenFile> load(const std::string& path);
  static Result<TokenFile> parse(std::string_view text, const std::string& path);

  Result<Caller> of_token(const std::string& workspace, std::string_view token) const override;
  bool trusts_this_machine() const override { return false; }

 private:
  std::map<std::string, Caller> by_digest_;
};

}  // namespace millrace::api
