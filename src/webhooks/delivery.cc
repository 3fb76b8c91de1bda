#include "webhooks/delivery.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "track/search/query.h"

namespace millrace::webhooks {
namespace {

constexpr auto kLookEvery = std::chrono::milliseconds(500);
constexpr int64_t kPassedOver = 1'000;

// What waits for a webhook's event.
struct Waiting {
  std::string webhook;
  int64_t since = 0;
};
using ByEvent = std::multimap<std::string, Waiting>;

Result<ByEvent> active(store::Session& session, const std::string& workspace) {
  MILLRACE_TRY(
      const auto rows,
      session.query("SELECT id, events, since FROM webhooks WHERE workspace = ? AND status = 'ACTIVE'", {workspace}));
  ByEvent out;
  for (const auto& row : rows)
    if (const auto events = parse_json(row.text(1), "webhook"); events && events->is_array())
      for (const auto& each : *events)
        if (each.is_string()) out.emplace(each.get<std::string>(), Waiting{row.text(0), row.integer(2)});
  return out;
}

bool is_worth_another(const Result<Posted>& sent) {
  if (!sent) return sent.error().code() != Code::corrupt && sent.error().code() != Code::not_found;
  for (const int status : {429, 500, 502, 503, 504})
    if (sent->status == status) return true;
  return false;
}

}  // namespace

void Delivery::start(int threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this, i] { run(i == 0); });
}

void Delivery::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& each : threads_) each.join();
  threads_.clear();
}

void Delivery::run(bool collects) {
  const auto told = [&](const auto& result, const char* what) {
    if (!result) context_.log.warn(what, {{"error", result.error().text()}});
    return static_cast<bool>(result);
  };
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    if (collects) told(collect(), "webhooks_not_collected");
    bool more = false;
    if (const auto sent = send_one(); told(sent, "webhooks_not_sent")) more = *sent;
    lock.lock();
    if (!more) wake_.wait_for(lock, kLookEvery, [&] { return stopping_; });
  }
}

Result<int64_t> Delivery::collect() {
  std::vector<std::pair<std::string, int64_t>> cursors;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto rows, session.query("SELECT workspace, sequence FROM webhook_cursors"));
    for (const auto& row : rows) cursors.emplace_back(row.text(0), row.integer(1));
    return {};
  }));
  int64_t total = 0;
  for (const auto& [workspace, sequence] : cursors) {
    MILLRACE_TRY(const auto count, collect_of(workspace, sequence));
    total += count;
  }
  return total;
}

Result<Delivery::Read> Delivery::read_from(const std::string& workspace, int64_t sequence) const {
  Read out{.next = sequence};
  std::vector<lineage::Event> lines;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    store::Values values{workspace, sequence};
    const auto kinds = track::placeholders(known_kinds(), values);
    values.emplace_back(bounds::lines_at_once);
    MILLRACE_TRY(const auto rows,
                 session.query(fmt::format("SELECT sequence, kind, node, after_digest, body, recorded_at FROM journal "
                                           "WHERE workspace = ? AND sequence > ? AND kind IN ({}) ORDER BY sequence "
                                           "LIMIT ?",
                                           kinds),
                               values));
    for (const auto& row : rows) {
      lineage::Event line{.sequence = row.integer(0),
                          .workspace = workspace,
                          .kind = row.text(1),
                          .node = row.text(2),
                          .after = row.text(3),
                          .recorded_at = row.integer(5)};
      if (auto body = parse_json(row.text(4), "journal")) line.body = std::move(*body);
      lines.push_back(std::move(line));
    }
    if (lines.size() == static_cast<size_t>(bounds::lines_at_once)) {
      out.next = lines.back().sequence;
      return {};
    }
    MILLRACE_TRY(const auto newest, session.first("SELECT coalesce(max(sequence), 0) FROM journal"));
    out.next = std::max(sequence, newest->integer(0));
    return {};
  }));
  for (const auto& line : lines)
    if (auto told = told_of(line, describe_))
      out.told.push_back({line.sequence, told->event, body_of(told->event, line.recorded_at, told->data)});
  return out;
}

