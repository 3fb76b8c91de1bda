#include "exchange/here.h"

#include <fmt/format.h>

#include "core/limits.h"
#include "core/limits/exchange_limits.h"

namespace millrace::exchange {
namespace {

constexpr int64_t kPagePoints = 25'000;

}  // namespace

Result<std::vector<Point>> Here::points(const std::string& run, const std::string& key) const {
  std::vector<Point> out;
  std::string token;
  do {
    MILLRACE_TRY(const auto page,
                 tracking_.metric_history(caller_, run, {.key = key, .limit = kPagePoints, .page_token = token}));
    if (out.size() + page.items.size() > limits::exchange_points)
      return Error{Code::too_large,
                   fmt::format("metric '{}' of run {} has more than {} points", key, run, limits::exchange_points)};
    for (const auto& metric : page.items) {
      Point point{.timestamp = metric.timestamp, .step = metric.step, .value = metric.value};
      if (!metric.model_id.empty() || !metric.dataset_name.empty())
        point.on = std::make_shared<Measured>(Measured{metric.model_id, metric.dataset_name, metric.dataset_digest});
      out.push_back(std::move(point));
    }
    token = page.next;
  } while (!token.empty());
  settle(out);
  return out;
}

Result<Facts> Here::run(const std::string& id, bool with_files) const {
  MILLRACE_TRY(auto run, tracking_.get_run(caller_, id));
  std::map<std::string, Series> metrics;
  for (const auto& latest : run.metrics) {
    MILLRACE_TRY(const auto found, points(id, latest.key));
    metrics.emplace(latest.key, series_of(found));
  }
  if (!with_files) return facts_of(std::move(run), metrics, nullptr);
  MILLRACE_TRY(auto found, files(track::Tracking::artifact_path(run.info.artifact_uri)));
  const auto manifest = manifest_of(std::move(found));
  return facts_of(std::move(run), metrics, &manifest);
}

Result<Facts> Here::model(const std::string& id, bool with_files) const {
  MILLRACE_TRY(auto model, tracking_.get_model(caller_, id, track::View::all));
  if (!with_files) return facts_of(std::move(model), nullptr);
  MILLRACE_TRY(auto found, files(track::Tracking::artifact_path(model.artifact_uri)));
  const auto manifest = manifest_of(std::move(found));
  return facts_of(std::move(model), &manifest);
}

Result<Facts> Here::experiment(const std::string& id) const {
  MILLRACE_TRY(const auto experiment, tracking_.get_experiment(caller_, id));
  return facts_of(experiment);
}

Result<MeasuredSet> Here::measured(const std::string& model) const {
  MILLRACE_TRY(const auto found, tracking_.get_model(caller_, model, track::View::all));
  MeasuredSet out;
  for (const auto& metric : found.metrics)
    out.add(metric.run_id, metric.key,
            {.timestamp = metric.timestamp,
             .step = metric.step,
             .value = metric.value,
             .on = std::make_shared<Measured>(Measured{model, metric.dataset_name, metric.dataset_digest})});
  return out;
}

Result<std::vector<SourceFile>> Here::files(const std::string& folder) const {
  std::vector<SourceFile> out;
  if (!folder.empty()) MILLRACE_DO(add_files(folder, "", out));
  return out;
}

Result<void> Here::add_files(const std::string& top, const std::string& below, std::vector<SourceFile>& files) const {
  const auto& kept = tracking_.artifacts();
  MILLRACE_TRY(const auto entries, kept.list(caller_.workspace, below.empty() ? top : top + "/" + below));
  for (const auto& entry : entries) {
    const auto path = below.empty() ? entry.path : below + "/" + entry.path;
    if (entry.is_folder) {
      MILLRACE_DO(add_files(top, path, files));
      continue;
    }
    MILLRACE_TRY(const auto digest, kept.digest(caller_.workspace, top + "/" + path));
    files.push_back({path, entry.size, digest});
  }
  return {};
}

}  // namespace millrace::exchange
