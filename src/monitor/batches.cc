#include "monitor/batches.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "core/ids.h"
#include "lineage/graph.h"

namespace millrace::monitor {
namespace {

using Named = std::set<std::pair<std::string, int64_t>>;  // dataset, version

bool overlaps(const data::DatasetVersion& version, const Window& window) {
  return version.period_to > version.period_from && version.period_from < window.to && version.period_to > window.from;
}

// "dataset:NAME@VERSION"; a version of 0 for another node: what MLflow's clients log as a dataset (dataset:mlflow/...)
// is none of ours.
std::pair<std::string, int64_t> dataset_of(const std::string& node) {
  constexpr std::string_view prefix = "dataset:";
  const auto at = node.rfind('@');
  if (!node.starts_with(prefix) || at == std::string::npos) return {"", 0};
  const auto name = node.substr(prefix.size(), at - prefix.size());
  int64_t version = 0;
  const char* end = node.data() + node.size();
  const auto read = std::from_chars(node.data() + at + 1, end, version);
  if (!is_name(name) || read.ec != std::errc() || read.ptr != end) return {"", 0};
  return {name, version};
}

// A node that nobody has written yet has nothing upstream.
Result<Named> datasets_upstream(const BatchSources& sources, const std::string& workspace, const std::string& node) {
  Named out;
  const auto walk = lineage::walk(sources.database, workspace, node, lineage::Direction::upstream);
  if (!walk && walk.error().code() == Code::not_found) return out;
  if (!walk) return walk.error();
  for (const auto& found : walk->nodes)
    if (auto dataset = dataset_of(found.id); dataset.second > 0) out.insert(std::move(dataset));
  return out;
}

using Versions = std::vector<data::DatasetVersion>;

Result<Versions> named_in_graph(const BatchSources& sources, const std::string& workspace, const Window& window) {
  Versions out;
  MILLRACE_TRY(const auto named, datasets_upstream(sources, workspace, window.node()));
  for (const auto& [dataset, number] : named) {
    MILLRACE_TRY(auto version, sources.datasets.get(workspace, dataset, number));
    if (version.is_selectable() && overlaps(version, window)) out.push_back(std::move(version));
  }
  return out;
}

Result<Versions> behind_model(const BatchSources& sources, const std::string& workspace, const Window& window) {
  Versions out;
  MILLRACE_TRY(const auto release, sources.registry.current(workspace, window.deployment));
  if (!release) return out;
  MILLRACE_TRY(const auto version, sources.registry.get(workspace, release->model, release->version));
  MILLRACE_TRY(const auto named, datasets_upstream(sources, workspace, version.node()));
  std::set<std::string> datasets;
  for (const auto& [dataset, number] : named) datasets.insert(dataset);
  for (const auto& dataset : datasets) {
    MILLRACE_TRY(const auto versions, sources.datasets.list(workspace, dataset));
    for (const auto& one : versions)
      if (one.is_selectable() && overlaps(one, window)) out.push_back(one);
  }
  return out;
}

}  // namespace

Result<Versions> batches_behind(const BatchSources& sources, const std::string& workspace, const Window& window) {
  MILLRACE_TRY(auto out, named_in_graph(sources, workspace, window));
  if (!out.empty()) return out;
  return behind_model(sources, workspace, window);
}

}  // namespace millrace::monitor
