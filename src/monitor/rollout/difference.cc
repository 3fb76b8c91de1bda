#include "monitor/rollout/difference.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/files.h"
#include "monitor/rollout/replay.h"
#include "monitor/rollout/rollouts.h"
#include "serve/prediction_log.h"
#include "stats/interval.h"

namespace millrace::monitor {
namespace {

constexpr int64_t kMemory = int64_t{512} << 20;
constexpr int64_t kFewValues = 20;  // of a column that makes segments
constexpr size_t kMostColumns = 100, kMostSegments = 50;
constexpr double kEdges[] = {0.001, 0.003, 0.01, 0.03, 0.1, 0.3};

struct LogColumns {
  std::vector<std::string> inputs;
  std::string score;
};

// The score as windows choose it: the only number with one value a row, else `probability`, else the first.
Result<LogColumns> columns_of(engine::Engine& engine) {
  MILLRACE_TRY(const auto described, engine.query("DESCRIBE log"));
  LogColumns out;
  for (size_t row = 0; row < described.rows(); ++row) {
    const auto name = described.text(row, 0), type = described.text(row, 1);
    if (name.starts_with("in_") && (type == "VARCHAR" || type == "BIGINT" || type == "BOOLEAN"))
      out.inputs.push_back(name);
    if (name.starts_with("out_") && type == "DOUBLE" && (out.score.empty() || name == "out_probability"))
      out.score = name;
  }
  if (out.inputs.size() > kMostColumns) out.inputs.resize(kMostColumns);
  return out;
}

Result<void> make_pairs(engine::Engine& engine, const DifferenceRequest& request, const std::string& score) {
  const auto pick =
      fmt::format("CASE WHEN status = 'answered' AND NOT isnan({0}) THEN {0} END", engine::quote_name(score));
  const auto done = engine.execute(fmt::format(
      "CREATE TEMPORARY TABLE pairs AS SELECT a.score AS shadow, b.score AS stable, a.score - b.score AS difference, "
      "(a.score >= {0}) <> (b.score >= {1}) AS flipped, a.score >= {0} AS chosen, b.* EXCLUDE (score) FROM "
      "(SELECT prediction_id, \"row\", {2} AS score FROM log WHERE arm = {6} AND workspace = {3} AND model = {4} "
      "AND version = {5}) a JOIN (SELECT *, {2} AS score FROM log WHERE arm NOT IN ('shadow', {6}) AND workspace = "
      "{3}) b "
      "ON a.prediction_id = b.prediction_id AND a.\"row\" = b.\"row\"",
      request.shadow_threshold, request.stable_threshold, pick, engine::quote_text(request.workspace),
      engine::quote_text(request.model), request.version, engine::quote_text(request.arm)));
  if (!done) return done.error();
  return {};
}

Json rate_of(int64_t hits, int64_t rows) {
  const auto at = stats::wilson(hits, rows);
  return at ? Json{{"value", at->value}, {"low", at->low}, {"high", at->high}} : Json(nullptr);
}

Result<Json> whole(engine::Engine& engine) {
  std::string bins;
  for (size_t i = 0; i <= std::size(kEdges); ++i) {
    std::vector<std::string> range;
    if (i > 0) range.push_back(fmt::format("abs(difference) >= {}", kEdges[i - 1]));
    if (i < std::size(kEdges)) range.push_back(fmt::format("abs(difference) < {}", kEdges[i]));
    bins += fmt::format(", count(*) FILTER ({})", fmt::join(range, " AND "));
  }
  MILLRACE_TRY(const auto table,
               engine.query("SELECT count(difference), avg(abs(difference)), max(abs(difference)), "
                            "quantile_disc(abs(difference), 0.5), quantile_disc(abs(difference), 0.9), "
                            "quantile_disc(abs(difference), 0.99), count(*) FILTER (flipped), "
                            "count(*) FILTER (flipped AND chosen), "
                            "count(*) FILTER (stable IS NOT NULL AND shadow IS NULL), "
                            "count(*) FILTER (stable IS NULL AND shadow IS NOT NULL), avg(difference)" +
                            bins + " FROM pairs"));
  const int64_t rows = table.integer(0, 0);
  if (rows == 0) return Json(nullptr);
  const int64_t flips = table.integer(0, 6), up = table.integer(0, 7);
  Json counts = Json::array();
  for (size_t i = 0; i <= std::size(kEdges); ++i) counts.push_back(table.integer(0, 11 + i));
  return Json{
      {"rows", rows},
      {"mean", table.real(0, 10)},
      {"mean_abs", table.real(0, 1)},
      {"max_abs", table.real(0, 2)},
      {"quantiles", {{"p50", table.real(0, 3)}, {"p90", table.real(0, 4)}, {"p99", table.real(0, 5)}}},
      {"histogram", {{"edges", kEdges}, {"counts", std::move(counts)}}},
      {"flips", flips},
      {"flip_rate", rate_of(flips, rows)},
      {"to_positive", up},
      {"to_negative", flips - up},
      {"answered", {{"both", rows}, {"only_stable", table.integer(0, 8)}, {"only_shadow", table.integer(0, 9)}}}};
}

Result<void> add_segments(engine::Engine& engine, const std::string& column, std::vector<Json>& out) {
  const auto name = engine::quote_name(column);
  MILLRACE_TRY(
      const auto distinct,
      engine.query(fmt::format("SELECT approx_count_distinct({}) FROM pairs WHERE difference IS NOT NULL", name)));
  if (distinct.integer(0, 0) > 2 * kFewValues) return {};
  MILLRACE_TRY(const auto table,
               engine.query(fmt::format("SELECT CAST({0} AS VARCHAR), count(*), avg(abs(difference)), avg(difference), "
                                        "count(*) FILTER (flipped) FROM pairs WHERE difference IS NOT NULL GROUP BY 1 "
                                        "ORDER BY 2 DESC, 1 LIMIT {1}",
                                        name, kFewValues + 1)));
  if (table.rows() > static_cast<size_t>(kFewValues)) return {};
  for (size_t row = 0; row < table.rows(); ++row) {
    const int64_t rows = table.integer(row, 1), flips = table.integer(row, 4);
    out.push_back({{"column", column.substr(3)},
                   {"value", table.json(row, 0)},
                   {"rows", rows},
                   {"mean_abs", table.real(row, 2)},
                   {"mean", table.real(row, 3)},
                   {"flips", flips},
                   {"flip_rate", rate_of(flips, rows)}});
  }
  return {};
}

double lower_end(const Json& segment) {
  const auto* rate = find(segment, "flip_rate");
  return rate == nullptr ? 0 : number_or(*rate, "low", 0);
}

}  // namespace

Result<std::unique_ptr<engine::Engine>> open_log(engine::Engines& engines, const DifferenceRequest& request) {
  std::vector<std::string> files, readable{absolute(request.log_folder)};
  for (const auto& path : serve::list_segments(request.log_folder, ".parquet"))
    files.push_back(engine::quote_text(absolute(path)));
  if (files.empty())
    return Error{Code::not_found, fmt::format("the prediction log of '{}' is empty", request.deployment)};
  for (const auto& path : request.more) {
    files.push_back(engine::quote_text(absolute(path)));
    readable.push_back(absolute(path));
  }
  MILLRACE_TRY(auto engine, engines.open({.threads = 1,
                                          .memory_bytes = kMemory,
                                          .temp_folder = request.temp_folder,
                                          .readable = std::move(readable)}));
  MILLRACE_DO(engine->lock_down());
  MILLRACE_TRY(const auto made,
               engine->execute(fmt::format("CREATE TEMPORARY VIEW log AS SELECT * FROM read_parquet([{}], "
                                           "union_by_name = true)",
                                           fmt::join(files, ", "))));
  (void)made;
  return engine;
}

Result<Json> measure_shadow(engine::Engines& engines, const DifferenceRequest& request) {
  const Error nothing =
      Error{Code::not_found, fmt::format("the shadow {}@{} of '{}' has answered no row that another arm "
                                         "answered too, with a score",
                                         request.model, request.version, request.deployment)}
          .hint("it listens once requests come: millrace release shadow " + request.deployment);
  auto opened = open_log(engines, request);
  if (!opened && opened.error().code() == Code::not_found) return nothing;
  MILLRACE_TRY(const auto engine, std::move(opened));
  MILLRACE_TRY(const auto columns, columns_of(*engine));
  if (columns.score.empty()) return nothing;
  MILLRACE_DO(make_pairs(*engine, request, columns.score));
  MILLRACE_TRY(auto out, whole(*engine));
  if (out.is_null()) return nothing;
  std::vector<Json> segments;
  for (const auto& column : columns.inputs) MILLRACE_DO(add_segments(*engine, column, segments));
  std::stable_sort(segments.begin(), segments.end(),
                   [](const Json& a, const Json& b) { return lower_end(a) > lower_end(b); });
  if (segments.size() > kMostSegments) segments.resize(kMostSegments);
  out["segments"] = segments;
  out["deployment"] = request.deployment;
  out["shadow"] = fmt::format("model:{}@{}", request.model, request.version);
  out["score"] = columns.score.substr(4);
  out["thresholds"] = {{"shadow", request.shadow_threshold}, {"stable", request.stable_threshold}};
  return out;
}

Result<Json> Rollouts::difference(const std::string& workspace, const std::string& deployment, int64_t version) const {
  MILLRACE_TRY(const auto snapshot,
               registry::load_snapshot(parts_.serving_folder + "/" + deployment + "/current.json"));
  const auto& shadows = snapshot.shadows;
  const auto named = std::find_if(shadows.begin(), shadows.end(),
                                  [&](const auto& each) { return version == 0 || each.version == version; });
  if (snapshot.workspace != workspace || (version == 0 && shadows.size() != 1))
    return Error{Code::not_found, fmt::format("'{}' has {} shadows now", deployment, shadows.size())}.hint(
        "name the version of one, also of one that has ended: --version N");
  const auto sealed = parts_.data_plane.seal(deployment);
  if (!sealed && sealed.error().code() != Code::not_found) return sealed.error();
  DifferenceRequest request{.deployment = deployment,
                            .workspace = workspace,
                            .model = snapshot.stable.model,
                            .version = version,
                            .stable_threshold = snapshot.stable.threshold.value_or(0.5),
                            .log_folder = parts_.predictions_folder + "/" + deployment,
                            .temp_folder = parts_.temp_folder};
  request.shadow_threshold = request.stable_threshold;
  if (named != shadows.end()) {
    request.version = named->version;
    request.shadow_threshold = named->threshold.value_or(0.5);
  }
  return measure_shadow(parts_.engines, request);
}

Result<Json> Rollouts::replay(const std::string& workspace, const std::string& deployment, int64_t version,
                              Period period, const std::function<bool()>& cancelled) const {
  MILLRACE_TRY(const auto snapshot,
               registry::load_snapshot(parts_.serving_folder + "/" + deployment + "/current.json"));
  if (snapshot.workspace != workspace)
    return Error{Code::not_found, fmt::format("there is no release of '{}'", deployment)};
  const auto& model = snapshot.stable.model;
  MILLRACE_TRY(const auto found, parts_.registry.candidate(workspace, model, version));
  const auto sealed = parts_.data_plane.seal(deployment);
  if (!sealed && sealed.error().code() != Code::not_found) return sealed.error();
  ReplayRequest request{.difference = {.deployment = deployment,
                                       .workspace = workspace,
                                       .model = model,
                                       .version = version,
                                       .stable_threshold = snapshot.stable.threshold.value_or(0.5),
                                       .log_folder = parts_.predictions_folder + "/" + deployment,
                                       .arm = "replay"},
                        .from = period.from,
                        .to = period.to,
                        .cancelled = cancelled};
  request.difference.shadow_threshold = found.threshold.value_or(request.difference.stable_threshold);
  MILLRACE_TRY(request.candidate,
               parts_.data_plane.candidate(deployment,
                                           {.file = found.file, .contract = found.contract, .digest = found.digest}));
  const auto folder = fmt::format("{}/replay-{}", parts_.temp_folder, parts_.context.uuid());
  MILLRACE_DO(make_folders(folder));
  request.difference.temp_folder = folder;
  auto report = replay_traffic(parts_.engines, request);
  MILLRACE_DO(remove_tree(folder));
  return report;
}

}  // namespace millrace::monitor
