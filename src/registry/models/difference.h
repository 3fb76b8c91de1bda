// Two versions of a model side by side: what they were measured to be, and what they stand on. Pure.
#pragma once
#include <optional>
#include <vector>

#include "data/contracts/contract.h"
#include "registry/records.h"

namespace millrace::registry {

// What is known of one of the two.
struct DiffSide {
  StoredVersion stored;
  Json report;                             // of its gates; null before
  std::optional<data::Contract> contract;  // of its inputs
  std::vector<track::KeyValue> params;     // of its run
  std::vector<track::Metric> metrics;      // of its run, the latest of each
};

// {from, to: {version, node, state, created_at, digests},
//  gates: [{name, from, to: {ok, value, reason} | null, differs}],
//  metrics: [{name, from, to: {value, low, high} | null, differs}],
//  groups: [{by, group, metric, rows: {from, to}, from, to: {value, low, high} | null, differs}],
//  params, data, code, environment, signature: [{name, from, to: text | null, differs}]}
// Each list says what differs first. Only what one of the two has is in them.
Json diff_versions(const DiffSide& from, const DiffSide& to);

}  // namespace millrace::registry
