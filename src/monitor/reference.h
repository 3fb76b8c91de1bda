// What a model version is compared with: the profile of the rows it was taught, and of its scores of held-out rows.
// Frozen: made once from those two files, and kept as a blob with a row and a node of the lineage graph.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/caller.h"
#include "core/context.h"
#include "lineage/journal.h"
#include "monitor/profile.h"
#include "monitor/version_facts.h"
#include "store/blobs.h"

namespace millrace::monitor {

struct Reference {
  std::string node;    // reference:MODEL/VERSION@<12 hex of the digest>; "" when there is nothing to compare with
  std::string digest;  // of the blob
  Profile inputs;      // of the rows it was taught; no columns without them
  std::optional<ColumnProfile> score;  // of held-out rows
  std::string problem;                 // what is missing and why, or ""
};

// Thread-safe.
class References {
 public:
  struct Parts {
    store::Database& database;
    store::Blobs& blobs;
    lineage::Journal& journal;
    Context& context;
    engine::Engines& engines;
    std::string temp_folder;
  };
  explicit References(Parts parts) : parts_(std::move(parts)) {}

  // The one that there is, else a new one with one line `monitor.reference.made`. The same version, files and `missing`
  // are the same reference, whoever asks and when. With a file that is gone or cannot be read it is not kept, has no
  // node and says so in `problem`.
  Result<std::shared_ptr<const Reference>> get(const Caller& caller, const VersionFacts& facts,
                                               std::optional<double> missing);

 private:
  Result<std::shared_ptr<const Reference>> find(const Caller& caller, const VersionFacts& facts,
                                                const std::string& identity) const;
  Result<Json> make(const VersionFacts& facts, std::optional<double> missing, std::string& failed) const;
  Result<void> keep(const Caller& caller, const VersionFacts& facts, const std::string& identity,
                    const std::string& digest);

  const Parts parts_;
  std::mutex mutex_;  // guards the field below
  std::map<std::string, std::shared_ptr<const Reference>> known_;
};

}  // namespace millrace::monitor
