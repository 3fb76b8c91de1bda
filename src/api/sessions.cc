#include "api/sessions.h"

#include <fmt/format.h>

#include "core/codes/utf8.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/limits/ui_limits.h"

namespace millrace::api {
namespace {

constexpr size_t kAgentBytes = 200;
constexpr Micros kKept = 24LL * 3600 * 1'000'000;  // after its end
constexpr Micros kForever = INT64_MAX;

constexpr std::string_view kColumns = "s.id, s.subject, s.address, s.agent, s.created_at, s.seen_at, s.expires_at";
constexpr std::string_view kWithToken =
    "FROM sessions s JOIN tokens t ON t.workspace = s.workspace AND t.id = s.token WHERE s.workspace = ? AND "
    "s.ended_at "
    "= 0 AND s.expires_at > ? AND t.revoked_at IS NULL AND coalesce(t.expires_at, ?) > ?";

store::Values alive(const std::string& workspace, Micros now) { return {workspace, now, kForever, now}; }

BrowserSession to_session(const store::Row& row) {
  return {.id = row.text(0),
          .subject = row.text(1),
          .address = row.text(2),
          .agent = row.text(3),
          .created_at = row.integer(4),
          .seen_at = row.integer(5),
          .expires_at = row.integer(6)};
}

std::string shortened(std::string_view agent) {
  std::string out;
  for (const char c : agent.substr(0, kAgentBytes)) out += c >= ' ' && c < 127 ? c : '?';
  return out;
}

Result<void> end_oldest(store::Session& session, const std::string& workspace, const std::string& token, Micros now) {
  MILLRACE_TRY(
      const auto ended,
      session.execute("UPDATE sessions SET ended_at = ? WHERE workspace = ? AND id IN (SELECT id FROM sessions "
                      "WHERE workspace = ? AND token = ? AND ended_at = 0 ORDER BY created_at DESC, id DESC "
                      "LIMIT 1000 OFFSET ?)",
                      {now, workspace, workspace, token, int64_t{limits::sessions_of_token - 1}}));
  (void)ended;
  return {};
}

}  // namespace

Result<BrowserSession> Sessions::open(Caller& caller, std::string_view token, const std::string& address,
                                      std::string_view agent) {
  MILLRACE_TRY(const auto found, tokens_.live(caller.workspace, token));
  caller.subject = found.subject;
  caller.roles = found.roles;
  const Micros now = context_.now();
  const Micros until = now + limits::session_us;
  BrowserSession out{.id = context_.uuid(),
                     .subject = found.subject,
                     .address = address,
                     .agent = shortened(agent),
                     .created_at = now,
                     .seen_at = now,
                     .expires_at = found.expires_at == 0 ? until : std::min(until, found.expires_at),
                     .secret = make_hex(context_.random, 32)};
  MILLRACE_TRY(const auto sequence, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_DO(end_oldest(session, caller.workspace, found.id, now));
    MILLRACE_TRY(const auto made,
                 session.execute("INSERT INTO sessions (workspace, id, digest, token, subject, address, agent, "
                                 "created_at, seen_at, expires_at, ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
                                 {caller.workspace, out.id, digest_of(out.secret), found.id, found.subject, address,
                                  out.agent, now, now, out.expires_at}));
    (void)made;
    return lineage::Change{.kind = "session.opened",
                           .node = "session:" + out.id,
                           .body = {{"token", found.id}, {"address", address}, {"agent", out.agent}}};
  }));
  (void)sequence;
  return out;
}

Micros Sessions::last_use(const std::string& name, Micros seen_at) const {
  const std::lock_guard lock(mutex_);
  const auto used = used_.find(name);
  return used == used_.end() ? seen_at : std::max(seen_at, used->second.used_at);
}

