// The pipeline's rows: finished runs, which of them is current, and attempts. Thread-safe.
// Reading is plain; every change is one line of the journal with its lineage.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/caller.h"
#include "lineage/journal.h"
#include "pipeline/pipeline.h"
#include "store/database.h"

namespace millrace::pipeline {

struct Attempt {
  std::string workspace, id, stage, key, run_id, job;
  Micros started_at = 0;
  std::string node() const;
};

class Records {
 public:
  Records(store::Database& database, lineage::Journal& journal) : database_(database), journal_(journal) {}

  Result<std::optional<StageRecord>> find(const std::string& workspace, const std::string& stage,
                                          const std::string& key) const;
  Result<std::optional<StageRecord>> current(const std::string& workspace, const std::string& stage) const;
  Result<std::vector<StageRecord>> newest(const std::string& workspace, const std::string& stage) const;
  Result<std::vector<Attempt>> cut_off() const;  // our attempts that nobody ended, of all workspaces

  Result<void> begin(const Caller& caller, const Attempt& attempt, bool verify);  // stage.started
  Result<void> note_run(const Caller& caller, const Attempt& attempt);            // its run_id; no line of its own
  // stage.ran. `columns`: what the columns of a SQL stage's out come from (columns/read_columns.h), or null.
  Result<void> succeed(const Caller& caller, const Attempt& attempt, const StageRecord& record, const Json& columns);
  Result<void> fail(const Caller& caller, const Attempt& attempt, const Error& error, Micros now);  // stage.failed
  Result<void> reuse(const Caller& caller, const StageRecord& record);  // stage.reused: it is current again
  Result<void> verified(const Caller& caller, const Attempt& attempt, const VerifyReport& report,
                        Micros now);  // stage.verified, stage.differs

 private:
  store::Database& database_;
  lineage::Journal& journal_;
};

}  // namespace millrace::pipeline
