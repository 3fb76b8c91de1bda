#include "report/pages/live.h"

#include <cmath>

#include "stats/interval.h"

namespace millrace::report {
namespace {

constexpr double kMilli = 1000, kSecond = 1e6;
constexpr double kZ = 1.959963984540054;  // of 95 percent

Json interval_json(const stats::Interval& interval) {
  return {{"value", number_or_null(interval.value)},
          {"low", number_or_null(interval.low)},
          {"high", number_or_null(interval.high)}};
}

Json score_mean(const serve::ScoreSums& sums) {
  if (sums.n == 0) return nullptr;
  return interval_json(stats::mean_interval(sums.sum, sums.squares, static_cast<int64_t>(sums.n), kZ));
}

Json positive_share(const serve::ScoreSums& sums) {
  if (sums.n == 0) return nullptr;
  const auto share = stats::wilson(static_cast<int64_t>(sums.positive), static_cast<int64_t>(sums.n));
  return share ? interval_json(*share) : Json(nullptr);
}

// The counter's sixteenths of an octave, four of them together: few enough to draw, fine enough to see two humps.
Json histogram_of(const serve::RecentLatency::Spread& spread) {
  if (spread.count == 0) return nullptr;
  Json edges = Json::array(), counts = Json::array();
  const double ratio = std::exp2(0.25);
  double low = 0, high = 16;  // microseconds
  uint64_t held = 0;
  const auto close = [&] {
    if (counts.empty() && held == 0) {  // nothing so far: it begins later
      low = high;
      return;
    }
    if (edges.empty()) edges.push_back(low / kMilli);
    edges.push_back(high / kMilli);
    counts.push_back(held);
    held = 0;
  };
  for (const auto& bucket : spread.buckets) {
    while (static_cast<double>(bucket.top) > high) {
      close();
      high *= ratio;
    }
    held += bucket.count;
  }
  close();
  return {{"edges", std::move(edges)}, {"counts", std::move(counts)}};
}

uint64_t sum_of(const serve::RuleCounts& counts) {
  uint64_t out = 0;
  for (const auto& [rule, count] : counts) out += count;
  return out;
}

}  // namespace

serve::ServedPtr served_now(const serve::DataPlane& data_plane, const std::string& deployment) {
  for (auto& each : data_plane.served())
    if (each->place->name == deployment) return each;
  return nullptr;
}

Json live_arm(const serve::ServedArm& arm, double share, Micros steady) {
  const auto& counted = *arm.statistics;
  const uint64_t failed = counted.failure, refused = std::min(failed, sum_of(counted.refusals()));
  const auto spread = counted.latency.spread(steady);
  const auto quantile = [&](double of) { return static_cast<double>(counted.latency.quantile(of, steady)) / kMilli; };
  const auto scores = counted.scores.all();
  return {{"arm", arm.arm.name},
          {"model", arm.arm.model},
          {"version", arm.arm.version},
          {"node", "model:" + arm.arm.model + "@" + std::to_string(arm.arm.version)},
          {"share", share},
          {"answers", counted.success.load()},
          {"refused", refused},
          {"errors", failed - refused},
          {"per_s", static_cast<double>(spread.count) * kSecond / static_cast<double>(spread.over)},
          {"latency_ms", spread.count == 0
                             ? Json(nullptr)
                             : Json{{"p50", quantile(0.5)}, {"p95", quantile(0.95)}, {"p99", quantile(0.99)}}},
          {"latency_histogram", histogram_of(spread)},
          {"scores", scores.n},
          {"score_mean", score_mean(scores)},
          {"positive_share", positive_share(scores)}};
}

Result<Json> live_page(const PageSources& sources, const std::string& workspace, const std::string& deployment) {
  Json out{{"deployment", deployment}, {"release", nullptr}, {"at", to_iso(sources.context.now())},
           {"arms", Json::array()},    {"per_s", 0.0},       {"rollout", nullptr}};
  MILLRACE_TRY(const auto release, sources.registry.current(workspace, deployment));
  if (release) {
    out["release"] = release->to_json();
    out["release"].erase("evidence");  // GET rollout tells it
    MILLRACE_TRY(auto rollout, sources.rollouts.status(workspace, deployment));
    if (!rollout["rollout"].is_null() || !rollout["hold"].is_null()) out["rollout"] = std::move(rollout);
  }
  const auto served = served_now(sources.data_plane, deployment);
  if (!served || served->stable.arm.workspace != workspace) return out;
  const Micros steady = sources.context.clock.steady();
  const double canary = served->canary_in() != nullptr ? served->canary_share : 0;
  double per_s = 0;
  const auto add = [&](const serve::ServedArm& arm, double share) {
    out["arms"].push_back(live_arm(arm, share, steady));
    if (arm.arm.name != serve::kShadow) per_s += out["arms"].back()["per_s"].get<double>();
  };
  add(served->stable, 1 - canary);
  if (served->canary) add(*served->canary, canary);
  for (const auto& shadow : served->shadows) add(shadow, 0);
  out["per_s"] = per_s;
  return out;
}

}  // namespace millrace::report
