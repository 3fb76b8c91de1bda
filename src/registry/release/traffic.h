// How every move of traffic goes, whichever step it is: decide, put the files in place, ask whether they can be served,
// decide again and write the record in one transaction, then the snapshot. Private to the registry.
#pragma once
#include <functional>

#include "registry/records.h"

namespace millrace::registry {

// What is to be live, seen from what is.
struct TrafficPlan {
  std::string step;
  ReleaseSnapshot snapshot;            // arms, unit and guard; the rest is filled in when it is written
  int64_t restores = 0;                // of a rollback
  std::vector<std::string> approvals;  // nodes that stand behind its arms
  Json evidence;                       // what it was decided by
  std::string evidence_blob;           // its digest
};
// `live` is absent before the first release. Called twice: before the files are in place, and inside the transaction.
using DecideTraffic =
    std::function<Result<TrafficPlan>(store::Session& session, const std::optional<StoredRelease>& live)>;

struct TrafficOrder {
  const std::string& deployment;
  const Move& move;
  std::string_view what;  // "a rollback", in messages
  DecideTraffic decide;
  const Project* project = nullptr;  // of a move under a request
  std::string request;               // that allowed it, or ""
};

// What a version needs for its arm: `answers` gates and approvals, `listens` (a shadow) gates only.
enum class Duty { answers, listens };
// A version on its way to an arm, as it was read before the transaction.
struct Arrival {
  ModelSpec model;
  StoredVersion seen;
  ReleasedModel arm;
  Duty duty = Duty::answers;
};
Result<Arrival> read_arrival(const Parts& parts, const std::string& workspace, const ModelSpec& model, int64_t version,
                             Duty duty);
// Inside the transaction: the rules again, and that the evidence is still what was seen.
Result<void> check_arrival(store::Session& session, const std::string& workspace, const Arrival& arrival);
std::vector<std::string> approvals_of(const Arrival& arrival);
// Approvals that stood behind one arm of an earlier release.
Result<std::vector<std::string>> approvals_of(store::Session& session, const std::string& workspace,
                                              const Release& release, const ReleasedModel& arm);

Result<ModelSpec> find_model(const Project& project, const DeploymentSpec& spec);
Result<StoredRelease> get_live(const std::optional<StoredRelease>& live, const std::string& deployment);
// The release that put the stable arm of this one on: itself, or an earlier one.
Result<int64_t> origin_of(store::Session& session, const std::string& workspace, const Release& release);

bool same_version(const ReleasedModel& one, const ReleasedModel& other);
bool same_version(const ReleasedModel& arm, const Arrival& arrival);
std::string node_of(const ReleasedModel& arm);

}  // namespace millrace::registry
