// The registry's rows as values, read inside a transaction so that a decision and what it is based on are one.
#pragma once
#include "registry/registry.h"

namespace millrace::registry {

// A version with what only the registry itself looks at.
struct StoredVersion {
  ModelVersion version;
  Json files;              // {model, contract, scored, report}: blobs
  Json facts;              // facts.h
  Json policy;             // of the last evaluation; null before the first
  int64_t evaluation = 0;  // its number
};

struct StoredRelease {
  Release release;
  std::string snapshot;  // as store_snapshot() takes it, JSON text
};
// What a snapshot says of its release: all but `step`, `restores` and `event_time`.
Release release_of(const ReleaseSnapshot& snapshot);

Json to_json(const GateResult& result);
GateResult gate_result_of(const Json& json);

// What gates and approvals the project asks for. Approvals hold for one policy: it is part of the gates' report.
Json policy_of(const ModelSpec& spec);

// Digest over all of them: what an approval covers.
std::string covered_by(const Digests& digests);
std::string model_node(std::string_view model, int64_t version);

// As insert_version() wrote them; `node` is named where they are damaged.
Result<Digests> digests_in(const std::string& text, const std::string& node);
// Adds the last evaluation of the gates, the approvals and the state to versions that have their author and digests, in
// the same few statements for any number of them.
Result<void> add_evidence(store::Session& session, const std::string& workspace,
                          const std::vector<StoredVersion*>& versions);

// not_found names the versions that there are.
Result<StoredVersion> get_stored(store::Session& session, const std::string& workspace, const std::string& model,
                                 int64_t version);
// The same, and not_found when it was deleted.
Result<StoredVersion> get_present(store::Session& session, const std::string& workspace, const std::string& model,
                                  int64_t version);
Result<std::optional<StoredRelease>> newest_release(store::Session& session, const std::string& workspace,
                                                    const std::string& deployment);
Result<StoredRelease> get_release(store::Session& session, const std::string& workspace, const std::string& deployment,
                                  int64_t number);

// Reads one value in a transaction.
template <class T, class F>
Result<T> read_one(const store::Database& database, F function) {
  std::optional<T> out;
  MILLRACE_DO(database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(out, function(session));
    return {};
  }));
  return std::move(*out);
}

}  // namespace millrace::registry
