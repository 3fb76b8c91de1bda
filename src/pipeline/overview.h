// The pipeline as one picture: stages, what they need of each other, where each stands, and what ran lately.
#pragma once
#include <string>

#include "pipeline/pipeline.h"

namespace millrace::pipeline {

inline constexpr int64_t kRunsShown = 200;

// {stages: [{name, kind: sql | command, state: fresh | stale | never | failed | running, why: [sentences],
//            deps: [{kind: dataset | stage | file, name, from, to}], outs: [paths], params, threads,
//            last: {node, key, run_id, job, state, outs: [{path, digest, size}], started_at, ended_at, seconds, reused,
//                   reused_at} | null, problem: why its newest start failed | null}],
//  edges: [{from, to, what}], problem: why nothing can be planned now | null,
//  runs: [{id, job, stage, node, run_id, state, error, started_at, ended_at, seconds, reused}]}
// Stages in their order; edges between dataset:NAME, file:PATTERN and stage:NAME, `what` is dataset, file or the paths
// of the outs. Runs are the newest kRunsShown starts and reuses, newest first.
Result<Json> overview(const store::Database& database, Pipelines& pipelines, const Caller& caller,
                      const Pipeline& pipeline);

}  // namespace millrace::pipeline
