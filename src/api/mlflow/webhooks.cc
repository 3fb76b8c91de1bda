#include "webhooks/webhooks.h"

#include "api/mlflow/table.h"

namespace millrace::api::mlflow {
namespace {

const std::vector<std::string_view> kEntities{
    "REGISTERED_MODEL", "MODEL_VERSION", "MODEL_VERSION_TAG",  "MODEL_VERSION_ALIAS", "PROMPT",
    "PROMPT_VERSION",   "PROMPT_TAG",    "PROMPT_VERSION_TAG", "PROMPT_ALIAS",        "BUDGET_POLICY"};
const std::vector<std::string_view> kActions{"CREATED", "UPDATED", "DELETED", "SET", "EXCEEDED"};
const std::vector<std::string_view> kStatuses{"ACTIVE", "DISABLED"};

std::string cased(std::string_view text, bool upper) {
  std::string out(text);
  for (auto& c : out)
    if (upper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z') c = static_cast<char>(c ^ 0x20);
  return out;
}

std::string read_event(Body& in) {
  const auto entity = in.enumerated("entity", kEntities, 1), action = in.enumerated("action", kActions, 1);
  if (entity.empty() && !in.failed()) in.text("entity");
  if (action.empty() && !in.failed()) in.text("action");
  return cased(entity + "." + action, false);
}

std::vector<std::string> read_events(Body& in) {
  std::vector<std::string> out;
  for (auto& each : in.objects("events")) {
    out.push_back(read_event(each));
    in.check(each);
  }
  return out;
}

Json webhook_json(const webhooks::Webhook& it) {
  Json out{{"webhook_id", it.id},
           {"name", it.name},
           {"url", it.url},
           {"status", it.status},
           {"creation_timestamp", it.create_time},
           {"last_updated_timestamp", it.update_time}};
  if (!it.description.empty()) out["description"] = it.description;
  for (const auto& event : it.events) {
    const auto dot = event.find('.');
    out["events"].push_back(
        {{"entity", cased(event.substr(0, dot), true)}, {"action", cased(event.substr(dot + 1), true)}});
  }
  return out;
}
Json wrapped(const webhooks::Webhook& it) { return Json{{"webhook", webhook_json(it)}}; }

Reply create(Request& request, const Services& s) {
  auto in = Body::of(request);
  const webhooks::NewWebhook wanted{.name = in.text("name"),
                                    .url = in.text("url"),
                                    .description = in.text_or("description"),
                                    .status = in.enumerated("status", kStatuses, 1),
                                    .secret = in.text_or("secret"),
                                    .events = read_events(in)};
  if (wanted.events.empty() && !in.failed()) in.text("events");
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.webhooks->create(request.caller, wanted), wrapped);
}

Reply list(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto most = in.integer_or("max_results", 100);
  const auto token = in.text_or("page_token");
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.webhooks->list(request.caller, most, token), [](const auto& page) {
    Json out = Json::object();
    for (const auto& each : page.items) out["webhooks"].push_back(webhook_json(each));
    if (!page.next.empty()) out["next_page_token"] = page.next;
    return out;
  });
}

Reply get(Request& request, const Services& s) {
  return reply_of(s.webhooks->get(request.caller, request.arg("webhook_id")), wrapped);
}

Reply update(Request& request, const Services& s) {
  auto in = Body::of(request);
  const auto status = in.enumerated("status", kStatuses, 1);
  const webhooks::WebhookUpdate wanted{.name = in.optional_text("name"),
                                       .url = in.optional_text("url"),
                                       .description = in.optional_text("description"),
                                       .status = status.empty() ? std::optional<std::string>() : status,
                                       .secret = in.optional_text("secret"),
                                       .events = read_events(in)};
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.webhooks->update(request.caller, request.arg("webhook_id"), wanted), wrapped);
}

Reply remove(Request& request, const Services& s) {
  auto in = Body::of(request);
  return in.failed() ? error_reply(in.error())
                     : reply_of(s.webhooks->remove(request.caller, request.arg("webhook_id")));
}

Reply test(Request& request, const Services& s) {
  auto in = Body::of(request);
  std::string event;
  if (auto part = in.object("event")) {
    event = read_event(*part);
    in.check(*part);
  }
  if (in.failed()) return error_reply(in.error());
  return reply_of(s.webhooks->test(request.caller, request.arg("webhook_id"), event), [](const auto& tried) {
    Json result{{"success", tried.success}};
    if (tried.status != 0) result["response_status"] = tried.status, result["response_body"] = tried.body;
    if (!tried.error.empty()) result["error_message"] = tried.error;
    return Json{{"result", std::move(result)}};
  });
}

}  // namespace

void add_webhooks(Table& table) {
  const auto admin = Permission::admin;
  const std::string one = "/webhooks/{webhook_id}";
  table.add({"POST", "/webhooks", admin, "webhook.created", "Makes a webhook.", create});
  table.add({"GET", "/webhooks", Permission::read, "none", "The webhooks.", list});
  table.add({"GET", one, Permission::read, "none", "One webhook.", get});
  table.add({"PATCH", one, admin, "webhook.updated", "Changes a webhook.", update});
  table.add({"DELETE", one, admin, "webhook.deleted", "Deletes a webhook.", remove});
  table.add({"POST", one + "/test", admin, "none", "Sends an example to a webhook.", test});
}

}  // namespace millrace::api::mlflow
