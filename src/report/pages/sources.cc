#include "report/pages/sources.h"

#include <cmath>
#include <map>

#include "report/words.h"

namespace millrace::report {
namespace {

Json spec_json(const registry::DeploymentSpec& spec) {
  return {{"unit", spec.unit},
          {"guard", spec.guard},
          {"alias", spec.alias},
          {"isolation", spec.isolation},
          {"canary_share", spec.canary_share ? Json(*spec.canary_share) : Json(nullptr)},
          {"rollout", spec.rollout.has_value()}};
}

}  // namespace

Result<std::vector<NamedDeployment>> named_deployments(const PageSources& sources, const std::string& workspace,
                                                       const Project* project) {
  std::map<std::string, NamedDeployment> found;
  if (project != nullptr) {
    MILLRACE_TRY(const auto specs, registry::read_deployments(*project));
    for (const auto& spec : specs) found[spec.name] = {spec.name, spec.model, spec_json(spec)};
  }
  MILLRACE_DO(sources.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto rows,
                 session.query("SELECT deployment, max(model) FROM releases WHERE workspace = ? GROUP BY deployment",
                               {workspace}));
    for (const auto& row : rows) found.emplace(row.text(0), NamedDeployment{row.text(0), row.text(1), nullptr});
    return {};
  }));
  std::vector<NamedDeployment> out;
  for (auto& [name, each] : found) out.push_back(std::move(each));
  return out;
}

std::string not_served(const serve::DataPlane& data_plane, const std::string& deployment) {
  for (const auto& model : data_plane.models())
    if (model.name == deployment) return model.ready ? "" : model.reason;
  return "it is not loaded";
}

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json estimate_of(const Json& performance, const std::string& metric) {
  const auto& estimate = object_in(performance, metric);
  if (!std::isfinite(number_in(estimate, "value"))) return nullptr;
  return {{"value", number_or_null(number_in(estimate, "value"))},
          {"low", number_or_null(number_in(estimate, "low"))},
          {"high", number_or_null(number_in(estimate, "high"))}};
}

}  // namespace millrace::report
