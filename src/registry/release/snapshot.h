// What the data plane reads of a release: STATE/serving/<deployment>/current.json and the files that it names.
// The registry writes it, serve/ reads it; neither asks the other, so serving goes on while the metadata store is down.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/json.h"
#include "core/result.h"
#include "registry/release/review_rules.h"
#include "registry/release/rollout_policy.h"

namespace millrace::registry {

// One arm of a release. Paths are relative to the deployment's folder and never leave it.
struct ReleasedModel {
  std::string model;
  int64_t version = 0;
  std::string digest;               // of the model file's bytes; checked again when it is loaded
  std::string file;                 // files/<hex of digest>.onnx
  std::string contract;             // a copy of the ODCS file; "" = inputs are not guarded
  std::optional<double> threshold;  // of the positive class, where the model has one
};

struct ReleaseSnapshot {
  std::string deployment;
  int64_t release = 0;
  std::string workspace = "default";
  std::string salt;              // of the sticky assignment to arms
  std::string unit;              // the column that is assigned, "" = none
  std::string unit_header;       // lower case; a request's head that names the unit, "" = only Millrace-Unit
  std::string guard = "reject";  // what happens to a row that breaks the contract
  std::string runtime;           // of all arms (serve/runtimes.h), "" = auto
  ReleasedModel stable;
  std::optional<ReleasedModel> canary;
  double canary_share = 0;
  std::optional<RolloutPolicy> rollout;  // of the canary; nothing: people decide
  std::vector<ReleasedModel> shadows;
  std::vector<ReviewRule> review;  // whose answers a person decides
  Micros created_at = 0;
  std::string reason, subject;
};

Json to_json(const ReleaseSnapshot& snapshot);
// Strict: unknown keys, unsafe paths, a digest that is none and a release below 1 are `corrupt`, with the field.
Result<ReleaseSnapshot> parse_snapshot(std::string_view text, std::string_view from);

// path is that of current.json. not_found when there is none.
Result<ReleaseSnapshot> load_snapshot(const std::string& path);
// folder is the deployment's; the files that the snapshot names must already be in it. Durable when it returns; readers
// see the old snapshot or the new one. `invalid` when the snapshot would not load again.
Result<void> store_snapshot(const std::string& folder, const ReleaseSnapshot& snapshot);

}  // namespace millrace::registry
