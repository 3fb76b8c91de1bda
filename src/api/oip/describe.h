// What a model is and what it has done, as clients of the protocol's reference server read it.
#pragma once
#include "api/http.h"
#include "serve/data_plane.h"

namespace millrace::api::oip {

// {name, platform, backend, max_batch_size, input, output, version_policy, instance_group}. max_batch_size is 0: the
// server adds no dimension of its own, shapes are those of the metadata.
Reply configuration(const serve::DataPlane& plane, const Request& in);

// {"model_stats": [...]}, an entry for each version on each arm since the start. Times are sums in nanoseconds:
// compute_input is the contract's guard, compute_output the writing of the record.
Reply statistics(const serve::DataPlane& plane, const Request& in);
Reply all_statistics(const serve::DataPlane& plane);

}  // namespace millrace::api::oip
