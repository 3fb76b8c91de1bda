#include "webhooks/webhooks.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/codes/base64.h"
#include "core/hash.h"
#include "core/json.h"
#include "track/names.h"
#include "track/search/query.h"
#include "webhooks/events.h"

namespace millrace::webhooks {
namespace {

constexpr std::string_view kColumns =
    "id, name, url, description, status, events, create_time, update_time, secret, since";

struct Stored {
  Webhook webhook;
  std::string secret;  // sealed
  int64_t since = 0;   // the journal's newest line when it was made
};

Stored to_stored(const store::Row& row) {
  Stored out{{.id = row.text(0),
              .name = row.text(1),
              .url = row.text(2),
              .description = row.text(3),
              .status = row.text(4),
              .events = {},
              .create_time = row.integer(6),
              .update_time = row.integer(7)},
             row.text(8),
             row.integer(9)};
  if (const auto events = parse_json(row.text(5), "webhook"); events && events->is_array())
    for (const auto& each : *events)
      if (each.is_string()) out.webhook.events.push_back(each.get<std::string>());
  return out;
}

Result<Stored> load(store::Session& session, const std::string& workspace, const std::string& id) {
  MILLRACE_TRY(
      const auto row,
      session.first(fmt::format("SELECT {} FROM webhooks WHERE workspace = ? AND id = ?", kColumns), {workspace, id}));
  if (!row) return Error{Code::not_found, fmt::format("Webhook with ID {} not found.", id.substr(0, 250))};
  return to_stored(*row);
}

Result<void> store_webhook(store::Session& session, const std::string& workspace, const Stored& it) {
  const auto& hook = it.webhook;
  MILLRACE_DO(session.execute(
      "INSERT INTO webhooks (workspace, id, name, url, description, status, events, create_time, update_time, secret, "
      "since) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (workspace, id) DO UPDATE SET name = excluded.name, "
      "url = "
      "excluded.url, description = excluded.description, status = excluded.status, events = excluded.events, "
      "update_time = excluded.update_time, secret = excluded.secret",
      {workspace, hook.id, hook.name, hook.url, hook.description, hook.status, to_text(Json(hook.events)),
       hook.create_time, hook.update_time, it.secret, it.since}));
  return {};
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

Result<void> check(const Webhook& it, const std::string& secret) {
  const bool plain = !it.name.empty() && it.name.size() <= bounds::name && is_letter(it.name.front()) &&
                     is_letter(it.name.back()) && std::all_of(it.name.begin(), it.name.end(), [](char c) {
                       return is_letter(c) || c == '.' || c == '_' || c == '-';
                     });
  if (!plain)
    return Error{Code::invalid,
                 fmt::format("Webhook name '{}' is invalid. It must start and end with a letter or digit, be less than "
                             "63 characters long, and contain only letters, digits, dots (.), underscores (_), and "
                             "hyphens (-).",
                             it.name.substr(0, 250))};
  if (it.events.empty()) return Error{Code::invalid, "Webhook events must be a non-empty list"};
  for (const auto& each : it.events)
    if (!is_event(each))
      return Error{Code::invalid, fmt::format("'{}' is no event that a webhook can be told", each.substr(0, 80))}.hint(
          fmt::format("the events are {}", fmt::join(known_events(), ", ")));
  if (it.description.size() > bounds::description || secret.size() > bounds::secret)
    return Error{Code::invalid,
                 fmt::format("a webhook's description and secret have at most {} bytes each", bounds::description)};
  if (it.status != "ACTIVE" && it.status != "DISABLED")
    return Error{Code::invalid, fmt::format("a webhook is ACTIVE or DISABLED, not '{}'", it.status.substr(0, 80))};
  return {};
}

std::string seal_name(const std::string& workspace, const std::string& id) { return workspace + "/" + id; }

lineage::Change change_of(std::string_view kind, const Webhook& it) {
  return {.kind = fmt::format("webhook.{}", kind),
          .node = "",
          .before = "",
          .after = "",
          .why = "",
          .body = {
              {"webhook_id", it.id}, {"name", it.name}, {"url", it.url}, {"events", it.events}, {"status", it.status}}};
}

}  // namespace

Result<void> Webhooks::check_url(const std::string& url) const {
  MILLRACE_TRY(const auto target, parse_target(url, allowed_));
  auto found = resolve(target, allowed_);
  if (found) return {};
  return Error{Code::invalid, found.error().message()};  // whatever hinders it: this webhook cannot be told
}

Result<Webhook> Webhooks::create(const Caller& caller, const NewWebhook& wanted) {
  Stored made{{.id = context_.uuid(),
               .name = wanted.name,
               .url = wanted.url,
               .description = wanted.description,
               .status = wanted.status.empty() ? "ACTIVE" : wanted.status,
               .events = wanted.events,
               .create_time = now_ms(),
               .update_time = now_ms()},
              ""};
  MILLRACE_DO(check(made.webhook, wanted.secret));
  MILLRACE_DO(check_url(wanted.url));
  if (!wanted.secret.empty()) {
    MILLRACE_TRY(made.secret,
                 seal_.close(wanted.secret, seal_name(caller.workspace, made.webhook.id), context_.random));
  }
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto count,
                 session.first("SELECT count(*) FROM webhooks WHERE workspace = ?", {caller.workspace}));
    if (count->integer(0) >= static_cast<int64_t>(bounds::webhooks))
      return Error{Code::conflict, fmt::format("a workspace has at most {} webhooks", bounds::webhooks)};
    MILLRACE_TRY(const auto newest, session.first("SELECT coalesce(max(sequence), 0) FROM journal"));
    made.since = newest->integer(0);
    MILLRACE_DO(store_webhook(session, caller.workspace, made));
    MILLRACE_DO(
        session.execute("INSERT INTO webhook_cursors (workspace, sequence) VALUES (?, ?) "
                        "ON CONFLICT (workspace) DO NOTHING",
                        {caller.workspace, made.since}));
    return change_of("created", made.webhook);
  }));
  return made.webhook;
}

