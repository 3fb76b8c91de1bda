#include "monitor/window/log_view.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/files.h"

namespace millrace::monitor {
namespace {

constexpr int64_t kMemory = int64_t{1} << 30;
constexpr int kMostOrigins = 10'000;

std::string parquet(const std::vector<std::string>& files) {
  std::vector<std::string> quoted;
  for (const auto& file : files) quoted.push_back(engine::quote_text(file));
  return fmt::format("read_parquet([{}], union_by_name = true)", fmt::join(quoted, ", "));
}

// The file is our own: what the engine cannot read of it was damaged.
Error damaged(Error error) {
  if (error.code() != Code::invalid && error.code() != Code::not_found) return error;
  return Error{Code::corrupt, "the prediction log cannot be read: " + error.message()}.hint(
      "restore the predictions folder from a backup");
}

// The probability: the only output that is a floating-point number with one value a row, else the one of that name,
// else the first.
std::string choose_score(const std::vector<std::string>& outputs) {
  if (outputs.empty()) return "";
  const bool named = std::find(outputs.begin(), outputs.end(), "out_probability") != outputs.end();
  return outputs.size() > 1 && named ? "out_probability" : outputs.front();
}

std::string single_precision(std::string_view value) {
  return fmt::format("CAST(TRY_CAST({} AS FLOAT) AS DOUBLE)", value);
}

std::string or_null(const std::string& cases) {
  return cases.empty() ? "CAST(NULL AS DOUBLE)" : "CASE" + cases + " END";
}

}  // namespace

std::string Group::condition() const {
  return fmt::format("arm = {} AND model = {} AND version = {}", engine::quote_text(arm), engine::quote_text(model),
                     version);
}

Result<LogView> LogView::open(engine::Engines& engines, const WindowRequest& request, const Compare& compare) {
  LogView out;
  if (request.files.empty()) return out;
  auto readable = request.files;
  readable.insert(readable.end(), request.labels.begin(), request.labels.end());
  MILLRACE_TRY(
      out.engine_,
      engines.open({.memory_bytes = kMemory, .temp_folder = request.temp_folder, .readable = std::move(readable)}));
  MILLRACE_DO(out.engine_->lock_down());
  auto made = out.make_log(request);
  if (made) made = out.find_groups(compare);
  if (!made) return damaged(std::move(made).error());
  MILLRACE_DO(out.make_seen());
  MILLRACE_DO(out.make_labelled(request));
  return out;
}

Result<void> LogView::make_log(const WindowRequest& request) {
  const auto source = parquet(request.files);
  MILLRACE_TRY(const auto shape, engine_->query("DESCRIBE SELECT * FROM " + source));
  for (size_t row = 0; row < shape.rows(); ++row) {
    const auto name = shape.text(row, 0), type = shape.text(row, 1);
    if (name.starts_with("in_")) inputs_.push_back(name);
    if (name.starts_with("out_") && type == "DOUBLE") outputs_.push_back(name);
    has_durations_ = has_durations_ || name == "duration_us";
  }
  std::sort(inputs_.begin(), inputs_.end());
  MILLRACE_TRY(const auto made,
               engine_->execute(fmt::format("CREATE TEMPORARY VIEW log AS SELECT * FROM {} WHERE workspace = {} AND "
                                            "event_time >= make_timestamptz({}) AND event_time < make_timestamptz({})",
                                            source, engine::quote_text(request.workspace), request.from, request.to)));
  (void)made;
  return {};
}

Result<void> LogView::find_groups(const Compare& compare) {
  std::string counts;
  for (const auto* columns : {&inputs_, &outputs_})
    for (const auto& column : *columns) counts += fmt::format(", count({})", engine::quote_name(column));
  MILLRACE_TRY(const auto table,
               engine_->query(fmt::format("SELECT arm, model, version, count(*), "
                                          "sum(CASE WHEN status = 'answered' THEN 1 ELSE 0 END), "
                                          "sum(CASE WHEN status = 'refused' THEN 1 ELSE 0 END), "
                                          "sum(CASE WHEN status = 'failed' THEN 1 ELSE 0 END){} "
                                          "FROM log GROUP BY arm, model, version ORDER BY arm, model, version",
                                          counts)));
  for (size_t row = 0; row < table.rows(); ++row) {
    Group group{.arm = table.text(row, 0),
                .model = table.text(row, 1),
                .version = table.integer(row, 2),
                .requests = table.integer(row, 3),
                .answered = table.integer(row, 4),
                .refused = table.integer(row, 5),
                .failed = table.integer(row, 6)};
    size_t at = 7;
    // A column that is always null is another arm's: the log of a deployment has the columns of all of them.
    for (const auto& input : inputs_)
      if (table.integer(row, at++) > 0) group.inputs.push_back(input);
    std::vector<std::string> outputs;
    for (const auto& output : outputs_)
      if (table.integer(row, at++) > 0) outputs.push_back(output);
    group.score = choose_score(outputs);
    MILLRACE_TRY(group.compared, compare(group.model, group.version));
    groups_.push_back(std::move(group));
  }
  return find_origins();
}

Result<void> LogView::find_origins() {
  for (auto& group : groups_)
    for (const auto& [column, out] : {std::pair{"release", &group.releases}, std::pair{"\"input\"", &group.sent}}) {
      MILLRACE_TRY(const auto table, engine_->query(fmt::format(
                                         "SELECT DISTINCT {0} FROM log WHERE {1} AND {0} <> '' ORDER BY 1 LIMIT {2}",
                                         column, group.condition(), kMostOrigins)));
      for (size_t row = 0; row < table.rows(); ++row) out->push_back(table.text(row, 0));
    }
  return {};
}

// Scores of single precision are compared with the threshold in single precision, as serving and the gates do.
Result<void> LogView::make_seen() {
  std::string scores, thresholds;
  for (const auto& group : groups_) {
    if (!group.score.empty())
      scores += fmt::format(" WHEN {0} THEN CASE WHEN isnan({1}) THEN NULL ELSE {1} END", group.condition(),
                            engine::quote_name(group.score));
    thresholds += fmt::format(" WHEN {} THEN {}", group.condition(), literal(group.compared.threshold));
  }
  for (const auto& view :
       {fmt::format("scored AS SELECT *, {} AS score, {} AS threshold FROM log", or_null(scores), or_null(thresholds)),
        fmt::format(
            "seen AS SELECT *, score >= CASE WHEN {0} = score THEN {1} ELSE threshold END AS chosen FROM scored",
            single_precision("score"), single_precision("threshold"))}) {
    MILLRACE_TRY(const auto made, engine_->execute("CREATE TEMPORARY VIEW " + view));
    (void)made;
  }
  return {};
}

Result<void> LogView::make_labelled(const WindowRequest& request) {
  if (request.labels.empty() || groups_.empty()) return {};
  MILLRACE_TRY(
      const auto made,
      engine_->execute(fmt::format(
          "CREATE TEMPORARY TABLE labelled AS SELECT s.arm, s.model, s.version, s.score, s.chosen, l.label, "
          "l.revision FROM seen s JOIN {} l ON TRY_CAST(s.prediction_id AS UUID) = TRY_CAST(l.prediction_id AS "
          "UUID) AND s.\"row\" = l.row_number",
          parquet(request.labels))));
  (void)made;
  has_labels_ = true;
  return {};
}

}  // namespace millrace::monitor
