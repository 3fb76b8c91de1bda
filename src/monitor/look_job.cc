#include "monitor/look_job.h"

#include <algorithm>

#include <fmt/format.h>

namespace millrace::monitor {
namespace {

constexpr Micros kEnding = 30'000'000;  // for a job that is about to end
constexpr size_t kRemembered = 1'000;

std::string key_of(const std::string& workspace, const std::string& deployment) { return workspace + "/" + deployment; }

}  // namespace

Result<MonitorSpec> find_monitor(const Project& project, const std::string& deployment) {
  MILLRACE_TRY(auto monitors, read_monitors(project));
  std::vector<std::string> names;
  for (auto& spec : monitors) {
    if (spec.deployment == deployment) return std::move(spec);
    names.push_back(spec.deployment);
  }
  const auto near = did_you_mean(deployment, names);
  return Error{Code::not_found, fmt::format("the project does not watch the deployment '{}'", deployment)}.hint(
      near ? fmt::format("did you mean '{}'?", *near)
           : fmt::format("add it to millrace.yaml: monitors: {{{}: {{window: month}}}}", deployment));
}

Result<jobs::Job> LookJob::ask(const Caller& caller, const LookRequest& request) {
  MILLRACE_TRY(const auto project, parts_.project());
  MILLRACE_TRY(const auto spec, find_monitor(project, request.deployment));
  if (request.event_clock && !request.to)
    return Error{Code::invalid, "the event clock goes to a time"}.at_field("to").hint(
        "send how far event time has come");
  if (request.event_clock) MILLRACE_DO(parts_.windows.advance(caller, request.deployment, *request.to));
  MILLRACE_TRY(const auto event_now, parts_.windows.event_now(caller.workspace, request.deployment));
  const Micros latest = event_now != 0 ? event_now : parts_.context.now();
  const Micros to = request.to.value_or(latest);
  if (to > latest)
    return Error{Code::invalid, fmt::format("{} has not come: it is {}", to_iso(to), to_iso(latest))}
        .at_field("to")
        .hint("send clock: event when event time has come that far");
  {
    const std::lock_guard lock(mutex_);
    auto& asked = asked_[key_of(caller.workspace, request.deployment)];
    ++asked.times;
    asked.to = std::max(asked.to, to);
  }
  const jobs::Spec job{
      .kind = std::string(kLookKind),
      .key = request.deployment,
      .payload = {{"deployment", request.deployment}, {"to", to_iso(to)}, {"clock", event_now != 0 ? "event" : "wall"}},
      .max_attempts = 3};
  MILLRACE_TRY(auto submitted, parts_.jobs.submit(caller, job));
  const auto is_ending = [&] {
    const std::lock_guard lock(mutex_);
    return ending_.contains(submitted.id);
  };
  if (!is_ending()) return submitted;
  // It began its last look before we asked.
  MILLRACE_DO(parts_.jobs.wait(caller.workspace, submitted.id, kEnding));
  return parts_.jobs.submit(caller, job);
}

LookJob::Asked LookJob::asked(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto at = asked_.find(key);
  return at == asked_.end() ? Asked{} : at->second;
}

Result<Json> LookJob::work(jobs::Running& running) {
  const auto& job = running.job();
  const auto deployment = string_or(job.payload, "deployment", "");
  const auto key = key_of(running.caller().workspace, deployment);
  MILLRACE_TRY(const Micros first, parse_time(string_or(job.payload, "to", "")));
  MILLRACE_TRY(const auto project, parts_.project());
  MILLRACE_TRY(const auto spec, find_monitor(project, deployment));
  LookReport total;
  while (true) {
    const auto before = asked(key);
    MILLRACE_TRY(const auto event_now, parts_.windows.event_now(running.caller().workspace, deployment));
    // Who asked by the wall clock before event time came asked for a day that is not there yet.
    const Micros to = event_now != 0 ? event_now : std::max(first, before.to);
    MILLRACE_TRY(
        const auto report,
        parts_.windows.look(running.caller(), spec, to,
                            {.cancelled = [&] { return running.cancelled(); },
                             .say = [&](double share, std::string_view what) { running.progress(share, what); }}));
    total.to = report.to;
    total.looks += report.looks;
    total.revisions += report.revisions;
    const std::lock_guard lock(mutex_);
    if (const auto at = asked_.find(key); at != asked_.end() && at->second.times != before.times) continue;
    if (ending_.size() >= kRemembered) ending_.clear();
    ending_.insert(job.id);
    break;
  }
  return total.to_json();
}

void LookJob::ask_all(const Caller& caller, const std::set<std::string>& served) {
  const auto warn = [&](const Error& error) {
    parts_.context.log.warn("looks_not_submitted", {{"error", error.text()}});
  };
  const auto project = parts_.project();
  if (!project) return;  // without a project nothing is watched
  const auto monitors = read_monitors(*project);
  if (!monitors) return warn(monitors.error());
  for (const auto& spec : *monitors) {
    if (!served.contains(spec.deployment)) continue;
    const auto event_now = parts_.windows.event_now(caller.workspace, spec.deployment);
    if (!event_now) return warn(event_now.error());
    if (*event_now != 0) continue;  // its replay asks
    if (const auto job = ask(caller, {.deployment = spec.deployment}); !job) warn(job.error());
  }
}

}  // namespace millrace::monitor
