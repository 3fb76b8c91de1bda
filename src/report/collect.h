// The facts of a project as one document (facts.h has its shape), read from the services that own them. It decides
// nothing and holds no rows: sums, names and reasons. Bounded: what is left out is said in `notes`.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/context.h"
#include "data/datasets/datasets.h"
#include "lineage/journal.h"
#include "pipeline/pipeline.h"
#include "registry/registry.h"

namespace millrace::report {

// Items as the native API gives them, for a workspace's deployment. main/ joins the monitor, reviews and impact here;
// what is empty has no facts.
using Items = std::function<Result<Json>(const std::string& workspace, const std::string& deployment)>;

struct Sources {
  Context& context;
  data::Datasets& datasets;
  pipeline::Pipelines& pipelines;
  registry::Registry& registry;
  lineage::Journal& journal;
  Items windows;  // the newest revision of each
  Items alerts;   // with their traces
  Items reviews;  // of the whole workspace will do: those about the deployment's alerts are kept
  // How far event time has come; 0 = the deployment lives in wall time.
  std::function<Result<Micros>(const std::string& workspace, const std::string& deployment)> event_now;
  // not_found when the project gives the deployment no value.
  std::function<Result<Json>(const std::string& workspace, const Project& project, const std::string& deployment)>
      impact;
  std::function<std::vector<std::string>()> served;  // names on traffic, also those that the project does not have
};

// Without a project (nullptr) the deployments are those that are served.
Result<Json> collect(const Sources& sources, const std::string& workspace, const Project* project);

}  // namespace millrace::report
