#include <fmt/format.h>

#include "api/native/paging.h"
#include "api/native/routes.h"
#include "api/origin.h"

namespace millrace::api::native {
namespace {

constexpr size_t kTokenBytes = 4096;

Json session_json(const BrowserSession& session) {
  return {{"id", session.id}, {"created_at", to_iso(session.created_at)}, {"expires_at", to_iso(session.expires_at)}};
}

Json caller_json(const Caller& caller) {
  Json permissions = Json::array();
  for (const auto& [permission, name] :
       {std::pair(Permission::read, "read"), std::pair(Permission::write, "write"),
        std::pair(Permission::approve, "approve"), std::pair(Permission::admin, "admin")})
    if (allows(caller, permission)) permissions.push_back(name);
  return {{"subject", caller.subject}, {"roles", caller.roles},      {"workspace", caller.workspace},
          {"via", caller.via},         {"permissions", permissions}, {"local", caller.is_local()},
          {"session", nullptr}};
}

std::string cookie(std::string_view secret, int64_t seconds, const Request& in) {
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}", kSessionCookie, secret, seconds,
                     in.header("x-forwarded-proto") == "https" ? "; Secure" : "");
}

Reply too_many(const Request& in, Micros wait) {
  const auto seconds = (wait + 999'999) / 1'000'000;
  auto reply = problem(Error{Code::unavailable, fmt::format("too many wrong tokens from {}", in.from)}.hint(
                           fmt::format("try again in {} s", seconds)),
                       in.caller.request_id);
  reply.status = 429;
  if (auto body = parse_json(reply.body, "problem")) {
    (*body)["status"] = reply.status;
    reply.body = to_text(*body);
  }
  reply.headers.emplace_back("retry-after", std::to_string(seconds));
  return reply;
}

Result<std::string> token_in(const Request& in) {
  MILLRACE_TRY(const auto body, read_object(in, {"token"}));
  MILLRACE_TRY(auto token, get_string(body, "token"));
  if (token.empty() || token.size() > kTokenBytes)
    return Error{Code::invalid, "'token' must be a token"}.at_field("token").hint(
        "make one with: millrace token create --subject NAME --role reader");
  return token;
}

Reply sign_in(Services& s, Request& in) {
  const auto token = token_in(in);
  if (!token) return problem(token.error(), in.caller.request_id);
  if (const auto wait = s.ui.sign_ins.wait_of(in.from); wait > 0) return too_many(in, wait);
  auto opened = s.ui.sessions.open(in.caller, *token, in.from, in.header("user-agent"));
  if (!opened) {
    if (opened.error().code() == Code::unauthenticated) {
      s.ui.sign_ins.failed(in.from);
      s.context.log.warn("sign_in_failed", {{"address", in.from}, {"request_id", in.caller.request_id}});
    }
    return problem(opened.error(), in.caller.request_id);
  }
  s.ui.sign_ins.succeeded(in.from);
  if (!in.session.empty())  // the one that this takes the place of
    if (auto ended = s.ui.sessions.end(in.caller, in.session, ""); !ended && ended.error().code() != Code::not_found)
      s.context.log.warn("session_not_ended", {{"error", ended.error().text()}});
  Json out = caller_json(in.caller);
  out["session"] = session_json(*opened);
  auto reply = Reply::json(out);
  reply.headers.emplace_back("set-cookie",
                             cookie(opened->secret, (opened->expires_at - opened->created_at) / 1'000'000, in));
  return reply;
}

Result<Json> who(Services& s, const Request& in) {
  Json out = caller_json(in.caller);
  if (in.session.empty()) return out;
  MILLRACE_TRY(const auto session, s.ui.sessions.get(in.caller.workspace, in.session));
  out["session"] = session_json(session);
  return out;
}

Reply sign_out(Services& s, Request& in) {
  auto reply = answer(in, [&]() -> Result<Json> {
    if (in.session.empty())
      return Error{Code::not_found, "nobody is signed in with this request"}.hint(
          "sessions are for browsers; end a token with: millrace token revoke");
    MILLRACE_DO(s.ui.sessions.end(in.caller, in.session, ""));
    return Json{{"id", in.session}, {"state", "ended"}};
  });
  if (!session_cookie(in).empty()) reply.headers.emplace_back("set-cookie", cookie("", 0, in));
  return reply;
}

Result<Json> list(Services& s, const Request& in) {
  SessionFilter filter;
  MILLRACE_TRY(const auto limit, page_limit(in));
  MILLRACE_TRY(const auto cursor, page_cursor(in));
  filter.limit = limit + 1;
  filter.before = cursor.number;
  filter.before_id = cursor.id;
  if (!in.caller.has_role("admin")) filter.subject = in.caller.subject;
  MILLRACE_TRY(auto page, s.ui.sessions.list(in.caller.workspace, filter));
  Json next;
  if (static_cast<int64_t>(page.items.size()) > limit) {
    page.items.pop_back();
    next = cursor_text({page.items.back().created_at, page.items.back().id});
  }
  Json items = Json::array();
  for (const auto& session : page.items) {
    Json item = session_json(session);
    item["subject"] = session.subject;
    item["seen_at"] = to_iso(session.seen_at);
    item["address"] = session.address;
    item["agent"] = session.agent;
    item["current"] = session.id == in.session;
    items.push_back(std::move(item));
  }
  return Json{{"items", std::move(items)}, {"next", std::move(next)}, {"total", page.total}};
}

Result<Json> end(Services& s, const Request& in) {
  const auto& id = in.arg("id");
  MILLRACE_DO(s.ui.sessions.end(in.caller, id, in.caller.has_role("admin") ? "" : in.caller.subject));
  return Json{{"id", id}, {"state", "ended"}};
}

// Who somebody is stays out of caches.
Reply uncached(Reply reply) {
  reply.headers.emplace_back("cache-control", "no-store");
  return reply;
}

}  // namespace

Routes session_routes(Services& s) {
  const std::string base = "/api/millrace/v1";
  return {
      {"POST", base + "/session", Permission::open, kJsonBody, "session.opened", Run::worker,
       [&s](Request& in) { return uncached(sign_in(s, in)); },
       "Sign in with a browser: a token becomes a cookie that scripts cannot read."},
      {"GET", base + "/session", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return uncached(answer(in, [&] { return who(s, in); })); },
       "Who calls, with which roles, and the session if there is one."},
      {"DELETE", base + "/session", Permission::read, kNoBody, "session.ended", Run::worker,
       [&s](Request& in) { return uncached(sign_out(s, in)); }, "Sign out: the cookie is worth nothing from now on."},
      {"GET", base + "/sessions", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return uncached(answer(in, [&] { return list(s, in); })); },
       "Live sessions, newest first: all for an admin, else the caller's own."},
      {"DELETE", base + "/sessions/{id}", Permission::read, kNoBody, "session.ended", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return end(s, in); }); },
       "End a session now: any for an admin, else one of the caller's own."},
  };
}

}  // namespace millrace::api::native
