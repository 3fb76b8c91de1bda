// Who signed in with a browser: a token given once becomes a cookie that scripts cannot read. A session has its token's
// subject and roles, and ends with it; of the cookie's 256 bits only the SHA-256 is kept.
#pragma once
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "api/dispatch.h"
#include "api/tokens.h"
#include "core/context.h"
#include "lineage/journal.h"
#include "store/database.h"

namespace millrace::api {

struct BrowserSession {
  std::string id, subject;
  std::string address, agent;  // where from
  Micros created_at = 0, seen_at = 0, expires_at = 0;
  std::string secret = {};  // only in the answer of open()
};

struct SessionFilter {
  std::string subject;  // "" = all
  Micros before = 0;    // made before, 0 = from the newest on
  std::string before_id;
  int64_t limit = 0;
};

struct SessionPage {
  std::vector<BrowserSession> items;  // newest first
  int64_t total = 0;
};

// Thread-safe.
class Sessions final : public Authenticator {
 public:
  Sessions(store::Database& database, lineage::Journal& journal, Context& context, const Tokens& tokens)
      : database_(database), journal_(journal), context_(context), tokens_(tokens) {}

  // `caller` gives workspace, via and request id; its subject and roles become the token's. `unauthenticated` when the
  // token is no good.
  Result<BrowserSession> open(Caller& caller, std::string_view token, const std::string& address,
                              std::string_view agent);
  Result<BrowserSession> get(const std::string& workspace, const std::string& id) const;  // a live one
  Result<SessionPage> list(const std::string& workspace, const SessionFilter& filter) const;
  // Only one of this subject, or anybody's for "". `not_found` when there is none alive.
  Result<void> end(const Caller& caller, const std::string& id, const std::string& subject);

  Result<Caller> of_token(const std::string& workspace, std::string_view token) const override;
  Result<SignedIn> of_session(const std::string& workspace, std::string_view cookie) const override;
  // Writes down when sessions were last used, and removes those that ended long ago. Called every few seconds.
  Result<void> keep();

 private:
  struct Use {
    Micros seen_at = 0;  // as it was written down
    Micros used_at = 0;
  };
  Micros last_use(const std::string& id, Micros seen_at) const;

  store::Database& database_;
  lineage::Journal& journal_;
  Context& context_;
  const Tokens& tokens_;
  mutable std::mutex mutex_;                 // guards the next field
  mutable std::map<std::string, Use> used_;  // by workspace + "/" + id; not yet written down
};

}  // namespace millrace::api
