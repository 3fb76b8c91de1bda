// What is wrong with a dataset version, compared with those before it.
//
// Every statistic of look.h is computed for the version and for the history; what is over its limit is evidence, and
// blame.h says which columns it points to. A quiet version has no suspects, or weak ones: see bench/rootcause for the
// measured rate.
#pragma once
#include <set>

#include "core/caller.h"
#include "data/cause/evidence.h"
#include "data/datasets/datasets.h"

namespace millrace::data::cause {

inline constexpr size_t kLeastHistory = 3;  // batches of an append dataset; 1 of a snapshot

struct Services {
  const Datasets& datasets;
  const store::Blobs& blobs;
  engine::Engines& engines;
  std::string temp_folder;
  // Nodes of versions that are known to be broken: nothing is compared with them. A batch that is as it should be after
  // a broken one is no step.
  std::set<std::string> broken = {};
};

// `version` must be selectable. Of an append dataset the history is the current versions of earlier periods, at most
// 58; of a snapshot the versions before. Examination::history says how many there were; with fewer than kLeastHistory
// (or 1) there are no suspects. Pure but for reading: the same versions give the same answer.
Result<Examination> examine(const Services& services, const std::string& workspace, const Source& source,
                            const DatasetVersion& version);

}  // namespace millrace::data::cause
