// Access tokens: 256 bits, shown once, of which only the SHA-256 is kept.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "api/dispatch.h"
#include "core/caller.h"
#include "core/context.h"
#include "lineage/journal.h"
#include "store/database.h"

namespace millrace::api {

struct Token {
  std::string id, subject;
  std::vector<std::string> roles;
  Micros created_at = 0, expires_at = 0, revoked_at = 0;  // 0 = never
  std::string secret;                                     // only in the answer of create()
};

// Thread-safe.
class Tokens final : public Authenticator {
 public:
  Tokens(store::Database& database, lineage::Journal& journal, Context& context)
      : database_(database), journal_(journal), context_(context) {}

  // Roles: reader, writer, approver, admin. `expires_at` 0 = never.
  Result<Token> create(const Caller& caller, const std::string& subject, const std::vector<std::string>& roles,
                       Micros expires_at);
  Result<std::vector<Token>> list(const std::string& workspace) const;
  Result<void> revoke(const Caller& caller, const std::string& id);
  Result<bool> any() const;  // is there a usable token at all (a bind other than loopback needs one)
  Result<Token> live(const std::string& workspace, std::string_view secret) const;  // or `unauthenticated`
  Result<Caller> of_token(const std::string& workspace, std::string_view token) const override;
  static std::vector<std::string> roles_of(const std::string& text);  // as the table keeps them

 private:
  store::Database& database_;
  lineage::Journal& journal_;
  Context& context_;
};

}  // namespace millrace::api
