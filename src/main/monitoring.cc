#include "main/monitoring.h"

#include <set>

#include "monitor/batches.h"
#include "monitor/gauges.h"
#include "monitor/rollout/replay.h"
#include "monitor/version_facts.h"

namespace millrace {

Monitoring::Monitoring(Parts parts) : parts_(std::move(parts)) {
  const auto& p = parts_;
  windows = std::make_unique<monitor::Windows>(monitor::Windows::Parts{
      p.database, p.blobs, p.journal, p.context, p.engines, monitor::facts_from_registry(p.database, p.pipelines),
      [&plane = p.data_plane](const std::string& deployment) -> Result<void> {
        const auto sealed = plane.seal(deployment);
        // Before the first request there is nothing to seal.
        return sealed || sealed.error().code() == Code::not_found ? Result<void>{} : sealed.error();
      },
      p.predictions_folder, p.temp_folder});
  feedback = std::make_unique<monitor::Feedback>(p.journal, p.context);
  looks = std::make_unique<monitor::LookJob>(monitor::LookJob::Parts{*windows, p.jobs, p.context, p.project});
  rollouts = std::make_unique<monitor::Rollouts>(
      monitor::Rollouts::Parts{p.database, p.journal, p.context, p.registry, p.data_plane, p.engines, p.blobs,
                               p.project, p.serving_folder, p.predictions_folder, p.temp_folder});
  feedback->on_labels = [&plane = p.data_plane](const std::string& deployment, const auto& labels) {
    for (const auto& label : labels) plane.see_label(deployment, label.prediction_id, label.row, label.label == 1);
  };
  tracer = std::make_unique<monitor::Tracer>(monitor::TraceParts{
      p.context, p.datasets, p.pipelines, p.registry, p.engines, p.blobs, p.predictions_folder, p.temp_folder,
      [this](const std::string& workspace) { return alerts->broken_inputs(workspace); }});
  reviews = std::make_unique<review::Reviews>(p.database, p.journal, p.context);
  cases = std::make_unique<review::Cases>(
      *reviews, *feedback, [&plane = p.data_plane](const std::string& id) { return plane.find_prediction(id); });
  opener = std::make_unique<review::CaseOpener>(
      review::CaseOpener::Parts{p.data_plane, *cases, p.context, p.predictions_folder});
  p.data_plane.on_case = [this](const std::string&) { opener->ask(); };
  alerts = std::make_unique<monitor::Alerts>(p.database, p.journal, p.jobs, p.context);
  join_windows();
  join_alerts();
  add_jobs();
}

void Monitoring::join_windows() {
  parts_.registry.event_now = [this](const std::string& workspace, const std::string& deployment) -> Micros {
    const auto now = windows->event_now(workspace, deployment);
    return now ? *now : 0;
  };
  parts_.registry.replay = [this](const registry::Registry::ReplayOrder& order) {
    return rollouts->replay(order.workspace, order.deployment, order.version, {.from = order.from}, {},
                            order.threshold);
  };
  windows->on_look = [this](const Caller& caller, const monitor::MonitorSpec& spec,
                            const std::vector<monitor::Window>& seen, Micros at) -> Result<void> {
    MILLRACE_DO(alerts->look(caller, spec, {.deployment = spec.deployment, .windows = seen, .at = at}));
    return ask_for_differences(caller, seen);
  };
}

// Of windows that have ended with a shadow.
Result<void> Monitoring::ask_for_differences(const Caller& caller, const std::vector<monitor::Window>& seen) {
  for (const auto& window : seen) {
    if (window.arm != serve::kShadow || window.as_of < window.to) continue;
    const auto job = parts_.jobs.submit(caller, {.kind = std::string(monitor::kDifferenceKind),
                                                 .key = window.deployment,
                                                 .payload = {{"deployment", window.deployment}},
                                                 .max_attempts = 3});
    return job ? Result<void>{} : job.error();
  }
  return {};
}

void Monitoring::join_alerts() {
  auto& hooks = alerts->hooks;
  hooks.trace = [this](const Caller& caller, const monitor::Alert& alert) -> Result<Json> {
    MILLRACE_TRY(const auto project, parts_.project());
    return tracer->trace(caller, monitor::question_of(alert), project);
  };
  hooks.monitor = [this](const std::string& deployment) -> Result<std::optional<monitor::MonitorSpec>> {
    MILLRACE_TRY(const auto project, parts_.project());
    MILLRACE_TRY(auto monitors, monitor::read_monitors(project));
    for (auto& one : monitors)
      if (one.deployment == deployment) return std::optional(std::move(one));
    return std::optional<monitor::MonitorSpec>();
  };
  hooks.batches = [this](const std::string& workspace, const monitor::Window& window) {
    return monitor::batches_behind({parts_.database, parts_.datasets, parts_.registry}, workspace, window);
  };
  hooks.event_now = [this](const std::string& workspace, const std::string& deployment) {
    return windows->event_now(workspace, deployment);
  };
  hooks.learnt_until = [this](const std::string&) -> Result<Micros> {
    MILLRACE_TRY(const auto project, parts_.project());
    MILLRACE_TRY(const auto pipeline, pipeline::read_pipeline(project));
    return pipeline.horizon;
  };
  hooks.open_review = [this](const Caller& caller, const monitor::ReviewRequest& asked) -> Result<std::string> {
    MILLRACE_TRY(const auto review, reviews->open(caller, {.kind = asked.kind,
                                                           .key = asked.key,
                                                           .cause = asked.cause,
                                                           .subject = asked.subject,
                                                           .summary = asked.summary,
                                                           .evidence = asked.evidence,
                                                           .event_time = asked.event_time}));
    return review.id;
  };
}

void Monitoring::add_jobs() {
  parts_.jobs.add(std::string(monitor::kReplayKind), [this](jobs::Running& running) -> Result<Json> {
    const auto& payload = running.job().payload;
    monitor::Rollouts::Period period;
    for (const auto& [end, into] : {std::pair("from", &period.from), std::pair("to", &period.to)})
      if (const auto text = string_or(payload, end, ""); !text.empty()) {
        MILLRACE_TRY(*into, parse_time(text));
      }
    return rollouts->replay(running.caller().workspace, string_or(payload, "deployment", ""),
                            integer_or(payload, "version", 0), period, [&] { return running.cancelled(); });
  });
  auto& jobs = parts_.jobs;
  jobs.add(std::string(monitor::kDifferenceKind), [this](jobs::Running& running) {
    return rollouts->store_differences(running.caller(), string_or(running.job().payload, "deployment", ""),
                                       [&] { return running.cancelled(); });
  });
  jobs.add(std::string(monitor::kLookKind), [this](jobs::Running& running) { return looks->work(running); });
  jobs.add(std::string(monitor::kRespondJob), [this](jobs::Running& running) { return alerts->respond(running); });
  jobs.add(std::string(monitor::kRetrainJob), [this](jobs::Running& running) -> Result<Json> {
    MILLRACE_TRY(const auto project, parts_.project());
    const auto address = parts_.http_address();
    return retrain(running, project,
                   {parts_.pipelines, parts_.registry, {.tracking_uri = address.empty() ? "" : "http://" + address}});
  });
  jobs.on_end([this](const std::string& workspace, const jobs::Job& job) {
    if (auto noted = alerts->note_end(workspace, job); !noted)
      parts_.context.log.warn("retraining_end_not_noted", {{"job", job.id}, {"error", noted.error().text()}});
  });
}

void Monitoring::ask_for_looks(const Caller& caller) {
  std::set<std::string> served;
  for (const auto& model : parts_.data_plane.models()) served.insert(model.name);
  looks->ask_all(caller, served);
}

std::string Monitoring::metrics_text() const {
  auto gauges = monitor::gauges_text(parts_.database, "default");
  if (gauges) return std::move(*gauges);
  parts_.context.log.warn("gauges_failed", {{"error", gauges.error().text()}});
  return "";
}

}  // namespace millrace
