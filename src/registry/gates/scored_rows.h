// The held-out rows with their label and score, read through the engine. What is wrong with them is found once, on
// opening, and each gate that needs them says it.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"
#include "engine/engine.h"

namespace millrace::registry {

struct ScoredFile {
  std::string name;   // for people: "scored.parquet"
  std::string path;   // a Parquet file
  std::string label;  // the column with 0 or 1
  std::string temp_folder;
};

struct GroupCount {
  std::string group;                           // the value as text; a null is "(none)"
  int64_t rows = 0, positives = 0, found = 0;  // found: positives at or above the threshold
};

// Not thread-safe; the engine's session lives with it.
class ScoredRows {
 public:
  // A file that cannot be read is an Error; columns and values that gates cannot use are a problem().
  static Result<ScoredRows> open(engine::Engines& engines, const ScoredFile& file);

  const std::string& problem() const { return problem_; }  // a sentence, or "" when every row can be used
  int64_t rows() const { return rows_; }
  int64_t positives() const { return positives_; }

  struct Pairs {
    std::vector<double> scores;
    std::vector<uint8_t> labels;
  };
  // Ordered by score and label, so that sums come out the same every time. too_large over limits::result_rows.
  Result<Pairs> pairs() const;
  bool has(const std::string& column) const;
  // Every value of the column, in order. Scores are compared with the threshold in their own precision, as serving
  // does.
  Result<std::vector<GroupCount>> groups(const std::string& column, double threshold) const;

 private:
  Result<void> inspect(const ScoredFile& file);

  std::unique_ptr<engine::Engine> engine_;
  std::vector<std::string> columns_;
  std::string label_, score_type_, problem_;
  int64_t rows_ = 0, positives_ = 0;
};

}  // namespace millrace::registry
