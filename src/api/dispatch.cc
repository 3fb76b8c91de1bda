#include "api/dispatch.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <future>

#include <fmt/format.h>

#include "api/idempotency.h"
#include "api/origin.h"
#include "api/status.h"
#include "core/codes/base64.h"
#include "core/codes/utf8.h"
#include "core/limits.h"

namespace millrace::api {
namespace {

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> parts;
  for (size_t from = 1; from <= path.size();) {
    const size_t to = std::min(path.find('/', from), path.size());
    parts.push_back(path.substr(from, to - from));
    from = to + 1;
  }
  return parts;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) return Error{Code::invalid, "the address holds a broken % escape"};
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (out.back() == '\0') return Error{Code::invalid, "the address holds a NUL byte"};
  }
  if (!is_utf8(out)) return Error{Code::invalid, "the address is not UTF-8"};
  return out;
}

// Bearer TOKEN, or Basic with the token as the password (what clients with only user and password fields can send).
std::optional<std::string> token_of(std::string_view authorization) {
  const auto scheme_is = [&](std::string_view scheme) {
    return authorization.size() > scheme.size() && authorization[scheme.size()] == ' ' &&
           std::equal(scheme.begin(), scheme.end(), authorization.begin(),
                      [](char a, char b) { return a == (b | 0x20); });
  };
  if (scheme_is("bearer")) return std::string(authorization.substr(7));
  if (!scheme_is("basic")) return std::nullopt;
  const auto pair = from_any_base64(authorization.substr(6));
  const auto colon = pair ? pair->find(':') : std::string::npos;
  if (colon == std::string::npos) return std::nullopt;
  return pair->substr(colon + 1);
}

// A JSON string; the plain ones, which are nearly all, without building a document.
std::string quoted(const std::string& text) {
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 127 && c != '"' && c != '\\'; });
  return plain ? "\"" + text + "\"" : to_text(Json(text));
}

bool is_mlflow(std::string_view path) {
  for (const std::string_view root : {"/get-artifact", "/model-versions/get-artifact", "/graphql", "/v1/traces"})
    if (path == root) return true;
  return path.starts_with("/api/2.0/") || path.starts_with("/api/3.0/") || path.starts_with("/ajax-api/");
}

}  // namespace

bool allows(const Caller& caller, Permission permission) {
  switch (permission) {
    case Permission::open: return true;
    case Permission::read: return caller.has_role("reader") || caller.has_role("writer") || caller.has_role("approver");
    case Permission::write: return caller.has_role("writer");
    case Permission::approve: return caller.has_role("approver");
    case Permission::admin: return caller.has_role("admin");
  }
  return false;
}

Result<SignedIn> Authenticator::of_session(const std::string&, std::string_view) const {
  return Error{Code::unauthenticated, "nobody signs in here"};
}

// A tree of path parts: literal children first, then one named part, then a rest.
struct Router::Node {
  std::map<std::string, std::shared_ptr<Node>, std::less<>> literal;
  std::shared_ptr<Node> named;
  std::map<std::string, std::pair<const Route*, std::vector<std::string>>, std::less<>> here;  // method -> route, names
  std::map<std::string, std::pair<const Route*, std::vector<std::string>>, std::less<>> rest;
};

Router::Router(Routes routes) : routes_(std::move(routes)), root_(std::make_shared<Node>()) {
  for (const auto& route : routes_) {
    Node* at = root_.get();
    std::vector<std::string> names;
    bool takes_rest = false;
    for (const auto part : split_path(route.pattern)) {
      if (part.starts_with("{") && part.ends_with("...}")) {
        names.emplace_back(part.substr(1, part.size() - 5));
        takes_rest = true;
      } else if (part.starts_with("{")) {
        names.emplace_back(part.substr(1, part.size() - 2));
        if (!at->named) at->named = std::make_shared<Node>();
        at = at->named.get();
      } else {
        auto& child = at->literal[std::string(part)];
        if (!child) child = std::make_shared<Node>();
        at = child.get();
      }
    }
    auto& slot = takes_rest ? at->rest : at->here;
    if (!slot.emplace(route.method, std::pair(&route, names)).second) {
      std::fprintf(stderr, "two routes for %s %s\n", route.method.c_str(), route.pattern.c_str());
      std::abort();
    }
  }
}

