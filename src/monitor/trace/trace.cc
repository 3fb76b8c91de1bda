#include "monitor/trace/trace.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "monitor/trace/candidates.h"
#include "monitor/trace/upstream.h"
#include "monitor/trace/words.h"

namespace millrace::monitor {
namespace {

constexpr std::array<std::string_view, 6> kKinds{"drift", "nulls", "performance", "refusals", "quarantine", "latency"};
constexpr double kMoved = 0.15;   // standard deviations
constexpr double kGradual = 1.5;  // of the largest step between weeks before
constexpr size_t kNormalNamed = 6;

constexpr size_t kTraceCache = 64;  // examinations

using Examine = std::function<Result<data::cause::Examination>()>;
using Remember = std::function<Result<data::cause::Examination>(const std::string& key, const Examine& examine)>;

std::string number(double value) { return fmt::format("{:.{}g}", value, std::abs(value) >= 1000 ? 5 : 3); }
std::string period_text(const Question& question) {
  return fmt::format("{} to {}", to_iso(question.from).substr(0, 10), to_iso(question.to).substr(0, 10));
}

const data::Source* source_of(const std::vector<data::Source>& sources, const std::string& dataset) {
  return data::find_source(sources, dataset);
}

}  // namespace

// Examinations by all that they stand on: the version, how many versions of its dataset there are, and the broken ones.
struct Tracer::Cache {
  std::mutex mutex;
  std::map<std::string, data::cause::Examination> known;
};

Tracer::Tracer(TraceParts parts) : parts_(std::move(parts)), cache_(std::make_shared<Cache>()) {}

namespace {

Result<std::string> cache_key(const TraceParts& parts, const Caller& caller, const data::DatasetVersion& version,
                              const std::set<std::string>& broken) {
  MILLRACE_TRY(const auto versions, parts.datasets.list(caller.workspace, version.dataset));
  return fmt::format("{} {} {} {} {}", caller.workspace, version.node(), version.digest, versions.size(),
                     fmt::join(broken, ","));
}

Result<std::vector<Examined>> examine_all(const TraceParts& parts, const Caller& caller, const Upstream& upstream,
                                          const std::vector<data::Source>& sources, const Remember& remember) {
  data::cause::Services services{parts.datasets, parts.blobs, parts.engines, parts.temp_folder};
  if (parts.broken) {
    MILLRACE_TRY(services.broken, parts.broken(caller.workspace));
  }
  std::vector<Examined> out;
  for (const auto& version : upstream.versions) {
    data::Source source{.name = version.dataset, .kind = version.period_to != 0 ? "append" : "snapshot"};
    if (const auto* known = source_of(sources, version.dataset)) source = *known;
    MILLRACE_TRY(const auto key, cache_key(parts, caller, version, services.broken));
    const auto examine = [&] { return data::cause::examine(services, caller.workspace, source, version); };
    MILLRACE_TRY(auto found, remember(key, examine));
    out.push_back({version, std::move(found)});
  }
  return out;
}

struct Drift {
  const Examined* examined = nullptr;
  const data::cause::Movement* movement = nullptr;
};

// The nearest column that can reach the alert and moved without a step; with several the one that moved most.
Drift gradual(const std::vector<Examined>& examined, const CandidateFinder& finder) {
  Drift best;
  double most = 0;
  for (const auto& one : examined)
    for (const auto& movement : one.found.movements) {
      if (finder.reach().known && !finder.reaches(movement.column)) continue;
      const bool step = !std::isnan(movement.step) && std::abs(movement.step) > kGradual * movement.step_limit;
      if (step || movement.shift < kMoved) continue;
      const bool nearest = !finder.reach().names.empty() && movement.column == finder.reach().names[0];
      const double weight = movement.shift * (nearest ? 1000 : 1);
      if (weight > most) most = weight, best = {&one, &movement};
    }
  return best;
}

data::cause::Evidence drift_evidence(const Drift& drift) {
  const auto& moved = *drift.movement;
  return {.kind = "gradual_movement",
          .columns = {moved.column},
          .text = fmt::format(
              "{} moved from {} in the first of {} batches to {} in the one before and {} in {} ({} standard "
              "deviations); the step where the batch begins, {}, is no larger than steps inside the history, {}",
              moved.column, number(moved.first), drift.examined->found.history, number(moved.before), number(moved.now),
              drift.examined->version.node(), number(moved.shift), number(moved.step), number(moved.step_limit)),
          .value = moved.shift,
          .limit = kMoved,
          .series = moved.series};
}

// Versions in which nothing stands out, so that the first candidate is not the fault of those beside it.
void add_normal(const std::vector<Examined>& examined, std::vector<Candidate>& candidates) {
  if (candidates.empty()) return;
  std::vector<std::string> normal;
  for (const auto& one : examined) {
    const bool quiet = one.found.suspects.empty() || one.found.suspects[0].strength < kDoubtScore;
    if (quiet && one.version.node() != candidates[0].node && one.found.tests > 0)
      normal.push_back(fmt::format("{} ({} statistics)", one.version.node(), one.found.tests));
  }
  if (normal.empty()) return;
  if (normal.size() > kNormalNamed) normal.resize(kNormalNamed);
  candidates[0].evidence.push_back({.kind = "parents_normal",
                                    .text = fmt::format("nothing stands out in {}", fmt::join(normal, ", ")),
                                    .value = static_cast<double>(normal.size())});
}

std::string what_happened(const Candidate& one) {
  if (one.kind != "data")
    return fmt::format("{}: {}", one.node, one.evidence.empty() ? one.change : one.evidence[0].text);
  return change_words(one.node, one.columns, one.change);
}

struct Verdict {
  std::string verdict, summary;
};

Verdict short_of_history(const std::vector<Examined>& examined) {
  size_t most = 0;
  for (const auto& one : examined) most = std::max(most, one.found.history);
  return {
      "not_enough_evidence",
      examined.empty()
          ? std::string("no dataset version overlaps the window, so there is nothing to compare")
          : fmt::format(
                "the datasets behind the window have {} earlier batches at most; {} are needed to know what is usual",
                most, data::cause::kLeastHistory)};
}

Verdict verdict_of(const Question& question, const std::vector<Examined>& examined,
                   const std::vector<Candidate>& candidates, const Drift& drift) {
  const double top = candidates.empty() ? 0 : candidates[0].score;
  if (top >= kCauseScore)
    return {"cause", fmt::format("{} (score {:.2f}); {}.", what_happened(candidates[0]), top,
                                 candidates[0].evidence.empty() ? "" : candidates[0].evidence[0].text)};
  const bool any =
      std::any_of(examined.begin(), examined.end(), [](const Examined& one) { return one.found.tests > 0; });
  if (!any) return short_of_history(examined);
  if (top >= kDoubtScore)
    return {"not_enough_evidence",
            fmt::format("the strongest suspicion is weak: {} (score {:.2f}, {:.1f} would be a cause).",
                        what_happened(candidates[0]), top, kCauseScore)};
  const bool may_drift = question.kind == "drift" || question.kind == "nulls" || question.kind == "performance";
  if (may_drift && drift.movement != nullptr)
    return {"natural_drift",
            fmt::format("nothing upstream broke in {}; {}.", period_text(question), drift_evidence(drift).text)};
  return {"not_enough_evidence", fmt::format("nothing stands out upstream in {}{}.", period_text(question),
                                             may_drift ? ", and no column that can reach the alert moved either" : "")};
}

}  // namespace

Question question_of(const Alert& alert) { return {alert.deployment, alert.kind, alert.subject, alert.from, alert.to}; }

Result<void> check_question(const Question& question) {
  if (std::find(kKinds.begin(), kKinds.end(), question.kind) == kKinds.end())
    return Error{Code::invalid, fmt::format("'{}' is no kind of alert", question.kind)}.at_field("kind").hint(
        fmt::format("one of {}", fmt::join(kKinds, ", ")));
  if (question.subject.empty())
    return Error{Code::invalid, "a trace needs the column, metric, field or dataset that is asked about"}.at_field(
        "subject");
  if (question.from >= question.to)
    return Error{Code::invalid, fmt::format("the window is empty: {}", period_text(question))}.at_field("to").hint(
        "'to' is the first moment after it");
  return {};
}

Result<Json> Tracer::trace(const Caller& caller, const Question& question, const Project& project) const {
  MILLRACE_DO(check_question(question));
  MILLRACE_TRY(const auto sources, data::read_sources(project));
  MILLRACE_TRY(const auto upstream, find_upstream(parts_, caller, question, project));
  const auto remember = [this](const std::string& key, const auto& examine) -> Result<data::cause::Examination> {
    const std::lock_guard one_at_a_time(cache_->mutex);
    if (const auto known = cache_->known.find(key); known != cache_->known.end()) return known->second;
    MILLRACE_TRY(auto found, examine());
    if (cache_->known.size() >= kTraceCache) cache_->known.clear();
    return cache_->known.emplace(key, std::move(found)).first->second;
  };
  MILLRACE_TRY(const auto examined, examine_all(parts_, caller, upstream, sources, remember));
  CandidateFinder finder(parts_, caller, question, upstream);
  MILLRACE_TRY(auto candidates, finder.find(examined));
  add_normal(examined, candidates);
  const auto drift = gradual(examined, finder);
  const auto verdict = verdict_of(question, examined, candidates, drift);

  Json ranked = Json::array();
  for (size_t i = 0; i < candidates.size(); ++i) ranked.push_back(candidates[i].to_json(static_cast<int64_t>(i + 1)));
  Json looked_at = Json::array(), natural = Json::array();
  for (const auto& one : examined)
    looked_at.push_back(
        {{"node", one.version.node()}, {"history", one.found.history}, {"statistics", one.found.tests}});
  if (drift.movement != nullptr) natural.push_back(drift_evidence(drift).to_json());
  Json document{{"verdict", verdict.verdict}, {"at", to_iso(parts_.context.now())},
                {"summary", verdict.summary}, {"candidates", ranked},
                {"cause", nullptr},           {"examined", looked_at},
                {"movement", natural}};
  if (verdict.verdict == "cause")
    document["cause"] = {
        {"node", candidates[0].node}, {"columns", candidates[0].columns}, {"change", candidates[0].change}};
  return document;
}

}  // namespace millrace::monitor
