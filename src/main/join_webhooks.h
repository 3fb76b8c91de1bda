// Webhooks over the registry: what they are told of a model is what it is now.
#pragma once
#include <memory>
#include <string>

#include "registry/registry.h"
#include "webhooks/delivery.h"

namespace millrace {

struct WebhookServices {
  std::unique_ptr<webhooks::Webhooks> webhooks;
  std::unique_ptr<webhooks::Delivery> delivery;  // not started
};

// Secrets are sealed under STATE/webhooks.key. MILLRACE_WEBHOOK_HOSTS names hosts, joined by commas, that may have
// private addresses and need no TLS.
Result<std::unique_ptr<WebhookServices>> join_webhooks(store::Database& database, lineage::Journal& journal,
                                                       Context& context, registry::Registry& registry,
                                                       const std::string& state);

}  // namespace millrace