Result<SignedIn> Sessions::of_session(const std::string& workspace, std::string_view cookie) const {
  const Micros now = context_.now();
  std::optional<store::Row> row;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    auto values = alive(workspace, now);
    values.emplace_back(digest_of(cookie));
    MILLRACE_TRY(
        row, session.first(fmt::format("SELECT s.id, s.seen_at, t.subject, t.roles {} AND s.digest = ?", kWithToken),
                           values));
    return {};
  }));
  const auto name = row ? workspace + "/" + row->text(0) : "";
  if (!row || last_use(name, row->integer(1)) + limits::session_idle_us <= now)
    return Error{Code::unauthenticated, "the session has ended"}.hint("sign in again");
  if (now - row->integer(1) >= limits::session_noted_us) {
    const std::lock_guard lock(mutex_);
    used_[name] = {row->integer(1), now};
  }
  return SignedIn{{.workspace = workspace, .subject = row->text(2), .roles = Tokens::roles_of(row->text(3))},
                  row->text(0)};
}

Result<Caller> Sessions::of_token(const std::string& workspace, std::string_view token) const {
  return tokens_.of_token(workspace, token);
}

Result<BrowserSession> Sessions::get(const std::string& workspace, const std::string& id) const {
  std::optional<store::Row> row;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    auto values = alive(workspace, context_.now());
    values.emplace_back(id);
    MILLRACE_TRY(row, session.first(fmt::format("SELECT {} {} AND s.id = ?", kColumns, kWithToken), values));
    return {};
  }));
  if (!row) return Error{Code::not_found, fmt::format("there is no live session '{}'", id)};
  return to_session(*row);
}

Result<SessionPage> Sessions::list(const std::string& workspace, const SessionFilter& filter) const {
  SessionPage out;
  const Micros now = context_.now();
  std::string where = fmt::format("{} AND s.seen_at > ?", kWithToken);
  auto values = alive(workspace, now);
  values.emplace_back(now - limits::session_idle_us);
  if (!filter.subject.empty()) {
    where += " AND s.subject = ?";
    values.emplace_back(filter.subject);
  }
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto count, session.first("SELECT count(*) " + where, values));
    out.total = count->integer(0);
    if (filter.before != 0) {
      where += " AND (s.created_at < ? OR (s.created_at = ? AND s.id < ?))";
      for (const store::Value& value :
           {store::Value(filter.before), store::Value(filter.before), store::Value(filter.before_id)})
        values.push_back(value);
    }
    values.emplace_back(filter.limit);
    MILLRACE_TRY(
        const auto rows,
        session.query(fmt::format("SELECT {} {} ORDER BY s.created_at DESC, s.id DESC LIMIT ?", kColumns, where),
                      values));
    for (const auto& row : rows) {
      out.items.push_back(to_session(row));
      out.items.back().seen_at = last_use(workspace + "/" + out.items.back().id, out.items.back().seen_at);
    }
    return {};
  }));
  return out;
}

Result<void> Sessions::end(const Caller& caller, const std::string& id, const std::string& subject) {
  MILLRACE_TRY(const auto sequence, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto ended,
                 session.execute("UPDATE sessions SET ended_at = ? WHERE workspace = ? AND id = ? AND "
                                 "ended_at = 0 AND (subject = ? OR ? = '')",
                                 {context_.now(), caller.workspace, id, subject, subject}));
    if (ended == 0)
      return Error{Code::not_found, fmt::format("there is no live session '{}'", id.substr(0, 64))}.hint(
          subject.empty() ? "GET /api/millrace/v1/sessions lists them"
                          : "only an admin ends the sessions of others; GET /api/millrace/v1/sessions lists yours");
    return lineage::Change{.kind = "session.ended", .node = "session:" + id};
  }));
  (void)sequence;
  return {};
}

Result<void> Sessions::keep() {
  std::map<std::string, Use> used;
  {
    const std::lock_guard lock(mutex_);
    used.swap(used_);
  }
  const Micros now = context_.now();
  if (used.empty()) return {};
  return database_.write([&](store::Session& session) -> Result<void> {
    for (const auto& [name, use] : used) {
      const auto slash = name.rfind('/');
      MILLRACE_TRY(const auto noted,
                   session.execute("UPDATE sessions SET seen_at = ? WHERE workspace = ? AND id = ? AND seen_at < ?",
                                   {use.used_at, name.substr(0, slash), name.substr(slash + 1), use.used_at}));
      (void)noted;
    }
    MILLRACE_TRY(const auto gone, session.execute("DELETE FROM sessions WHERE expires_at < ?", {now - kKept}));
    (void)gone;
    return {};
  });
}

}  // namespace millrace::api
