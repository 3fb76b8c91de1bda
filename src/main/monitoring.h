// What watches the deployments, composed: windows and labels, alerts with what they lead to, reviews, traces.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "core/project.h"
#include "jobs/jobs.h"
#include "main/retrain.h"
#include "monitor/alerts.h"
#include "monitor/feedback.h"
#include "monitor/look_job.h"
#include "monitor/rollout/rollouts.h"
#include "monitor/trace/trace.h"
#include "monitor/windows.h"
#include "review/case_opener.h"
#include "review/cases.h"
#include "review/reviews.h"
#include "serve/data_plane.h"

namespace millrace {

class Monitoring {
 public:
  struct Parts {
    store::Database& database;
    store::Blobs& blobs;
    lineage::Journal& journal;
    Context& context;
    engine::Engines& engines;
    data::Datasets& datasets;
    pipeline::Pipelines& pipelines;
    registry::Registry& registry;
    serve::DataPlane& data_plane;
    jobs::Jobs& jobs;
    std::function<Result<Project>()> project;
    std::function<std::string()> http_address;
    std::string predictions_folder, temp_folder, serving_folder;
  };
  // Adds its kinds of jobs: before the jobs start.
  explicit Monitoring(Parts parts);

  // Once the jobs have started.
  Result<void> recover() {
    opener->start();
    return alerts->recover();
  }
  void ask_for_looks(const Caller& caller);  // of deployments that live in wall-clock time
  std::string metrics_text() const;

  std::unique_ptr<monitor::Windows> windows;
  std::unique_ptr<monitor::Feedback> feedback;
  std::unique_ptr<monitor::LookJob> looks;
  std::unique_ptr<monitor::Rollouts> rollouts;
  std::unique_ptr<monitor::Tracer> tracer;
  std::unique_ptr<review::Reviews> reviews;
  std::unique_ptr<review::Cases> cases;
  std::unique_ptr<review::CaseOpener> opener;
  std::unique_ptr<monitor::Alerts> alerts;

 private:
  void join_windows();
  void join_alerts();
  Result<void> ask_for_differences(const Caller& caller, const std::vector<monitor::Window>& seen);
  void add_jobs();
  const Parts parts_;
};

}  // namespace millrace
