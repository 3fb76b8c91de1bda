// The native API, /api/millrace/v1: RFC 9457 errors, additive only. Handlers read, call one service, write.
#pragma once
#include <functional>
#include <string>

#include "api/changes.h"
#include "api/health.h"
#include "api/http.h"
#include "api/sessions.h"
#include "api/sign_in_limit.h"
#include "api/tokens.h"
#include "api/views.h"
#include "core/project.h"
#include "data/datasets/datasets.h"
#include "exchange/passwords.h"
#include "impact/impact.h"
#include "jobs/jobs.h"
#include "lineage/graph.h"
#include "lineage/journal.h"
#include "monitor/alerts.h"
#include "monitor/feedback.h"
#include "monitor/look_job.h"
#include "monitor/rollout/rollouts.h"
#include "monitor/trace/trace.h"
#include "pipeline/pipeline.h"
#include "registry/registry.h"
#include "report/collect.h"
#include "review/cases.h"
#include "review/reviews.h"
#include "serve/data_plane.h"
#include "track/gc/collect.h"

namespace millrace::api::native {

// What the web UI's own endpoints call.
struct UiServices {
  Sessions& sessions;
  SignInLimit& sign_ins;
  Changes& changes;
  Views& views;
  const Health& health;
};

// What the handlers call. All outlive the routes.
struct Services {
  Context& context;
  store::Database& database;
  store::Blobs& blobs;
  lineage::Journal& journal;
  jobs::Jobs& jobs;
  Tokens& tokens;
  data::Datasets& datasets;
  pipeline::Pipelines& pipelines;
  registry::Registry& registry;
  serve::DataPlane& data_plane;
  monitor::Alerts& alerts;
  review::Reviews& reviews;
  monitor::Tracer& tracer;
  // The project as its file stands now; not_found when the server runs without one.
  std::function<Result<Project>()> project;
  std::function<std::string()> http_address;
  std::function<std::string()> metrics_text;
  const impact::Impact& impact;
  const report::Sources& report;
  monitor::Windows& windows;
  monitor::Feedback& feedback;
  monitor::LookJob& looks;
  track::Collector& collector;
  exchange::Passwords& passwords;
  monitor::Rollouts& rollouts;
  engine::Engines& engines;
  review::Cases& cases;
  UiServices ui;
};

Routes routes(Services& services);

// The parts of the table above, one file each.
Routes system_routes(Services& services);
Routes dataset_routes(Services& services);
Routes pipeline_routes(Services& services);
Routes model_routes(Services& services);
Routes request_routes(Services& services);
Routes deployment_routes(Services& services);
Routes rollout_routes(Services& services);
Routes alert_routes(Services& services);
Routes case_routes(Services& services);
Routes lineage_routes(Services& services);
Routes token_routes(Services& services);
Routes session_routes(Services& services);
Routes change_routes(Services& services);
Routes view_routes(Services& services);
Routes audit_routes(Services& services);
Routes search_routes(Services& services);
Routes report_routes(Services& services);
Routes trace_routes(Services& services);
Routes monitor_routes(Services& services);
Routes gc_routes(Services& services);
Routes exchange_routes(Services& services);
Routes fleet_routes(Services& services);
Routes run_routes(Services& services);
Routes graph_routes(Services& services);
Routes source_routes(Services& services);
Routes model_fact_routes(Services& services);

// OpenAPI 3.1 of the native routes, from the table.
std::string openapi_text(const Routes& routes);

}  // namespace millrace::api::native
