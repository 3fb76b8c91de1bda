// From an alert to what changed upstream: candidates (dataset versions and their columns, code, parameters,
// environment, releases) ranked by evidence, and one of three verdicts.
//
// The way upstream: the window's inputs (the prediction log's `input` digests) are outs of stage records; without them,
// the records whose newest batch the window falls into; without any, every dataset version that overlaps the window.
// Records are compared with those behind the last earlier window: stages that run the same file are comparable though
// their names differ. Dataset versions that overlap the window are examined (data/cause/examine.h). A column counts
// when it can reach the alert's column by the flow of names through the stages' SQL (flow.h).
//
// Score, 0..1: strength of the evidence x reach x kind, and raised by a slice that is anomalous on both sides.
//   reach   drift, nulls, refusals: 1 if one of the columns reaches the subject, or rows are gone, came twice or were
//           set aside; 0.8 for the event time, by which rows are joined; 0.35 if none can; performance: the same for
//           any input of the model; 0.9 where the flow is not known (a stage that is no SQL)
//   kind    quarantine: 1 for the alert's dataset, 0.35 for others
// Code, parameters and environment that changed since the last earlier window have a fixed strength: whether the change
// matters is not known. A release in the window is a suspicion and never enough for a cause.
//
// Verdicts:
//   cause                the first candidate's score is at least 0.6
//   not_enough_evidence  too little history to compare with (fewer than 3 earlier batches); or the first candidate is
//                        between 0.4 and 0.6; or nothing stands out and nothing moved either
//   natural_drift        drift, nulls or performance; nothing stands out, and a column that can reach the alert moved
//                        without a step at the boundary
// The same rows give the same document but for `at`. Thread-safe.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "data/cause/examine.h"
#include "data/datasets/sources.h"
#include "monitor/records.h"
#include "pipeline/pipeline.h"
#include "registry/registry.h"

namespace millrace::monitor {

inline constexpr double kCauseScore = 0.6;
inline constexpr double kDoubtScore = 0.4;
inline constexpr size_t kTraceVersions = 8;  // of one dataset that are examined, those at the beginning of the window
inline constexpr size_t kTraceCandidates = 10;

struct Question {
  std::string deployment;
  std::string kind;     // of an alert: drift, nulls, performance, refusals, quarantine, latency
  std::string subject;  // column, metric, field or dataset
  Micros from = 0, to = 0;
};
Question question_of(const Alert& alert);
// `invalid` for an unknown kind, an empty subject or period.
Result<void> check_question(const Question& question);

struct TraceParts {
  Context& context;
  const data::Datasets& datasets;
  const pipeline::Pipelines& pipelines;
  const registry::Registry& registry;
  engine::Engines& engines;
  const store::Blobs& blobs;
  std::string predictions_folder;  // STATE/predictions
  std::string temp_folder;
  // Dataset versions that earlier traces found to be broken; may be empty.
  std::function<Result<std::set<std::string>>(const std::string& workspace)> broken = {};
};

class Tracer {
 public:
  explicit Tracer(TraceParts parts);

  // The project's sources say what is append and where time stands; its models name the inputs that count for
  // performance. The prediction log must be sealed as far as it is to count.
  // `not_found` when there is no dataset at all.
  Result<Json> trace(const Caller& caller, const Question& question, const Project& project) const;

 private:
  struct Cache;
  TraceParts parts_;
  // Alerts of one window ask about the same versions. Bounded.
  std::shared_ptr<Cache> cache_;
};

}  // namespace millrace::monitor
