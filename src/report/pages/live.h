// What a deployment's arms do now, from the running counters of this process.
#pragma once
#include "report/pages/sources.h"

namespace millrace::report {

// {deployment, release, at, per_s,
//  arms: [{arm, model, version, node, share, answers, refused, errors, per_s, latency_ms: {p50, p95, p99} | null,
//          latency_histogram: {edges, counts} | null, score_mean, positive_share: {value, low, high} | null, scores}],
//  rollout: as GET rollout | null}
// Counters are since the start of the process, latency and per_s of the last one to two minutes; edges are
// milliseconds, one more than counts. A canary that its judge has taken out has share 0.
Result<Json> live_page(const PageSources& sources, const std::string& workspace, const std::string& deployment);

// Of one arm, as above. `share` is what it answers of the traffic; of a shadow 0.
Json live_arm(const serve::ServedArm& arm, double share, Micros steady);
// Null when the deployment is not served here.
serve::ServedPtr served_now(const serve::DataPlane& data_plane, const std::string& deployment);

}  // namespace millrace::report
