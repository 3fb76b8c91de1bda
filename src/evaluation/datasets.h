// Datasets that language models and agents are evaluated with: records of inputs, and what is expected of them, kept
// beside experiments. One record for each different input; the same input again is merged into its record.
// Thread-safe. Times are milliseconds. Every change is one line of the journal.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "core/json.h"
#include "lineage/journal.h"
#include "store/database.h"
#include "track/tracking.h"

namespace millrace::evaluation {

namespace bounds {
inline constexpr size_t datasets = 10'000;  // of a workspace
inline constexpr size_t name = 500, key = 250, value = 8'000, tags = 1'000, experiments = 1'000;
inline constexpr size_t records_at_once = 10'000, fields = 1'000, page = 1'000;
inline constexpr size_t body_bytes = 32 << 20;
inline constexpr size_t summaries = 1'000;
}  // namespace bounds

struct Dataset {
  std::string id, name, digest;
  Json fields;          // {"inputs": {"question": "string"}, ...}; null before the first record
  int64_t records = 0;  // how many there are
  int64_t create_time = 0, update_time = 0;
  std::string created_by, updated_by;
  std::map<std::string, std::string> tags;
  std::vector<std::string> experiment_ids;
};

// What is null was not given.
struct Record {
  std::string id, dataset_id;
  Json inputs, outputs, expectations, tags, source;
  int64_t create_time = 0, update_time = 0;
  std::string created_by, updated_by;
};

struct Counts {
  int64_t inserted = 0, updated = 0;
};

struct Search {
  std::vector<std::string> experiment_ids;  // none: all
  std::string filter;
  std::vector<std::string> order_by;
  int64_t max_results = 1'000;
  std::string page_token;
};

// A dataset that runs of an experiment logged (not one of the above).
struct Summary {
  std::string experiment_id, name, digest, context;
};

class Datasets {
 public:
  Datasets(store::Database& database, lineage::Journal& journal, Context& context, track::Tracking& tracking)
      : database_(database), journal_(journal), context_(context), tracking_(tracking) {}

  Result<Dataset> create(const Caller& caller, const std::string& name, const std::map<std::string, std::string>& tags,
                         const std::vector<std::string>& experiment_ids);
  Result<Dataset> get(const Caller& caller, const std::string& id) const;
  Result<void> remove(const Caller& caller, const std::string& id);  // again is fine
  Result<track::Page<Dataset>> search(const Caller& caller, const Search& search) const;

  // `records`: objects with inputs, and outputs, expectations, tags and source as they are known. All or nothing.
  Result<Counts> upsert(const Caller& caller, const std::string& id, const Json& records);
  Result<track::Page<Record>> records(const Caller& caller, const std::string& id, int64_t max_results,
                                      const std::string& page_token) const;
  Result<int64_t> remove_records(const Caller& caller, const std::string& id, const std::vector<std::string>& records);

  Result<void> set_tags(const Caller& caller, const std::string& id, const std::map<std::string, std::string>& tags);
  Result<void> delete_tag(const Caller& caller, const std::string& id, const std::string& key);  // again is fine
  Result<Dataset> add_experiments(const Caller& caller, const std::string& id, const std::vector<std::string>& ids);
  Result<Dataset> remove_experiments(const Caller& caller, const std::string& id, const std::vector<std::string>& ids);

  // An experiment that is gone for good; again is fine.
  Result<void> forget_experiment(const Caller& caller, const std::string& experiment_id);

  Result<std::vector<Summary>> logged_by_runs(const Caller& caller,
                                              const std::vector<std::string>& experiment_ids) const;

 private:
  int64_t now_ms() const { return context_.now() / 1000; }

  store::Database& database_;
  lineage::Journal& journal_;
  Context& context_;
  track::Tracking& tracking_;
};

}  // namespace millrace::evaluation