Result<int64_t> Delivery::collect_of(const std::string& workspace, int64_t sequence) {
  MILLRACE_TRY(const auto read, read_from(workspace, sequence));
  // Lines that nobody is told of are passed over now and then, not each time.
  if (read.told.empty() && read.next < sequence + kPassedOver) return int64_t{0};
  int64_t count = 0;
  MILLRACE_DO(database_.write([&](store::Session& session) -> Result<void> {
    count = 0;
    MILLRACE_TRY(const auto moved,
                 session.execute("UPDATE webhook_cursors SET sequence = ? WHERE workspace = ? AND sequence = ?",
                                 {read.next, workspace, sequence}));
    if (moved == 0) return {};  // another replica was first
    MILLRACE_TRY(const auto hooks, active(session, workspace));
    for (const auto& told : read.told) {
      const auto [from, to] = hooks.equal_range(told.event);
      for (auto hook = from; hook != to; ++hook) {
        if (told.sequence <= hook->second.since) continue;
        MILLRACE_DO(session.execute(
            "INSERT INTO webhook_deliveries (workspace, id, webhook_id, sequence, event, body, attempts, due_at, "
            "lease_until) VALUES (?, ?, ?, ?, ?, ?, 0, ?, 0) ON CONFLICT (workspace, webhook_id, sequence) DO NOTHING",
            {workspace, context_.uuid(), hook->second.webhook, told.sequence, told.event, told.body, context_.now()}));
        ++count;
      }
    }
    return {};
  }));
  return count;
}

Result<std::optional<Delivery::Due>> Delivery::take() {
  std::optional<Due> out;
  const auto now = context_.now();
  const auto read = [&](store::Session& session) {
    return session.first(
        fmt::format("SELECT d.workspace, d.id, d.webhook_id, d.event, d.body, d.sequence, d.attempts FROM "
                    "webhook_deliveries d JOIN webhooks w ON w.workspace = d.workspace AND w.id = d.webhook_id WHERE "
                    "d.due_at <= ? AND d.lease_until <= ? AND (w.secret = '' OR substr(w.secret, 1, {}) = ? OR "
                    "d.due_at <= ?) ORDER BY d.due_at LIMIT 1",
                    Seal::kPrefix),
        {now, now, webhooks_.secret_prefix(), now - bounds::own_server});
  };
  bool any = false;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto row, read(session));
    any = row.has_value();
    return {};
  }));
  if (!any) return out;
  MILLRACE_DO(database_.write([&](store::Session& session) -> Result<void> {
    out.reset();
    MILLRACE_TRY(const auto row, read(session));
    if (!row) return {};
    MILLRACE_TRY(
        const auto held,
        session.execute("UPDATE webhook_deliveries SET lease_until = ?, attempts = attempts + 1 WHERE workspace "
                        "= ? AND id = ? AND lease_until <= ?",
                        {now + bounds::lease, row->text(0), row->text(1), now}));
    if (held == 1)
      out = Due{row->text(0), row->text(1),    row->text(2),       row->text(3),
                row->text(4), row->integer(5), row->integer(6) + 1};
    return {};
  }));
  return out;
}

// 1, 2, 4 ... seconds, and up to one more, so that many do not come back at once.
Micros Delivery::pause_after(int64_t attempts) {
  const auto pause = Micros{1'000'000} << std::min<int64_t>(attempts - 1, 16);
  return std::min(pause, bounds::longest_pause) + static_cast<Micros>(context_.random.next() % 1'000'000);
}

Result<bool> Delivery::send_one() {
  MILLRACE_TRY(const auto due, take());
  if (!due) return false;
  const auto sent = webhooks_.send(due->workspace, due->webhook, due->id, due->body);
  MILLRACE_DO(settle(*due, sent));
  return true;
}

Result<void> Delivery::settle(const Due& due, const Result<Posted>& sent) {
  if (is_worth_another(sent) && due.attempts < bounds::attempts)
    return database_.write([&](store::Session& session) -> Result<void> {
      MILLRACE_DO(
          session.execute("UPDATE webhook_deliveries SET lease_until = 0, due_at = ? WHERE workspace = ? AND id = ?",
                          {context_.now() + pause_after(due.attempts), due.workspace, due.id}));
      return {};
    });
  const bool good = sent && sent->status < 400;
  const Caller self{.workspace = due.workspace,
                    .subject = "millrace",
                    .roles = {"admin"},
                    .via = "job",
                    .request_id = context_.uuid()};
  MILLRACE_DO(journal_.write(self, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto gone, session.execute("DELETE FROM webhook_deliveries WHERE workspace = ? AND id = ?",
                                                  {due.workspace, due.id}));
    if (gone == 0) return lineage::Change{};
    Json body{{"webhook_id", due.webhook},
              {"delivery_id", due.id},
              {"event", due.event},
              {"sequence", due.sequence},
              {"attempts", due.attempts}};
    if (sent) body["status"] = sent->status;
    return lineage::Change{.kind = good ? "webhook.delivered" : "webhook.given_up",
                           .node = "",
                           .before = "",
                           .after = "",
                           .why = sent ? "" : sent.error().message(),
                           .body = std::move(body)};
  }));
  return {};
}

}  // namespace millrace::webhooks
