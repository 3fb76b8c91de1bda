// Joins impact and the report with the services whose facts they tell.
#pragma once
#include <memory>

#include "impact/impact.h"
#include "monitor/alerts.h"
#include "monitor/windows.h"
#include "report/collect.h"
#include "review/reviews.h"
#include "serve/data_plane.h"

namespace millrace {

// All outlive what is made of them.
struct ReportParts {
  store::Database& database;
  Context& context;
  data::Datasets& datasets;
  pipeline::Pipelines& pipelines;
  registry::Registry& registry;
  lineage::Journal& journal;
  const serve::DataPlane& data_plane;
  const monitor::Windows& windows;
  const monitor::Alerts& alerts;
  const review::Reviews& reviews;
};

struct ReportServices {
  impact::Impact impact;
  report::Sources sources;  // refers to `impact`: stays where it was made
};
std::unique_ptr<ReportServices> join_report(const ReportParts& parts);

}  // namespace millrace
