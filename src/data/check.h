// Judges one batch by one object of a contract: every rule and the profile in one scan, then, only where rows break
// rules, who they are.
//
// Rows that break a rule with onFail quarantine or drop are set aside; the batch goes on with the rest (verdict
// `quarantined`). The batch is `rejected` when its schema differs, or a rule fails whose severity is error or whose
// onFail is fail. A batch that cannot be read at all (missing or damaged file, ragged CSV) is an Error, not a verdict.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/reader.h"
#include "data/history.h"
#include "data/inputs/inputs.h"
#include "data/profiles/profile.h"
#include "data/rules.h"
#include "engine/engine.h"

namespace millrace::data {

struct CheckRequest {
  const Contract* contract = nullptr;
  engine::Engine* parser = nullptr;     // a DuckDB session that reads conditions; needed when another engine computes
  std::string object;                   // "" = the contract's only one
  std::vector<std::string> files;       // on this machine; row numbers are within each
  std::vector<std::string> file_names;  // what to call them in errors and examples; empty = their paths
  std::map<std::string, std::vector<std::string>> references;  // dataset -> files
  std::string out_folder;  // not empty: accepted.parquet and, if there are any, quarantine.parquet go there
  Micros period_from = 0, period_to = 0;  // what the batch covers; 0, 0 = not told
  Micros now = 0;
  Json profile_before;       // an earlier profile: its edges are kept
  bool profile = true;       // false: rules alone; those that are judged by the profile are skipped
  History history;           // of the versions before, the newest last: what distributions and anomalies are judged by
  Inputs* inputs = nullptr;  // what is known of the files, and where readable copies go
};

struct Finding {
  Rule rule;
  std::optional<double> value;
  bool ok = true;
  int64_t failing = 0;  // rows that break the rule, for rules about rows
  bool about_rows = false;
  std::string note;
  int64_t of = 0;  // what the value stands on: rows, versions; 0 = not told
  std::optional<double> effect, p_value;
  std::optional<std::pair<double, double>> interval;
  bool decides = true;            // false: proposed from the reference, no reason to stop a batch
  std::optional<double> score;    // of a comparison's alert; else it follows from value and limit
  Json evidence;                  // of a comparison's alert: [{check, columns, value, limit, text, slice?}]
  Json slice;                     // column -> value, where it lies in one slice
  Json slices = Json::array();    // of a rule with `by`: [{slice, value, rows, ok}], the worst first, up to 20
  Json examples = Json::array();  // up to 5 rows: {"file", "row", "values"}; masked columns hide their values
};

struct CheckReport {
  std::string contract_id, contract_version, contract_digest, object, engine;
  std::string verdict;  // accepted | quarantined | rejected
  std::string reason;   // of a rejection
  int64_t rows = 0, accepted = 0, quarantined = 0, dropped = 0;
  std::vector<Finding> findings;
  std::vector<std::string> moved_columns;  // the fewest that would have to move to be in the contract's order
  Profile profile;
  std::string accepted_file, quarantine_file;  // paths, when written

  bool passed() const;   // every rule that was run holds
  Json to_json() const;  // findings.json
};

// `session` must be locked down if the contract is not the caller's own, and be able to read the files and write
// out_folder. Leaves temporary relations named millrace_* behind. Nothing half-written: the files appear whole or not
// at all.
Result<CheckReport> check_batch(engine::Engine& session, const CheckRequest& request);

// The same from what a person wrote, in a session of its own that can reach nothing else. What `millrace check` runs.
struct FileCheck {
  std::string contract;  // path
  std::string object;    // "" = the contract's only one
  // Files, folders, patterns, s3://..., postgresql://...; with a name before it, NAME=PLACE, the data of that object.
  std::vector<std::string> data;
  std::map<std::string, std::vector<std::string>> references;  // dataset -> the same, without names
  std::map<std::string, std::string> reading;  // set_reading()'s names and values: over what the contract's server says
  std::string server;                          // of the contract; "" = its only one
  std::string out_folder;                      // may be ""; not with several objects
  std::string temp_folder;                     // "" = the machine's own
  Micros period_from = 0, period_to = 0;
  Micros now = 0;
  int threads = 2;
  bool profile = true;                     // as CheckRequest has it
  engine::Engines* computed_by = nullptr;  // e.g. Spark's; nullptr: the same as what reads the contract
  bool row_by_row = false;                 // by the row executor (data/rows/row_check.h) instead
  Reader* standard_input = nullptr;        // what "-" in `data` means; only row by row
  // Data that is known to be good, as in `data`: distributions, relations and slices are compared with it. Then
  // `contract` may be empty.
  std::vector<std::string> reference;
};
// A report for each object that data was given for, in the contract's order. Objects of one contract that refer to each
// other are looked up in that data, unless `references` says otherwise. What cannot be read is `corrupt` with the file.
// `engines` are DuckDB's.
Result<std::vector<CheckReport>> check_files(engine::Engines& engines, const FileCheck& check);
// The findings of several objects as one document: rule ids and alerts with the object's name before them, and each
// report whole under `objects`. One report stays as it is.
Json to_json(const std::vector<CheckReport>& reports);

}  // namespace millrace::data