Router::Match Router::match(std::string_view method, std::string_view path) const {
  Match out;
  const auto parts = split_path(path);
  std::vector<std::string> values;
  const auto take = [&](const auto& table, const std::vector<std::string>& found) {
    for (const auto& [name, entry] : table) out.allowed.push_back(name);
    auto it = table.find(method);
    if (it == table.end() && method == "HEAD") it = table.find("GET");
    if (it == table.end()) return false;
    out.route = it->second.first;
    for (size_t i = 0; i < it->second.second.size(); ++i) out.args[it->second.second[i]] = found[i];
    return true;
  };
  const std::function<bool(const Node&, size_t)> visit = [&](const Node& node, size_t at) {
    if (at == parts.size() && take(node.here, values)) return true;
    if (at < parts.size()) {
      if (const auto child = node.literal.find(parts[at]); child != node.literal.end() && visit(*child->second, at + 1))
        return true;
      if (node.named && !parts[at].empty()) {
        values.emplace_back(parts[at]);
        if (visit(*node.named, at + 1)) return true;
        values.pop_back();
      }
    }
    if (node.rest.empty() || at > parts.size()) return false;
    std::string rest;
    for (size_t i = at; i < parts.size(); ++i) rest += (i > at ? "/" : "") + std::string(parts[i]);
    auto with_rest = values;
    with_rest.push_back(rest);
    return take(node.rest, with_rest);
  };
  visit(*root_, 0);
  return out;
}

Dispatcher::Dispatcher(Router router, const Authenticator& authenticator, Context& context, Idempotency* idempotency)
    : router_(std::move(router)), authenticator_(authenticator), context_(context), idempotency_(idempotency) {}

// By a token, by the cookie of a session, or by being this machine's user. Routes that are open to all take nobody for
// an answer, and a session that has ended for none.
Result<void> Dispatcher::identify(const Route& route, Request& request, const Peer& peer) const {
  auto& caller = request.caller;
  const auto become = [&caller](Caller found) {
    caller.subject = std::move(found.subject);
    caller.roles = std::move(found.roles);
  };
  if (const auto authorization = request.header("authorization"); !authorization.empty()) {
    const auto token = token_of(authorization);
    if (!token) return Error{Code::unauthenticated, "the Authorization header is neither Bearer nor Basic"};
    MILLRACE_TRY(auto found, authenticator_.of_token(caller.workspace, *token));
    become(std::move(found));
    return {};
  }
  const char* needed = "this needs a token";
  if (const auto cookie = session_cookie(request); !cookie.empty()) {
    auto found = authenticator_.of_session(caller.workspace, cookie);
    if (found) {
      MILLRACE_DO(check_cookie_origin(request));
      become(std::move(found->caller));
      request.session = std::move(found->session);
      return {};
    }
    if (found.error().code() != Code::unauthenticated) return std::move(found).error();
    needed = "the session has ended";
  }
  if (peer.local && authenticator_.trusts_this_machine()) {
    caller.subject = peer.local_subject;
    caller.roles = {"admin"};
    return {};
  }
  if (route.permission == Permission::open) return {};
  return Error{Code::unauthenticated, peer.stranger.empty() ? needed : peer.stranger}.hint(
      "sign in at /ui/, or send Authorization: Bearer TOKEN; make one with: millrace token create");
}

Result<void> Dispatcher::admit(const Route& route, Request& request, const Peer& peer) const {
  request.arrived = context_.clock.steady();
  auto& caller = request.caller;
  const auto workspace = request.header("x-mlflow-workspace");
  caller.workspace = workspace.empty() ? "default" : std::string(workspace);
  if (!is_name(caller.workspace))
    return Error{Code::invalid, "the workspace's name is not a name"}.at_field("X-MLFLOW-WORKSPACE");
  const auto given = request.header("x-request-id");
  caller.request_id = !given.empty() && is_name(given) && given.size() <= 64 ? std::string(given) : context_.uuid();
  const auto via = is_mlflow(request.path) ? "mlflow" : request.path.starts_with("/v2") ? "oip" : peer.via;
  caller.via = via;
  request.from = client_address(request, peer);
  MILLRACE_DO(identify(route, request, peer));
  if (!allows(caller, route.permission))
    return Error{Code::denied,
                 fmt::format("'{}' has not the role '{}' that this needs", caller.subject, name_of(route.permission))};
  return route.check_head ? route.check_head(request) : Result<void>();
}

