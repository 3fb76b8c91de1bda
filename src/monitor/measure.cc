#include "monitor/measure.h"

#include <algorithm>

#include <fmt/format.h>

#include "monitor/window/drift.h"
#include "monitor/window/performance.h"
#include "monitor/window/requests.h"

namespace millrace::monitor {
namespace {

using Groups = std::vector<const Group*>;

std::vector<std::string> joined(const Groups& groups, std::vector<std::string> Group::*member) {
  std::vector<std::string> out;
  for (const auto* group : groups) out.insert(out.end(), (group->*member).begin(), (group->*member).end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

int64_t total(const Groups& groups, int64_t Group::*member) {
  int64_t out = 0;
  for (const auto* group : groups) out += group->*member;
  return out;
}

// The version that had most of the requests; of equal ones the newest.
const Group& main_of(const Groups& groups) {
  return **std::max_element(groups.begin(), groups.end(), [](const Group* a, const Group* b) {
    return std::pair(a->requests, a->version) < std::pair(b->requests, b->version);
  });
}

Json threshold_of(const Groups& groups) {
  const double first = groups.front()->compared.threshold;
  const bool one =
      std::all_of(groups.begin(), groups.end(), [&](const Group* group) { return group->compared.threshold == first; });
  return one ? Json(first) : Json();
}

Json reference_json(const Group& group, const std::vector<std::string>& without) {
  const auto& reference = *group.compared.reference;
  return {{"node", reference.node},
          {"model", group.model},
          {"version", group.version},
          {"problem", reference.problem.empty() ? Json() : Json(reference.problem)},
          {"without", without}};
}

// What makes one group's part of a summary what it is, beside labels.
Json evidence_of(const Group& group) {
  return {{"arm", group.arm},
          {"model", group.model},
          {"version", group.version},
          {"requests", group.requests},
          {"answered", group.answered},
          {"refused", group.refused},
          {"failed", group.failed},
          {"threshold", group.compared.threshold},
          {"reference", group.compared.reference->digest}};
}

Result<Measured> measure_groups(const LogView& log, const Groups& groups) {
  const auto condition = condition_of(groups);
  const auto& most = main_of(groups);
  Measured out{.arm = most.arm, .model = most.model, .version = most.version};
  Performance performance;
  if (log.has_labels()) {
    MILLRACE_TRY(performance, measure_performance(log.engine(), condition, threshold_of(groups)));
  }
  std::vector<std::string> without;
  MILLRACE_TRY(auto columns, measure_columns(log.engine(), groups, *most.compared.reference, without));
  MILLRACE_TRY(auto latency, measure_latency(log, condition));
  MILLRACE_TRY(auto refusals, measure_refusals(log.engine(), condition));
  out.summary = {{"requests", total(groups, &Group::requests)},
                 {"answered", total(groups, &Group::answered)},
                 {"refused", total(groups, &Group::refused)},
                 {"failed", total(groups, &Group::failed)},
                 {"labels", performance.labels},
                 {"latency_us", std::move(latency)},
                 {"refusals", std::move(refusals)},
                 {"performance", std::move(performance.summary)},
                 {"columns", std::move(columns)},
                 {"difference", nullptr},
                 {"reference", reference_json(most, without)}};
  Json of_groups = Json::array();
  for (const auto* group : groups) of_groups.push_back(evidence_of(*group));
  out.evidence = {
      {"groups", std::move(of_groups)}, {"labels", performance.labels}, {"revisions", performance.revisions}};
  out.releases = joined(groups, &Group::releases);
  out.sent = joined(groups, &Group::sent);
  out.reference = most.compared.reference->node;
  return out;
}

}  // namespace

Result<std::vector<Measured>> measure_window(engine::Engines& engines, const WindowRequest& request,
                                             const Compare& compare) {
  std::vector<Measured> out;
  MILLRACE_TRY(const auto log, LogView::open(engines, request, compare));
  Groups answering;
  for (const auto& group : log.groups())
    if (!group.is_shadow()) answering.push_back(&group);
  for (const auto& group : log.groups()) {
    MILLRACE_TRY(auto measured, measure_groups(log, {&group}));
    if (group.is_shadow()) {
      MILLRACE_TRY(measured.summary["difference"], measure_difference(log.engine(), group));
      // It changes with what the others answered.
      for (const auto* other : answering) measured.evidence["groups"].push_back(evidence_of(*other));
    }
    out.push_back(std::move(measured));
  }
  if (answering.empty()) return out;
  // One arm alone is all of the traffic: nothing is counted a second time.
  const auto alone = std::find_if(out.begin(), out.end(), [](const Measured& one) { return one.arm != "shadow"; });
  auto all = answering.size() == 1 ? Result<Measured>(*alone) : measure_groups(log, answering);
  if (!all) return std::move(all).error();
  all->arm = kAllArms;
  all->version = 0;
  out.insert(out.begin(), std::move(*all));
  return out;
}

}  // namespace millrace::monitor
