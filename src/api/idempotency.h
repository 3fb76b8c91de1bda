// Idempotency-Key: a repeated request has no second effect and gets the first one's answer.
// The journal claims the key in the transaction of the change itself, so that even a crash between the change and its
// answer does not let it happen twice; the answer is kept afterwards, unless it must not be stored (cache-control:
// no-store).
#pragma once
#include <optional>

#include "api/http.h"
#include "core/result.h"
#include "store/database.h"

namespace millrace::api {

// Thread-safe.
class Idempotency {
 public:
  explicit Idempotency(store::Database& database) : database_(database) {}

  // Reads the header into request.caller. `invalid` when the key is none (1 to 255 printable characters).
  static Result<void> read_key(Request& request);
  // The answer of the first request with this key, if there was one. `conflict` when that was another request, or when
  // it changed something and died before its answer was kept.
  Result<std::optional<Reply>> find(const Caller& caller) const;
  // Keeps the answer of a request that has changed something. Nothing happens when it claimed no key.
  Result<void> keep(const Caller& caller, const Reply& reply);

 private:
  store::Database& database_;
};

}  // namespace millrace::api
