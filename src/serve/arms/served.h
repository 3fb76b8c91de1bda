// A deployment as it is served at one moment: its arms, loaded. Immutable; a request keeps it alive until it is
// answered, so a swap of releases is a swap of one pointer.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "serve/cases/rules.h"
#include "serve/guard.h"
#include "serve/judge/observation.h"
#include "serve/prediction_log.h"
#include "serve/process/options.h"
#include "serve/runtime.h"
#include "serve/statistics.h"

namespace millrace::serve {

class Judge;

// A model in memory. Shared by every release that serves the same bytes under the same contract.
struct Loaded {
  std::string digest;    // of the model file's bytes
  std::string contract;  // path, "" = unguarded
  std::shared_ptr<const Model> model;
  std::shared_ptr<const Guard> guard;  // null: inputs are not guarded
  process::Isolation isolation = process::Isolation::in_process;
  std::string runtime;  // that was asked for
};
using LoadedPtr = std::shared_ptr<const Loaded>;

// Copies of requests for shadows, since the start of the process: one for each shadow that a request was meant for.
struct ShadowCounts {
  std::atomic<uint64_t> queued{0}, answered{0}, failed{0}, dropped{0};
};

// What stays of a deployment while its releases come and go.
struct Place {
  std::string name;
  std::unique_ptr<PredictionLog> log;  // null without a log folder
  StatisticsByArm statistics;
  ShadowCounts shadow;
  std::atomic<uint64_t> cases{0};  // requests that a person decides, since the start
  std::mutex loading;              // one load at a time, in order; guards the next fields
  std::vector<LoadedPtr> loaded;   // newest use first
  std::shared_ptr<Judge> judge;    // of the rollout under way
};

struct ServedArm {
  Arm arm;
  ArmKey key;
  std::string version;  // as the protocol shows it
  std::string release;  // node of the release
  LoadedPtr loaded;
  std::shared_ptr<Statistics> statistics;
  GuardMode guard_mode = GuardMode::reject;
  std::shared_ptr<const CaseRules> cases;  // null: the model's answers go out
  std::optional<ScoreOutput> score;
  std::optional<double> threshold;  // from which a score chooses the positive class; nothing = not known

  const Model& model() const { return *loaded->model; }
};

struct Served {
  std::shared_ptr<Place> place;
  ServedArm stable;
  std::optional<ServedArm> canary;
  double canary_share = 0;
  std::vector<ServedArm> shadows;
  std::string salt;
  std::shared_ptr<Judge> judge;      // of the canary, under a policy; else null
  std::optional<ScoreOutput> score;  // what it compares
  std::optional<size_t> unit_input;  // the input that is the unit where a request names none
  std::string unit_header;           // lower case; a request's head that names the unit besides Millrace-Unit, or ""

  // The unit of a request, "" = none.
  std::string unit_of(const std::string& given, const std::vector<Tensor>& inputs) const;
  // The canary, unless its judge has taken it out.
  const ServedArm* canary_in() const;
  // Who answers a unit. "" is the stable arm's.
  const ServedArm& arm_of(const std::string& unit) const;
};
using ServedPtr = std::shared_ptr<const Served>;

// Arms answer the same requests: the same inputs and outputs by name, type and shape, in the same order. `invalid` with
// the first difference otherwise.
Result<void> check_same_requests(const ServedArm& stable, const ServedArm& other);

}  // namespace millrace::serve