Result<Webhook> Webhooks::get(const Caller& caller, const std::string& id) const {
  Webhook out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(auto stored, load(session, caller.workspace, id));
    out = std::move(stored.webhook);
    return {};
  }));
  return out;
}

Result<track::Page<Webhook>> Webhooks::list(const Caller& caller, int64_t max_results,
                                            const std::string& page_token) const {
  MILLRACE_DO(track::check_page(max_results, bounds::page));
  store::Values values{caller.workspace};
  std::string after;
  if (!page_token.empty()) {
    MILLRACE_TRY(const auto last, track::read_token(page_token, "webhooks", 1));
    if (!last[0].is_string()) return Error{Code::invalid, "Invalid page token"};
    after = "AND id > ? ";
    values.emplace_back(last[0].get<std::string>());
  }
  values.emplace_back(max_results + 1);
  track::Page<Webhook> page;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(
        const auto rows,
        session.query(fmt::format("SELECT {} FROM webhooks WHERE workspace = ? {}ORDER BY id LIMIT ?", kColumns, after),
                      values));
    for (const auto& row : rows) {
      if (page.items.size() == static_cast<size_t>(max_results)) {
        page.next = track::make_token(Json::array({page.items.back().id}), "webhooks");
        break;
      }
      page.items.push_back(to_stored(row).webhook);
    }
    return {};
  }));
  return page;
}

Result<Webhook> Webhooks::update(const Caller& caller, const std::string& id, const WebhookUpdate& update) {
  if (update.url) MILLRACE_DO(check_url(*update.url));
  Webhook out;
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(auto stored, load(session, caller.workspace, id));
    auto& hook = stored.webhook;
    if (update.name) hook.name = *update.name;
    if (update.url) hook.url = *update.url;
    if (update.description) hook.description = *update.description;
    if (update.status) hook.status = *update.status;
    if (!update.events.empty()) hook.events = update.events;
    MILLRACE_DO(check(hook, update.secret.value_or("")));
    if (update.secret) {
      stored.secret.clear();
      if (!update.secret->empty()) {
        MILLRACE_TRY(stored.secret, seal_.close(*update.secret, seal_name(caller.workspace, id), context_.random));
      }
    }
    hook.update_time = now_ms();
    MILLRACE_DO(store_webhook(session, caller.workspace, stored));
    out = hook;
    return change_of("updated", hook);
  }));
  return out;
}

Result<void> Webhooks::remove(const Caller& caller, const std::string& id) {
  MILLRACE_DO(journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto stored, load(session, caller.workspace, id));
    MILLRACE_DO(session.execute("DELETE FROM webhook_deliveries WHERE workspace = ? AND webhook_id = ?",
                                {caller.workspace, id}));
    MILLRACE_DO(session.execute("DELETE FROM webhooks WHERE workspace = ? AND id = ?", {caller.workspace, id}));
    return change_of("deleted", stored.webhook);
  }));
  return {};
}

Result<Tried> Webhooks::test(const Caller& caller, const std::string& id, const std::string& event) {
  MILLRACE_TRY(const auto hook, get(caller, id));
  const auto& told = event.empty() ? hook.events.at(0) : event;
  if (!is_event(told)) return Error{Code::invalid, fmt::format("'{}' is no event that a webhook can be told", told)};
  auto sent = send(caller.workspace, id, context_.uuid(), body_of(told, context_.now(), example_of(told)));
  if (!sent) return Tried{.error = "Failed to test webhook: " + sent.error().message()};
  return Tried{sent->status < 400, sent->status, sent->body, ""};
}

Result<Posted> Webhooks::send(const std::string& workspace, const std::string& id, const std::string& delivery,
                              const std::string& body) {
  Stored stored;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(stored, load(session, workspace, id));
    return {};
  }));
  MILLRACE_TRY(const auto target, parse_target(stored.webhook.url, allowed_));
  MILLRACE_TRY(const auto addresses, resolve(target, allowed_));
  const auto timestamp = std::to_string(context_.now() / 1'000'000);
  std::vector<std::pair<std::string, std::string>> headers{{"Content-Type", "application/json"},
                                                           {"User-Agent", "millrace"},
                                                           {"X-MLflow-Delivery-Id", delivery},
                                                           {"X-MLflow-Timestamp", timestamp}};
  if (!stored.secret.empty()) {
    MILLRACE_TRY(const auto secret, seal_.open(stored.secret, seal_name(workspace, id)));
    headers.emplace_back("X-MLflow-Signature", signature_of(secret, delivery, timestamp, body));
  }
  return post(target, addresses, headers, body, context_, bounds::timeout);
}

std::string signature_of(const std::string& secret, const std::string& delivery, const std::string& timestamp,
                         const std::string& body) {
  return "v1," + to_base64(hmac_sha256(secret, delivery + "." + timestamp + "." + body));
}

std::string body_of(const std::string& event, Micros at, const Json& data) {
  const auto dot = event.find('.');
  return to_text(
      {{"entity", event.substr(0, dot)}, {"action", event.substr(dot + 1)}, {"timestamp", to_iso(at)}, {"data", data}});
}

}  // namespace millrace::webhooks
