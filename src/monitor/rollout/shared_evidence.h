// Servers on one store judge a canary with what all of them have seen: each writes what its own judge knows, and reads
// what the others wrote. Their requests are different ones, so their wealths multiply (stats/sequential/two_arms.h).
#pragma once
#include <map>
#include <string>

#include "core/context.h"
#include "registry/registry.h"
#include "serve/judge/judge.h"
#include "store/database.h"

namespace millrace::monitor {

// Not thread-safe.
class SharedEvidence {
 public:
  // `id_file` keeps who this server is, over its starts.
  static Result<SharedEvidence> open(const std::string& id_file, store::Database& database,
                                     const registry::Registry& registry, Context& context);

  // Writes and reads, at most once a second a deployment. True when what the others know took the canary out.
  Result<bool> exchange(serve::Judge& judge);

 private:
  SharedEvidence(std::string server, store::Database& database, const registry::Registry& registry, Context& context)
      : server_(std::move(server)), database_(&database), registry_(&registry), context_(&context) {}
  struct Seen {
    int64_t release = 0, origin = 0;  // the release that began the rollout which is at `release`
    uint64_t changes = 0;             // as written last
    Micros next = 0;                  // steady
  };
  Result<int64_t> origin_of(const serve::RolloutSubject& subject, int64_t release) const;
  Result<void> put(const serve::RolloutSubject& subject, int64_t origin, const std::string& evidence);

  std::string server_;
  store::Database* database_;
  const registry::Registry* registry_;
  Context* context_;
  std::map<std::string, Seen> seen_;
};

}  // namespace millrace::monitor
