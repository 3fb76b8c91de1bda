// From a request to a reply: finds the route, says who calls, refuses what the caller may not do, runs the handler,
// logs one line. The HTTP server and the command line (when it owns the state itself) both come through here, so that
// rules hold for both.
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "api/http.h"
#include "core/context.h"

namespace millrace::api {

struct SignedIn {
  Caller caller;
  std::string session;  // its id
};

// Who calls, from credentials. Implemented by main/ over the token table.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // A caller for a token, or `unauthenticated`.
  virtual Result<Caller> of_token(const std::string& workspace, std::string_view token) const = 0;
  // Who signed in with a browser, by the cookie, or `unauthenticated`.
  virtual Result<SignedIn> of_session(const std::string& workspace, std::string_view cookie) const;
  // May callers on this machine do everything without a token?
  virtual bool trusts_this_machine() const { return true; }
};

// Where a request came in: decides what it may be without a token.
struct Peer {
  bool local = false;         // loopback or the state folder's socket
  std::string local_subject;  // "local:<user>"
  std::string via = "native";
  std::string address = {};   // "192.0.2.1", "" for the socket
  std::string stranger = {};  // why a request from this machine is not taken for its user, for people; or ""
};

// Finds routes by path pattern. Immutable after construction; refuses (aborts on) two routes with one pattern: our own
// mistake.
class Router {
 public:
  explicit Router(Routes routes);
  struct Match {
    const Route* route = nullptr;  // nullptr: see `allowed`
    std::map<std::string, std::string> args;
    std::vector<std::string> allowed;  // methods that this path has, for 405
  };
  Match match(std::string_view method, std::string_view path) const;
  const Routes& routes() const { return routes_; }

 private:
  struct Node;
  Routes routes_;
  std::shared_ptr<Node> root_;
};

class Idempotency;

class Dispatcher {
 public:
  // Without `idempotency` the header is not read (there is no store).
  Dispatcher(Router router, const Authenticator& authenticator, Context& context, Idempotency* idempotency = nullptr);
  const Router& router() const { return router_; }

  // Identity and rights, and what the route refuses by the head alone; fills request.caller. Run before the body is
  // read, so that strangers cannot send us much.
  Result<void> admit(const Route& route, Request& request, const Peer& peer) const;
  // As run(), for several requests of a route that answers them together.
  std::vector<Reply> run_together(const Route& route, std::span<Request* const> requests) const;
  // Runs the handler and logs. `admit` has passed.
  Reply run(const Route& route, Request& request) const;
  // Everything at once, for callers that have the whole request in hand.
  Reply dispatch(Request& request, const Peer& peer) const;
  // No route: 404 or 405 in the protocol's own shape.
  Reply no_route(const Request& request, const Router::Match& match) const;

  // An answer's body broke off after its head was sent.
  void note_broken(const Request& request, std::string_view why) const;

  std::string metrics_text() const;

 private:
  Result<void> identify(const Route& route, Request& request, const Peer& peer) const;
  Reply handle(const Route& route, Request& request) const;
  Reply handle_once(const Route& route, Request& request) const;
  void conclude(const Route& route, const Request& request, Reply& reply, Micros started) const;
  Reply unexpected(const Route& route, const Request& request, const std::exception& thrown) const;
  void count(const Reply& reply) const;
  void log(const Request& request, const Reply& reply, Micros started) const;

  Router router_;
  const Authenticator& authenticator_;
  Context& context_;
  Idempotency* idempotency_;
  mutable std::atomic<uint64_t> by_class_[6] = {};
};

bool allows(const Caller& caller, Permission permission);

// An error in the shape that clients of this path expect: MLflow's, the Open Inference Protocol's, or RFC 9457.
Reply error_reply(std::string_view path, const Error& error, std::string_view request_id);

// "/a%20b?x=1" into path and query. Decoded exactly once; refuses bad escapes, NUL and paths with "..", "//" or too
// many parts.
Result<void> split_target(std::string_view target, Request& request);

}  // namespace millrace::api
