#include "api/idempotency.h"

#include <algorithm>

#include "core/hash.h"

namespace millrace::api {

Result<void> Idempotency::read_key(Request& request) {
  const auto key = request.header("idempotency-key");
  if (key.empty()) return {};
  const bool printable = std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < 127; });
  if (key.size() > 255 || !printable)
    return Error{Code::invalid, "the Idempotency-Key must be 1 to 255 printable characters"}.at_field(
        "Idempotency-Key");
  request.caller.idempotency_key = std::string(key);
  request.caller.request_digest = digest_of(request.method + "\n" + request.path + "\n" + request.body);
  return {};
}

Result<std::optional<Reply>> Idempotency::find(const Caller& caller) const {
  std::optional<Reply> reply;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(
        const auto row,
        session.first(
            "SELECT request_digest, status, body FROM idempotency WHERE workspace = ? AND subject = ? AND key = ?",
            {caller.workspace, caller.subject, caller.idempotency_key}));
    if (!row) return {};
    if (row->text(0) != caller.request_digest)
      return Error{Code::conflict, "this Idempotency-Key was used for another request"}
          .at_field("Idempotency-Key")
          .hint("take a new key for a new request");
    if (row->integer(1) == 0)
      return Error{Code::conflict, "the first request with this key made its change, but its answer was not kept"}
          .at_field("Idempotency-Key")
          .hint("read the state; do not send the change again");
    reply = Reply{.status = static_cast<int>(row->integer(1)),
                  .body = row->text(2),
                  .headers = {{"idempotency-replayed", "true"}}};
    return {};
  }));
  return reply;
}

Result<void> Idempotency::keep(const Caller& caller, const Reply& reply) {
  return database_.write([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto changed, session.execute("UPDATE idempotency SET status = ?, body = ? WHERE workspace = ? "
                                                     "AND subject = ? AND key = ? AND request_id = ?",
                                                     {int64_t{reply.status}, reply.body, caller.workspace,
                                                      caller.subject, caller.idempotency_key, caller.request_id}));
    (void)changed;
    return {};
  });
}

}  // namespace millrace::api
