// Datasets as sequences of immutable versions. A version is one batch that was judged by its contract: the input files
// as they came, the rows that were accepted, those set aside with reasons, the findings and the profile; each a blob,
// all named by digests.
//
// A rejected batch is a version too, with its findings but without rows: it explains itself and is never selected.
// Replacing an accepted version of an append dataset by corrected bytes is not possible yet.
#pragma once
#include <string>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "data/check.h"
#include "data/datasets/sources.h"
#include "engine/engine.h"
#include "lineage/journal.h"
#include "store/blobs.h"
#include "store/database.h"

namespace millrace::data {

struct DatasetVersion {
  std::string dataset;
  int64_t version = 0;
  std::string node() const;     // dataset:NAME@VERSION
  std::string digest;           // of its content: that of `file`; of a rejected version: that of the input
  std::string file;             // blob: accepted.parquet; "" when rejected
  std::string quarantine_file;  // blob: quarantine.parquet, or ""
  std::string contract_digest, profile_digest, findings_digest;
  std::string contract_file;  // blob: the contract as it was written
  std::string input_digest;   // of the input files' digests in order
  std::string verdict;        // accepted | quarantined | rejected
  int64_t rows = 0, accepted = 0, quarantined = 0;
  Micros period_from = 0, period_to = 0;  // 0, 0 = none
  Micros recorded_at = 0;
  std::vector<std::string> inputs;      // blobs: the files as they came
  std::vector<std::string> references;  // nodes of the dataset versions that keys were looked up in

  bool is_selectable() const { return verdict != "rejected"; }
};

struct Batch {
  Source source;
  std::vector<std::string> files;
  Micros from = 0, to = 0;  // what it covers: needed for append, not allowed for snapshot
};

// Thread-safe.
class Datasets {
 public:
  Datasets(store::Database& database, store::Blobs& blobs, lineage::Journal& journal, Context& context,
           engine::Engines& engines, std::string temp_folder);

  // Checks the batch and records a version. The same bytes under the same contract, period and reference versions are
  // the version that there is already. `sources` tells which datasets exist; foreign keys look at the newest selectable
  // version of a snapshot, at all of an append dataset.
  // `conflict`: the period overlaps another selectable version with other bytes; `not_found`: a referenced dataset has
  // no version yet.
  Result<DatasetVersion> add(const Caller& caller, const Batch& batch, const std::vector<Source>& sources);

  Result<std::vector<DatasetVersion>> list(const std::string& workspace,
                                           const std::string& dataset) const;  // oldest first; "" = of all datasets
  Result<DatasetVersion> get(const std::string& workspace, const std::string& dataset, int64_t version) const;
  // What a stage reads. append: the selectable versions whose periods lie inside [from, to) (0, 0 = all), by period;
  // `conflict` when a period lies across an end. snapshot: the newest selectable one. not_found when there is none.
  Result<std::vector<DatasetVersion>> select(const std::string& workspace, const Source& source, Micros from,
                                             Micros to) const;
  Result<Json> findings(const std::string& workspace, const std::string& dataset, int64_t version) const;
  Result<Json> profile(const std::string& workspace, const std::string& dataset, int64_t version) const;

 private:
  struct Draft;
  Result<void> read_batch(const Caller& caller, const Batch& batch, const std::vector<Source>& sources, Draft& draft);
  Result<void> find_references(const Caller& caller, const std::vector<Source>& sources, Draft& draft);
  Result<void> check(const std::string& folder, const Batch& batch, Draft& draft);
  Result<History> history_of(const std::string& workspace, const DatasetVersion& version) const;
  Result<DatasetVersion> record(const Caller& caller, const Batch& batch, const Draft& draft);
  Result<Json> read_json(const std::string& digest) const;
  Result<std::vector<DatasetVersion>> all_of(const std::string& workspace, const std::string& dataset,
                                             bool append) const;
  Result<std::optional<DatasetVersion>> newest(const std::string& workspace, const std::string& dataset) const;

  store::Database& database_;
  store::Blobs& blobs_;
  lineage::Journal& journal_;
  Context& context_;
  engine::Engines& engines_;
  std::string temp_folder_;
};

}  // namespace millrace::data