Reply Dispatcher::handle(const Route& route, Request& request) const {
  try {
    return route.handler(request);
  } catch (const std::exception& thrown) {
    return unexpected(route, request, thrown);
  }
}

// Ours throws nothing; a library that slipped through its wrapper must not take the server down.
Reply Dispatcher::unexpected(const Route& route, const Request& request, const std::exception& thrown) const {
  context_.log.error("handler_threw", {{"path", route.pattern}, {"what", thrown.what()}});
  return error_reply(
      request.path,
      Error{Code::internal, "an unexpected failure"}.hint("the server's log has more under this request id"),
      request.caller.request_id);
}

// Of a request that may carry an Idempotency-Key.
Reply Dispatcher::handle_once(const Route& route, Request& request) const {
  if (auto key = Idempotency::read_key(request); !key)
    return error_reply(request.path, key.error(), request.caller.request_id);
  if (request.caller.idempotency_key.empty()) return handle(route, request);
  auto known = idempotency_->find(request.caller);
  if (!known) return error_reply(request.path, known.error(), request.caller.request_id);
  if (*known) return std::move(**known);
  auto reply = handle(route, request);
  const std::pair<std::string, std::string> secret{"cache-control", "no-store"};
  if (std::find(reply.headers.begin(), reply.headers.end(), secret) != reply.headers.end()) return reply;
  if (auto kept = idempotency_->keep(request.caller, reply); !kept)
    context_.log.warn("answer_not_kept", {{"request_id", request.caller.request_id}, {"error", kept.error().text()}});
  return reply;
}

Reply Dispatcher::run(const Route& route, Request& request) const {
  const Micros started = context_.clock.steady();
  const bool once = idempotency_ != nullptr && route.audit != "none" && request.path.starts_with("/api/millrace/");
  auto reply = once ? handle_once(route, request) : handle(route, request);
  conclude(route, request, reply, started);
  return reply;
}

void Dispatcher::conclude(const Route& route, const Request& request, Reply& reply, Micros started) const {
  reply.headers.emplace_back("x-request-id", request.caller.request_id);
  if (route.quiet && reply.status < 400)
    count(reply);
  else
    log(request, reply, started);
}

std::vector<Reply> Dispatcher::run_together(const Route& route, std::span<Request* const> requests) const {
  const Micros started = context_.clock.steady();
  std::vector<Reply> replies;
  try {
    replies = route.together(requests);
  } catch (const std::exception& thrown) {
    replies.clear();
    for (const auto* request : requests) replies.push_back(unexpected(route, *request, thrown));
  }
  for (size_t i = 0; i < requests.size(); ++i) conclude(route, *requests[i], replies[i], started);
  return replies;
}

Reply Dispatcher::dispatch(Request& request, const Peer& peer) const {
  const auto match = router_.match(request.method, request.path);
  if (match.route == nullptr) return no_route(request, match);
  request.args = match.args;
  if (auto admitted = admit(*match.route, request, peer); !admitted)
    return error_reply(request.path, admitted.error(), request.caller.request_id);
  if (request.body.size() > match.route->limit.bytes)
    return error_reply(
        request.path, Error{Code::too_large, fmt::format("the body is larger than {} bytes", match.route->limit.bytes)},
        request.caller.request_id);
  auto reply = run(*match.route, request);
  if (!reply.later) return reply;
  // Here the whole answer is wanted, so that this thread waits for it.
  auto promised = std::make_shared<std::promise<Reply>>();
  auto answered = promised->get_future();
  reply.later({.give = [promised](Reply later) { promised->set_value(std::move(later)); }, .waiting = promised});
  return answered.get();
}

