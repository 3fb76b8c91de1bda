// The joint between protocols and the HTTP server: requests, replies and the one table of routes.
// Authorization, limits, OpenAPI and the rights test read the table; a route without all of its columns does not
// compile.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/caller.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/reader.h"
#include "core/result.h"

namespace millrace::api {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;
  std::string path;                         // decoded once, without the query
  std::map<std::string, std::string> args;  // the {names} of the route's pattern
  Pairs query;                              // decoded, in order
  Pairs headers;                            // names in lower case
  std::string body;                         // its capacity is at least 64 bytes beyond its size
  std::string body_file;                    // a spooled upload, when the route asks for it; removed after the handler
  Caller caller;
  std::string body_digest = {};     // of a spooled upload, "sha256:<hex>"
  Micros arrived = 0;               // steady clock, when the head was read; 0: not known
  std::shared_ptr<void> held = {};  // what the route's check_head took for it; given back with the request
  std::string from = {};            // the address of the client, "" for the state folder's socket
  std::string session = {};         // id of the session whose cookie says who calls, or ""

  std::optional<std::string> query_value(std::string_view name) const;
  std::string_view header(std::string_view lower_name) const;  // "" when absent
  const std::string& arg(const std::string& name) const;       // of the pattern; our mistake when absent
};

struct Asker;

struct Reply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  Pairs headers;
  std::shared_ptr<Reader> stream = {};  // when set, its next `stream_size` bytes are the body, read while they are sent
  uint64_t stream_size = 0;
  // When set, this is not the answer yet: that is given to the asker, and meanwhile no thread waits.
  std::function<void(Asker)> later = {};

  static Reply json(const Json& value, int status = 200) { return {.status = status, .body = to_text(value)}; }
  static Reply text(std::string value, int status = 200) {
    return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::move(value)};
  }
  static Reply empty(int status = 200) { return {.status = status, .content_type = ""}; }
};

// Who waits for an answer that comes later.
struct Asker {
  std::function<void(Reply)> give;    // once, from any thread; does nothing when the client has gone
  std::weak_ptr<const void> waiting;  // expired: the client has gone
};

// What a caller needs for a route. `open` needs no login at all.
enum class Permission { open, read, write, approve, admin };
std::string_view name_of(Permission permission);  // open, or the role that is needed: reader, writer, approver, admin

enum class Run {
  inline_,  // on the network thread: short, never waits (inference)
  worker,   // on a worker thread: may wait for disk and locks
};

// How much of a body is taken. `spool` writes it to a file (uploads); with `encoded` the handler reads Content-Encoding
// itself, elsewhere a coded body is refused.
struct BodyLimit {
  size_t bytes;
  bool spool = false;
  bool encoded = false;
};

using Handler = std::function<Reply(Request&)>;
// What can be refused by the head alone is, before a large body is read: short, on the network thread.
// Requests of one route that wait at the same moment, each answered: as many replies, in their order.
using Together = std::function<std::vector<Reply>(std::span<Request* const>)>;
// Is it of use to collect requests like this one? Short, on the network thread.
using Gathers = std::function<bool(const Request&)>;
using HeadCheck = std::function<Result<void>(Request&)>;

struct Route {
  // No default for any column: that is the point.
  Route(std::string method, std::string pattern, Permission permission, BodyLimit limit, std::string audit, Run run,
        Handler handler, std::string summary)
      : method(std::move(method)),
        pattern(std::move(pattern)),
        permission(permission),
        limit(limit),
        audit(std::move(audit)),
        run(run),
        handler(std::move(handler)),
        summary(std::move(summary)) {}

  std::string method;
  std::string pattern;  // "/v2/models/{model}/infer"; "{rest...}" takes the rest of the path
  Permission permission;
  BodyLimit limit;
  std::string audit;  // kind of the journal line that a success may write, or "none"
  Run run;
  Handler handler;
  std::string summary;  // one sentence for the OpenAPI document
  HeadCheck check_head = {};
  Together together = {};  // beside `handler`; both or none, and inline_
  Gathers gathers = {};
  bool quiet = false;  // a success writes no line of its own: there are many, and the prediction log has them
};

using Routes = std::vector<Route>;

}  // namespace millrace::api
