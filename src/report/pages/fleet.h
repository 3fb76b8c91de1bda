// Every deployment on one page, the worst first: what it serves, how it does, and what is wrong with it.
#pragma once
#include <map>
#include <mutex>

#include "monitor/window/newest.h"
#include "report/pages/sources.h"

namespace millrace::report {

// Thread-safe. Keeps what is dear to compute as long as nothing new was recorded.
class Fleet {
 public:
  explicit Fleet(PageSources sources) : sources_(sources) {}

  // {deployment, model, stable: {version, node, since} | null, canary: {version, share} | null, shadows: [{version}],
  //  state: ok | warn | page | idle, why: [sentences], open_alerts, worst_alert: a headline | null,
  //  traffic: {answers, refused, errors, window: {from, to} | null, per_s, spark: [{at, value}]},
  //  latency_ms: {p50, p95, p99} | null,
  //  performance: {metric, value, low, high, at, spark: [{at, value, low, high}]} | null,
  //  drift: {worst_feature, psi, spark: [{at, value}]} | null,
  //  labels: {share, labels, requests}, impact: {value, low, high, currency} | null}
  // Traffic counts the newest window; where nothing is watched, since the start of the process.
  Result<std::vector<Json>> page(const std::string& workspace, const Project* project);

 private:
  struct Worth {
    monitor::WindowMark mark;
    std::string project;  // its digest
    Json impact;
  };
  Result<Json> row(const std::string& workspace, const Project* project, const NamedDeployment& named);
  Result<Json> impact_of(const std::string& workspace, const Project* project, const std::string& deployment);

  const PageSources sources_;
  std::mutex mutex_;  // guards the field below
  std::map<std::string, Worth> worths_;
};

// GET /deployments: {deployment, model, spec, release: the live one | null, ready, problem, open_alerts, worst_alert}.
Result<std::vector<Json>> deployments_page(const PageSources& sources, const std::string& workspace,
                                           const Project* project);

}  // namespace millrace::report