Reply Dispatcher::no_route(const Request& request, const Router::Match& match) const {
  Error error{Code::not_found, fmt::format("there is no {} {}", request.method, request.path)};
  auto reply = error_reply(request.path, error, request.caller.request_id);
  if (is_mlflow(request.path))
    reply.body = to_text({{"error_code", "ENDPOINT_NOT_FOUND"},
                          {"message", fmt::format("No endpoint {} {}", request.method, request.path)}});
  if (!match.allowed.empty()) {
    reply.status = 405;
    reply.headers.emplace_back("allow", fmt::format("{}", fmt::join(match.allowed, ", ")));
  }
  log(request, reply, context_.clock.steady());
  return reply;
}

void Dispatcher::count(const Reply& reply) const {
  by_class_[std::clamp(reply.status / 100, 0, 5)].fetch_add(1, std::memory_order_relaxed);
}

void Dispatcher::log(const Request& request, const Reply& reply, Micros started) const {
  count(reply);
  context_.log.write_fields(
      Log::Level::info, "request",
      fmt::format(R"("method":{},"path":{},"status":{},"us":{},"bytes":{},"subject":{},"via":"{}","request_id":"{}")",
                  quoted(request.method), quoted(request.path), reply.status, context_.clock.steady() - started,
                  reply.stream ? reply.stream_size : reply.body.size(), quoted(request.caller.subject),
                  request.caller.via, request.caller.request_id));
}

void Dispatcher::note_broken(const Request& request, std::string_view why) const {
  context_.log.warn("answer_broke_off",
                    {{"path", request.path}, {"why", std::string(why)}, {"request_id", request.caller.request_id}});
}

std::string Dispatcher::metrics_text() const {
  std::string out =
      "# HELP millrace_http_requests_total Answered requests by class of status.\n# TYPE millrace_http_requests_total "
      "counter\n";
  for (int i = 1; i <= 5; ++i)
    out += fmt::format("millrace_http_requests_total{{class=\"{}xx\"}} {}\n", i, by_class_[i].load());
  return out;
}

namespace {

Reply error_body(std::string_view path, const Error& error, std::string_view request_id) {
  if (is_mlflow(path))
    return Reply::json({{"error_code", std::string(mlflow_code(error.code()))}, {"message", error.text()}},
                       http_status(error.code()));
  if (path == "/v2" || path.starts_with("/v2/"))
    return Reply::json({{"error", error.text()}}, http_status(error.code()));
  return problem(error, request_id);
}

}  // namespace

Reply error_reply(std::string_view path, const Error& error, std::string_view request_id) {
  auto reply = error_body(path, error, request_id);
  if (error.code() == Code::unavailable) reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

Result<void> split_target(std::string_view target, Request& request) {
  if (target.empty() || target[0] != '/') return Error{Code::invalid, "the address must start with '/'"};
  if (const auto hash = target.find('#'); hash != std::string_view::npos)
    return Error{Code::invalid, "the address holds a '#'"};
  const auto question = target.find('?');
  MILLRACE_TRY(request.path, decode(target.substr(0, question), false));
  size_t parts = 0;
  for (const auto part : split_path(request.path)) {
    if (part == ".." || part == "." || ++parts > limits::path_parts + 16)
      return Error{Code::invalid, "the address has a '.' or '..' part, or too many"};
  }
  if (question == std::string_view::npos) return {};
  const auto query = target.substr(question + 1);
  for (size_t from = 0; from < query.size();) {
    const size_t to = std::min(query.find('&', from), query.size());
    const auto pair = query.substr(from, to - from);
    from = to + 1;
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    MILLRACE_TRY(auto name, decode(pair.substr(0, equals), true));
    MILLRACE_TRY(auto value, equals == std::string_view::npos ? Result<std::string>(std::string())
                                                              : decode(pair.substr(equals + 1), true));
    request.query.emplace_back(std::move(name), std::move(value));
    if (request.query.size() > 1'000) return Error{Code::too_large, "too many query parameters"};
  }
  return {};
}

}  // namespace millrace::api
