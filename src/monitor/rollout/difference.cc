#include "monitor/rollout/difference.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/files.h"
#include "monitor/rollout/difference_part.h"
#include "monitor/rollout/replay.h"
#include "monitor/rollout/rollouts.h"
#include "serve/prediction_log.h"
#include "stats/sequential/quantile.h"

namespace millrace::monitor {
namespace {

constexpr int64_t kMemory = int64_t{512} << 20;
constexpr size_t kMostColumns = 100;

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

std::string times_condition(const DifferenceRequest& request) {
  const auto during = [](const DifferenceRequest::Period& period) {
    return fmt::format("(epoch_us(event_time) >= {} AND epoch_us(event_time) < {})", period.from, period.to);
  };
  std::string out;
  if (request.within) out += " AND " + during(*request.within);
  for (const auto& period : request.without) out += " AND NOT " + during(period);
  return out;
}

Result<void> make_pairs(engine::Engine& engine, const DifferenceRequest& request, const std::string& score) {
  const auto pick =
      fmt::format("CASE WHEN status = 'answered' AND NOT isnan({0}) THEN {0} END", engine::quote_name(score));
  const auto done = engine.execute(fmt::format(
      "CREATE TEMPORARY TABLE pairs AS SELECT a.score AS shadow, b.score AS stable, a.score - b.score AS difference, "
      "(a.score >= {0}) <> (b.score >= {1}) AS flipped, a.score >= {0} AS chosen, a.listened, b.* EXCLUDE (score) FROM "
      "(SELECT prediction_id, \"row\", coalesce(release, '') AS listened, {2} AS score FROM log WHERE arm = {6} AND "
      "workspace = {3} AND model = {4} "
      "AND version = {5}{7}) a JOIN (SELECT *, {2} AS score FROM log WHERE arm NOT IN ('shadow', {6}) AND "
      "workspace = {3}{7}) b "
      "ON a.prediction_id = b.prediction_id AND a.\"row\" = b.\"row\"",
      request.shadow_threshold, request.stable_threshold, pick, engine::quote_text(request.workspace),
      engine::quote_text(request.model), request.version, engine::quote_text(request.arm), times_condition(request)));
  if (!done) return done.error();
  return {};
}

// Everything that adds up, of all rows.
Result<Json> whole(engine::Engine& engine) {
  std::string bins;
  for (size_t i = 0; i <= std::size(kDifferenceEdges); ++i) {
    std::vector<std::string> range;
    if (i > 0) range.push_back(fmt::format("abs(difference) >= {}", kDifferenceEdges[i - 1]));
    if (i < std::size(kDifferenceEdges)) range.push_back(fmt::format("abs(difference) < {}", kDifferenceEdges[i]));
    bins += fmt::format(", count(*) FILTER ({})", fmt::join(range, " AND "));
  }
  MILLRACE_TRY(const auto table,
               engine.query("SELECT count(difference), sum(abs(difference)), max(abs(difference)), "
                            "quantile_disc(abs(difference), 0.5), quantile_disc(abs(difference), 0.9), "
                            "quantile_disc(abs(difference), 0.99), count(*) FILTER (flipped), "
                            "count(*) FILTER (flipped AND chosen), "
                            "count(*) FILTER (stable IS NOT NULL AND shadow IS NULL), "
                            "count(*) FILTER (stable IS NULL AND shadow IS NOT NULL), sum(difference)" +
                            bins + " FROM pairs"));
  Json out = empty_difference();
  out["rows"] = table.integer(0, 0);
  out["only_stable"] = table.integer(0, 8);
  out["only_shadow"] = table.integer(0, 9);
  if (out["rows"] == 0) return out;
  out["sum_abs"] = table.real(0, 1);
  out["max_abs"] = table.real(0, 2);
  out["quantiles"] = {{"p50", table.real(0, 3)}, {"p90", table.real(0, 4)}, {"p99", table.real(0, 5)}};
  out["flips"] = table.integer(0, 6);
  out["to_positive"] = table.integer(0, 7);
  out["sum"] = table.real(0, 10);
  for (size_t i = 0; i <= std::size(kDifferenceEdges); ++i) out["histogram"][i] = table.integer(0, 11 + i);
  MILLRACE_TRY(const auto fine, engine.query(fmt::format(
                                    "SELECT CASE WHEN x < 1 THEN 0 ELSE CAST(least({}, 1 + floor(log2(x) * {})) AS "
                                    "BIGINT) END AS bin, count(*) FROM (SELECT abs(difference) / {} AS x FROM pairs "
                                    "WHERE difference IS NOT NULL) GROUP BY 1 ORDER BY 1",
                                    stats::LogHistogram::kBins - 1, stats::LogHistogram::kPerDouble, kSmallest)));
  for (size_t row = 0; row < fine.rows(); ++row) out["bins"].push_back({fine.integer(row, 0), fine.integer(row, 1)});
  return out;
}

// Rows by the values of one column, the most frequent first.
Result<Json> by_value(engine::Engine& engine, const std::string& column, int64_t most) {
  MILLRACE_TRY(const auto table,
               engine.query(fmt::format("SELECT CAST({0} AS VARCHAR), count(*), sum(abs(difference)), sum(difference), "
                                        "count(*) FILTER (flipped) FROM pairs WHERE difference IS NOT NULL GROUP BY 1 "
                                        "ORDER BY 2 DESC, 1 LIMIT {1}",
                                        engine::quote_name(column), most)));
  Json out = Json::array();
  for (size_t row = 0; row < table.rows(); ++row)
    out.push_back({{"column", column.substr(3)},
                   {"value", table.json(row, 0)},
                   {"rows", table.integer(row, 1)},
                   {"sum_abs", table.real(row, 2)},
                   {"sum", table.real(row, 3)},
                   {"flips", table.integer(row, 4)}});
  return out;
}

Result<void> add_segments(engine::Engine& engine, const std::string& column, Json& out) {
  MILLRACE_TRY(const auto distinct,
               engine.query(fmt::format("SELECT approx_count_distinct({}) FROM pairs WHERE difference IS NOT NULL",
                                        engine::quote_name(column))));
  if (distinct.integer(0, 0) > 2 * kFewValues) return {};
  MILLRACE_TRY(auto segments, by_value(engine, column, kFewValues + 1));
  if (segments.size() > static_cast<size_t>(kFewValues) || out.size() + segments.size() > kStoredSegments) return {};
  for (auto& segment : segments) out.push_back(std::move(segment));
  return {};
}

}  // namespace

Result<std::unique_ptr<engine::Engine>> open_log(engine::Engines& engines, const DifferenceRequest& request) {
  std::vector<std::string> files, readable{absolute(request.log_folder)};
  const auto sealed = request.files ? *request.files : serve::list_segments(request.log_folder, ".parquet");
  for (const auto& path : sealed) files.push_back(engine::quote_text(absolute(path)));
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

Result<DifferencePart> measure_part(engine::Engines& engines, const DifferenceRequest& request) {
  DifferencePart out{.sums = empty_difference(), .score = "", .releases = {}};
  auto opened = open_log(engines, request);
  if (!opened && opened.error().code() == Code::not_found) return out;
  MILLRACE_TRY(const auto engine, std::move(opened));
  MILLRACE_TRY(const auto columns, columns_of(*engine));
  if (columns.score.empty()) return out;
  MILLRACE_DO(make_pairs(*engine, request, columns.score));
  MILLRACE_TRY(out.sums, whole(*engine));
  if (out.sums["rows"] == 0) return out;
  out.score = columns.score.substr(4);
  for (const auto& column : columns.inputs) MILLRACE_DO(add_segments(*engine, column, out.sums["segments"]));
  for (const auto& group : request.groups) {
    const auto column = "in_" + group;
    if (std::find(columns.inputs.begin(), columns.inputs.end(), column) == columns.inputs.end()) continue;
    MILLRACE_TRY(auto values, by_value(*engine, column, kStoredSegments));
    for (auto& value : values) out.sums["groups"].push_back(std::move(value));
  }
  MILLRACE_TRY(const auto releases, engine->query("SELECT DISTINCT listened FROM pairs WHERE listened <> '' ORDER BY 1 "
                                                  "LIMIT 100"));
  for (size_t row = 0; row < releases.rows(); ++row) out.releases.push_back(releases.text(row, 0));
  return out;
}

Error nothing_compared(const DifferenceRequest& request) {
  return Error{Code::not_found, fmt::format("the shadow {}@{} of '{}' has answered no row that another arm "
                                            "answered too, with a score",
                                            request.model, request.version, request.deployment)}
      .hint("it listens once requests come: millrace release shadow " + request.deployment);
}

Result<Json> report_of(const DifferenceRequest& request, const Json& sums, const std::string& score) {
  auto out = difference_report(sums);
  if (out.is_null()) return nothing_compared(request);
  out["deployment"] = request.deployment;
  out["shadow"] = fmt::format("model:{}@{}", request.model, request.version);
  out["score"] = score;
  out["thresholds"] = {{"shadow", request.shadow_threshold}, {"stable", request.stable_threshold}};
  return out;
}

Result<Json> measure_shadow(engine::Engines& engines, const DifferenceRequest& request) {
  MILLRACE_TRY(const auto part, measure_part(engines, request));
  return report_of(request, part.sums, part.score);
}

// The two versions as they are decided by, and what the gates look at groups by.
Result<DifferenceRequest> Rollouts::compare(const registry::ReleaseSnapshot& snapshot, int64_t version) const {
  DifferenceRequest out{.deployment = snapshot.deployment,
                        .workspace = snapshot.workspace,
                        .model = snapshot.stable.model,
                        .version = version,
                        .stable_threshold = snapshot.stable.threshold.value_or(0.5),
                        .log_folder = parts_.predictions_folder + "/" + snapshot.deployment,
                        .temp_folder = parts_.temp_folder};
  out.shadow_threshold = out.stable_threshold;
  for (const auto& shadow : snapshot.shadows)
    if (shadow.version == version) out.shadow_threshold = shadow.threshold.value_or(0.5);
  const auto project = parts_.project();
  const auto models =
      project ? registry::read_models(*project) : Result<std::vector<registry::ModelSpec>>(project.error());
  if (!models) return out;  // without a project, or with one that is being written, there are no groups
  for (const auto& model : *models)
    for (const auto& gate : model.gates)
      if (const auto* by = find(gate.parameters, "by"); model.name == out.model && by != nullptr)
        for (const auto& name : *by)
          if (auto text = name.get<std::string>();
              std::find(out.groups.begin(), out.groups.end(), text) == out.groups.end())
            out.groups.push_back(std::move(text));
  return out;
}

Result<Json> Rollouts::difference(const std::string& workspace, const std::string& deployment, int64_t version) const {
  MILLRACE_TRY(const auto snapshot,
               registry::load_snapshot(parts_.serving_folder + "/" + deployment + "/current.json"));
  const auto& shadows = snapshot.shadows;
  if (snapshot.workspace != workspace || (version == 0 && shadows.size() != 1))
    return Error{Code::not_found, fmt::format("'{}' has {} shadows now", deployment, shadows.size())}.hint(
        "name the version of one, also of one that has ended: --version N");
  const auto sealed = parts_.data_plane.seal(deployment);
  if (!sealed && sealed.error().code() != Code::not_found) return sealed.error();
  MILLRACE_TRY(auto request, compare(snapshot, version == 0 ? shadows.front().version : version));
  MILLRACE_TRY(const auto stored, differences_.all(workspace, deployment, request.model, request.version));
  request.without = stored.periods;
  MILLRACE_TRY(request.files,
               differences_.files_beyond(workspace, deployment, serve::list_segments(request.log_folder, ".parquet"),
                                         stored.periods));
  MILLRACE_TRY(const auto rest, measure_part(parts_.engines, request));
  MILLRACE_TRY(auto out, report_of(request, add_differences(stored.sum.sums, rest.sums),
                                   rest.score.empty() ? stored.sum.score : rest.score));
  out["stored"] = {{"windows", stored.windows},
                   {"rows", stored.sum.sums["rows"]},
                   {"from", stored.windows == 0 ? Json(nullptr) : Json(to_iso(stored.periods.front().from))},
                   {"to", stored.windows == 0 ? Json(nullptr) : Json(to_iso(stored.periods.back().to))}};
  return out;
}

Result<Json> Rollouts::store_differences(const Caller& caller, const std::string& deployment,
                                         const std::function<bool()>& cancelled) {
  MILLRACE_TRY(const auto snapshot,
               registry::load_snapshot(parts_.serving_folder + "/" + deployment + "/current.json"));
  if (snapshot.workspace != caller.workspace)
    return Error{Code::not_found, fmt::format("there is no release of '{}'", deployment)};
  int64_t windows = 0, rows = 0;
  while (true) {
    MILLRACE_TRY(const auto due, differences_.due(caller.workspace, deployment));
    if (due.empty()) return Json{{"windows", windows}, {"rows", rows}};
    for (const auto& window : due) {
      if (cancelled && cancelled()) return Error{Code::unavailable, "storing differences was cancelled"};
      MILLRACE_TRY(auto request, compare(snapshot, window.version));
      request.model = window.model;
      request.within = window.period;
      MILLRACE_TRY(auto part, index_.part(caller.workspace, deployment, window.period.from, window.period.to));
      request.files = std::move(part.files);
      MILLRACE_TRY(const auto measured, measure_part(parts_.engines, request));
      MILLRACE_DO(differences_.put(caller, window, measured));
      ++windows;
      rows += measured.sums["rows"].get<int64_t>();
    }
  }
}

Result<Json> Rollouts::replay(const std::string& workspace, const std::string& deployment, int64_t version,
                              Period period, const std::function<bool()>& cancelled,
                              std::optional<double> threshold) const {
  MILLRACE_TRY(const auto snapshot,
               registry::load_snapshot(parts_.serving_folder + "/" + deployment + "/current.json"));
  if (snapshot.workspace != workspace)
    return Error{Code::not_found, fmt::format("there is no release of '{}'", deployment)};
  const auto& model = snapshot.stable.model;
  MILLRACE_TRY(const auto found, parts_.registry.candidate(workspace, model, version));
  const auto sealed = parts_.data_plane.seal(deployment);
  if (!sealed && sealed.error().code() != Code::not_found) return sealed.error();
  MILLRACE_TRY(auto difference, compare(snapshot, version));
  difference.arm = "replay";
  if (!threshold) threshold = found.threshold;
  difference.shadow_threshold = threshold.value_or(difference.stable_threshold);
  ReplayRequest request{
      .difference = std::move(difference), .from = period.from, .to = period.to, .cancelled = cancelled};
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
