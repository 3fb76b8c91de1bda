// Takes experiments, runs and logged models over from another tracking server as they were there: with their ids,
// times, states and deleted ones too. Metric points are not taken here: log them with Tracking::log_batch between
// begin_run() and end_run(). Every call is one line of the journal; repeating one changes nothing but to what it is
// told. Thread-safe. Names are held to the rules of names.h; values may be longer than a client may send.
#pragma once
#include <functional>
#include <string>

#include "core/caller.h"
#include "core/context.h"
#include "lineage/journal.h"
#include "store/database.h"
#include "track/entities.h"

namespace millrace::track {

class Importing {
 public:
  // What else belongs into the same transaction.
  using Also = std::function<Result<void>(store::Session&)>;

  Importing(store::Database& database, lineage::Journal& journal, Context& context)
      : database_(database), journal_(journal), context_(context) {}

  // A new experiment. Keeps its id when that is free, else gets the next number; answers the id. `conflict` when the
  // name is taken. artifact_location is not taken over.
  Result<std::string> add_experiment(const Caller& caller, const Experiment& experiment,
                                     const std::function<Result<void>(store::Session&, const std::string& id)>& also);
  // Tags of an experiment that is there; those that it has keep their value.
  Result<void> add_experiment_tags(const Caller& caller, const Experiment& experiment, const Also& also);

  // The run with all but its metrics, active until end_run(). experiment_id is the one here; artifact_uri "" = where
  // this server keeps it. Tags and parameters are set to the given ones; others that the run has here stay.
  Result<void> begin_run(const Caller& caller, const Run& run, const Also& also);
  // Sets status, end and state to those of `run`; `digest` of its content goes into the journal.
  Result<void> end_run(const Caller& caller, const RunInfo& run, const std::string& digest, const Also& also);

  // A logged model with all but its metrics.
  Result<void> put_model(const Caller& caller, const LoggedModel& model, const std::string& digest, const Also& also);

  // Whether there is a run, or a logged model, of this id.
  Result<bool> has_run(const Caller& caller, const std::string& id) const;
  Result<bool> has_model(const Caller& caller, const std::string& id) const;

 private:
  store::Database& database_;
  lineage::Journal& journal_;
  Context& context_;
};

}  // namespace millrace::track
