// A shadow's answers beside those that were given: the same request, both scores, row by row.
//
// {deployment, shadow, score, rows, mean, mean_abs, max_abs, quantiles: {p50, p90, p99} of |dp|, histogram: {edges,
//  counts} of |dp|, flips, flip_rate, to_positive, to_negative, thresholds: {shadow, stable},
//  answered: {both, only_stable, only_shadow}: rows, segments: [{column, value, rows, mean_abs, mean, flips,
//  flip_rate}], groups: the same of the columns that were named, whatever the number of their values}
// mean: of shadow less stable; flip_rate: {value, low, high}.
// A flip is another choice, each by its version's threshold. Segments are the values of inputs that have few: those
// that flip most come first, by the lower end of their interval (Wilson, 95 percent).
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/json.h"
#include "engine/engine.h"
#include "serve/prediction.h"

namespace millrace::monitor {

struct DifferenceRequest {
  std::string deployment, workspace;
  std::string model;
  int64_t version = 0;  // of the shadow
  double shadow_threshold = 0.5, stable_threshold = 0.5;
  std::string log_folder;  // of the deployment; all of it is sealed
  std::string temp_folder;
  std::string arm = std::string(serve::kShadow);  // whose answers are compared
  std::vector<std::string> more = {};             // Parquet files beside the log that hold them
  std::vector<std::string> groups = {};           // inputs, without "in_"
  // Of event time, from inclusive, to exclusive.
  struct Period {
    Micros from = 0, to = 0;
  };
  std::optional<Period> within = {};
  std::vector<Period> without = {};
  std::optional<std::vector<std::string>> files = {};  // of the log; nothing: all that are sealed
};

// The log and what is beside it as the view `log`, nothing else to be read. not_found when there is nothing.
Result<std::unique_ptr<engine::Engine>> open_log(engine::Engines& engines, const DifferenceRequest& request);

// In sums (difference_part.h); of no rows where nothing was answered by both.
struct DifferencePart {
  Json sums;
  std::string score;                  // the output that was compared, "" when there is none
  std::vector<std::string> releases;  // nodes of those that the shadow listened in
};
Result<DifferencePart> measure_part(engine::Engines& engines, const DifferenceRequest& request);

// The report that such sums make; not_found without rows.
Result<Json> report_of(const DifferenceRequest& request, const Json& sums, const std::string& score);

// not_found when the log has no row that both answered.
Result<Json> measure_shadow(engine::Engines& engines, const DifferenceRequest& request);

}  // namespace millrace::monitor
