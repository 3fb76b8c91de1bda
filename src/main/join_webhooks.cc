#include "main/join_webhooks.h"

#include <cstdlib>

namespace millrace {
namespace {

Json tags_of(const std::vector<track::KeyValue>& tags) {
  Json out = Json::object();
  for (const auto& tag : tags) out[tag.key] = tag.value;
  return out;
}

Json describe(const registry::Registry& registry, const std::string& workspace, const std::string& model,
              int64_t version) {
  if (version == 0) {
    const auto found = registry.show_model(workspace, nullptr, model);
    if (!found) return Json();
    const auto& it = found->model;
    return {{"name", it.name}, {"description", it.description}, {"tags", tags_of(it.tags)}};
  }
  const auto found = registry.show_version(workspace, nullptr, model, version);
  if (!found) return Json();
  const auto& it = found->entry;
  return {{"name", it.model},
          {"description", it.description},
          {"source", it.source},
          {"run_id", it.run_id},
          {"tags", tags_of(it.tags)}};
}

}  // namespace

Result<std::unique_ptr<WebhookServices>> join_webhooks(store::Database& database, lineage::Journal& journal,
                                                       Context& context, registry::Registry& registry,
                                                       const std::string& state) {
  MILLRACE_TRY(auto seal, webhooks::Seal::load(state + "/webhooks.key", context.random));
  const char* hosts = std::getenv("MILLRACE_WEBHOOK_HOSTS");
  auto out = std::make_unique<WebhookServices>();
  out->webhooks = std::make_unique<webhooks::Webhooks>(database, journal, context, std::move(seal),
                                                       webhooks::read_hosts(hosts != nullptr ? hosts : ""));
  out->delivery = std::make_unique<webhooks::Delivery>(
      database, journal, context, *out->webhooks,
      [&registry](const std::string& workspace, const std::string& model, int64_t version) {
        return describe(registry, workspace, model, version);
      });
  return out;
}

}  // namespace millrace
