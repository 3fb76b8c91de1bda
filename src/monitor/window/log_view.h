// The rows of one window in the SQL engine: the sealed prediction log between two event times, joined with labels.
// Nothing is read into our memory but counts and sums; the engine spills what it must sort or join.
//
// What the SQL of this folder reads:
//   seen      every row of the log, with `score` (null unless answered; NaN is null) and `chosen` (score >= threshold)
//   labelled  rows of `seen` that have a label: arm, model, version, score, chosen, label (0, 1), revision (of the
//   label)
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "engine/engine.h"
#include "monitor/reference.h"

namespace millrace::monitor {

struct WindowRequest {
  std::string workspace;
  Micros from = 0, to = 0;          // of event time, [from, to)
  std::vector<std::string> files;   // sealed Parquet files of the prediction log; absolute
  std::vector<std::string> labels;  // Parquet files of prediction_id, row_number, label, revision; absolute
  std::string temp_folder;          // where the engine may spill; must exist
  std::optional<double> missing;
};

// What a model version is compared with.
struct Compared {
  double threshold = 0.5;
  std::shared_ptr<const Reference> reference;  // never null
};
using Compare = std::function<Result<Compared>(const std::string& model, int64_t version)>;

// The rows of one model version in one role.
struct Group {
  std::string arm, model;
  int64_t version = 0;
  int64_t requests = 0, answered = 0, refused = 0, failed = 0;
  std::string score;                  // the log's column, "" when there is none
  std::vector<std::string> inputs;    // the log's columns that this version is fed, sorted
  std::vector<std::string> releases;  // nodes
  std::vector<std::string> sent;      // digests of the files that requests were replayed from
  Compared compared;

  bool is_shadow() const { return arm == "shadow"; }
  std::string condition() const;  // SQL
};

class LogView {
 public:
  // Files that are damaged are `corrupt`. `compare` is asked once for each version.
  static Result<LogView> open(engine::Engines& engines, const WindowRequest& request, const Compare& compare);

  engine::Engine& engine() const { return *engine_; }
  const std::vector<Group>& groups() const { return groups_; }  // by arm, model, version
  bool has_durations() const { return has_durations_; }
  bool has_labels() const { return has_labels_; }

 private:
  Result<void> make_log(const WindowRequest& request);
  Result<void> find_groups(const Compare& compare);
  Result<void> find_origins();
  Result<void> make_seen();
  Result<void> make_labelled(const WindowRequest& request);

  std::unique_ptr<engine::Engine> engine_;
  std::vector<std::string> inputs_, outputs_;  // columns of the log; outputs: numbers only
  std::vector<Group> groups_;
  bool has_durations_ = false, has_labels_ = false;
};

}  // namespace millrace::monitor
