// Webhooks: who is told of which changes, over HTTP. What they are told comes from the journal (webhooks/delivery.h).
// Thread-safe. Times are milliseconds. Every change is one line of the journal; secrets are sealed and never shown.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "lineage/journal.h"
#include "store/database.h"
#include "track/entities.h"
#include "webhooks/post.h"
#include "webhooks/seal.h"
#include "webhooks/target.h"

namespace millrace::webhooks {

namespace bounds {
inline constexpr size_t name = 63, description = 1'000, secret = 1'000, webhooks = 1'000, page = 1'000;
inline constexpr int attempts = 4;  // one, and three more
inline constexpr Micros timeout = 30'000'000, lease = 120'000'000, longest_pause = 60'000'000;
// So long a delivery waits for the server that can open its secret; then any server says that it cannot be sent.
inline constexpr Micros own_server = 3'600'000'000;
inline constexpr int64_t lines_at_once = 500;
}  // namespace bounds

struct Webhook {
  std::string id, name, url, description;
  std::string status;               // ACTIVE, DISABLED
  std::vector<std::string> events;  // "registered_model.created"
  int64_t create_time = 0, update_time = 0;
};

struct NewWebhook {
  std::string name, url, description, status, secret;  // status "" = ACTIVE, secret "" = none
  std::vector<std::string> events;
};
struct WebhookUpdate {
  std::optional<std::string> name, url, description, status, secret;
  std::vector<std::string> events;  // none: as they are
};

struct Tried {
  bool success = false;
  int status = 0;  // 0 = no answer
  std::string body, error;
};

class Webhooks {
 public:
  Webhooks(store::Database& database, lineage::Journal& journal, Context& context, Seal seal, AllowedHosts allowed)
      : database_(database),
        journal_(journal),
        context_(context),
        seal_(std::move(seal)),
        allowed_(std::move(allowed)) {}

  // From now on: what happened before is not told.
  Result<Webhook> create(const Caller& caller, const NewWebhook& wanted);
  Result<Webhook> get(const Caller& caller, const std::string& id) const;
  Result<track::Page<Webhook>> list(const Caller& caller, int64_t max_results, const std::string& page_token) const;
  Result<Webhook> update(const Caller& caller, const std::string& id, const WebhookUpdate& update);
  Result<void> remove(const Caller& caller, const std::string& id);  // what still waits for it too

  // Sends an example of `event` ("": its first) once, now.
  Result<Tried> test(const Caller& caller, const std::string& id, const std::string& event);
  // Sends `body` once, signed with the webhook's secret. not_found when the webhook is gone.
  Result<Posted> send(const std::string& workspace, const std::string& id, const std::string& delivery,
                      const std::string& body);
  // How secrets begin that send() can open here.
  const std::string& secret_prefix() const { return seal_.prefix(); }

 private:
  Result<void> check_url(const std::string& url) const;
  int64_t now_ms() const { return context_.now() / 1000; }

  store::Database& database_;
  lineage::Journal& journal_;
  Context& context_;
  Seal seal_;
  AllowedHosts allowed_;
};

// "v1,BASE64" over "DELIVERY.TIMESTAMP.BODY".
std::string signature_of(const std::string& secret, const std::string& delivery, const std::string& timestamp,
                         const std::string& body);
// The body of what is told: {"entity", "action", "timestamp", "data"}.
std::string body_of(const std::string& event, Micros at, const Json& data);

}  // namespace millrace::webhooks
