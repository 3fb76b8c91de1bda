// Differences of shadows that were kept, one of each ended window: in the store and as a blob, behind
// `report:difference.DEPLOYMENT.VERSION@DAY` in the lineage graph, between the releases that the shadow listened in,
// its model and the report.
#pragma once
#include <string>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "lineage/journal.h"
#include "monitor/rollout/difference.h"
#include "store/blobs.h"
#include "store/database.h"

namespace millrace::monitor {

inline constexpr std::string_view kDifferenceKind = "release.difference";  // of the job that stores them

// An ended window of a shadow.
struct ShadowWindow {
  std::string deployment, model;
  int64_t version = 0;
  DifferenceRequest::Period period;
  int64_t revision = 0, requests = 0;
};

struct StoredDifferences {
  DifferencePart sum;                              // of all periods together
  std::vector<DifferenceRequest::Period> periods;  // ascending; those that touch are one
  int64_t windows = 0;
};

// Thread-safe.
class DifferenceStore {
 public:
  DifferenceStore(store::Database& database, store::Blobs& blobs, lineage::Journal& journal, Context& context)
      : database_(database), blobs_(blobs), journal_(journal), context_(context) {}

  // Ended windows that are not stored, or that have got requests since; some at a time, oldest first.
  Result<std::vector<ShadowWindow>> due(const std::string& workspace, const std::string& deployment) const;
  Result<void> put(const Caller& caller, const ShadowWindow& window, const DifferencePart& part);
  Result<StoredDifferences> all(const std::string& workspace, const std::string& deployment, const std::string& model,
                                int64_t version) const;
  // Of the sealed files of the log: those with rows of a day that lies in none of the periods, or that no look has
  // taken up yet.
  Result<std::vector<std::string>> files_beyond(const std::string& workspace, const std::string& deployment,
                                                const std::vector<std::string>& files,
                                                const std::vector<DifferenceRequest::Period>& periods) const;

 private:
  store::Database& database_;
  store::Blobs& blobs_;
  lineage::Journal& journal_;
  Context& context_;
};

}  // namespace millrace::monitor
