#include "registry/gates/scored_rows.h"

#include <algorithm>

#include <fmt/format.h>

namespace millrace::registry {

Result<ScoredRows> ScoredRows::open(engine::Engines& engines, const ScoredFile& file) {
  ScoredRows out;
  out.label_ = file.label;
  MILLRACE_TRY(out.engine_, engines.open({.temp_folder = file.temp_folder, .readable = {file.path}}));
  MILLRACE_TRY(const auto made,
               out.engine_->execute(fmt::format("CREATE TEMPORARY VIEW scored AS SELECT * FROM read_parquet({})",
                                                engine::quote_text(file.path))));
  (void)made;
  MILLRACE_DO(out.engine_->lock_down());
  MILLRACE_DO(out.inspect(file));
  return out;
}

Result<void> ScoredRows::inspect(const ScoredFile& file) {
  MILLRACE_TRY(const auto shape, engine_->query("DESCRIBE scored"));
  for (size_t row = 0; row < shape.rows(); ++row) columns_.push_back(shape.text(row, 0));
  const auto type_of = [&](const std::string& column) {
    for (size_t row = 0; row < columns_.size(); ++row)
      if (columns_[row] == column) return shape.text(row, 1);
    return std::string();
  };
  for (const auto& column : {label_, std::string("score")})
    if (!has(column)) {
      problem_ = fmt::format(
          "{} has no column '{}'; let the stage that makes it write the label and the score of every held-out row",
          file.name, column);
      return {};
    }
  score_type_ = type_of("score");
  if (score_type_ != "FLOAT" && score_type_ != "DOUBLE") {
    problem_ =
        fmt::format("the column 'score' of {} is {} and not a floating-point number; write it as float32 or float64",
                    file.name, score_type_);
    return {};
  }
  const std::string label = fmt::format("TRY_CAST(CAST({} AS VARCHAR) AS DOUBLE)", engine::quote_name(label_));
  const std::string truth =
      type_of(label_) == "BOOLEAN" ? fmt::format("CAST({} AS INTEGER)", engine::quote_name(label_)) : label;
  MILLRACE_TRY(
      const auto counts,
      engine_->query(fmt::format(
          "SELECT count(*), sum(CASE WHEN {0} = 1 THEN 1 ELSE 0 END), sum(CASE WHEN {0} IN (0, 1) THEN 0 ELSE 1 END), "
          "sum(CASE WHEN score >= 0 AND score <= 1 THEN 0 ELSE 1 END) FROM scored",
          truth)));
  rows_ = counts.integer(0, 0);
  positives_ = counts.integer(0, 1);
  if (rows_ == 0)
    problem_ = fmt::format("{} has no rows; score held-out rows and evaluate again", file.name);
  else if (counts.integer(0, 2) > 0)
    problem_ = fmt::format("{} of {} rows of {} have a '{}' that is not 0 or 1; leave them out or label them",
                           counts.integer(0, 2), rows_, file.name, label_);
  else if (counts.integer(0, 3) > 0)
    problem_ = fmt::format(
        "{} of {} rows of {} have a 'score' that is not from 0 to 1; write the probability of the positive class",
        counts.integer(0, 3), rows_, file.name);
  return {};
}

bool ScoredRows::has(const std::string& column) const {
  return std::find(columns_.begin(), columns_.end(), column) != columns_.end();
}

Result<ScoredRows::Pairs> ScoredRows::pairs() const {
  MILLRACE_TRY(const auto table,
               engine_->query(fmt::format(
                   "SELECT CAST(score AS DOUBLE) AS score, CAST({} AS INTEGER) AS label FROM scored ORDER BY 1, 2",
                   engine::quote_name(label_))));
  Pairs out;
  out.scores.reserve(table.rows());
  out.labels.reserve(table.rows());
  for (size_t row = 0; row < table.rows(); ++row) {
    out.scores.push_back(table.real(row, 0));
    out.labels.push_back(table.integer(row, 1) == 1 ? 1 : 0);
  }
  return out;
}

Result<std::vector<GroupCount>> ScoredRows::groups(const std::string& column, double threshold) const {
  const std::string positive = fmt::format("CAST({} AS INTEGER) = 1", engine::quote_name(label_));
  MILLRACE_TRY(
      const auto table,
      engine_->query(fmt::format(
          "SELECT coalesce(CAST({0} AS VARCHAR), '(none)') AS value, count(*), sum(CASE WHEN {1} THEN 1 ELSE 0 END), "
          "sum(CASE WHEN {1} AND score >= CAST({2} AS {3}) THEN 1 ELSE 0 END) FROM scored GROUP BY 1 ORDER BY 1",
          engine::quote_name(column), positive, threshold, score_type_)));
  std::vector<GroupCount> out;
  for (size_t row = 0; row < table.rows(); ++row)
    out.push_back({table.text(row, 0), table.integer(row, 1), table.integer(row, 2), table.integer(row, 3)});
  return out;
}

}  // namespace millrace::registry
