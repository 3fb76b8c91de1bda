// Traces of language models and agents, as MLflow's clients send and ask for them: spans through OTLP, what a trace is
// as a whole, tags, links to runs and prompts, and assessments. Every change is one line of the journal.
// Thread-safe. Times of traces are milliseconds.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "lineage/journal.h"
#include "store/database.h"
#include "traces/entities.h"
#include "traces/otlp.h"
#include "track/tracking.h"

namespace millrace::traces {

struct Search {
  std::vector<std::string> experiment_ids;
  std::string filter;
  std::vector<std::string> order_by;
  int64_t max_results = 100;
  std::string page_token;
};

// By ids, or what is as old as `until` (the oldest first, at most `most` of them): one of the two.
struct Removal {
  std::string experiment_id;
  std::vector<std::string> ids;
  std::optional<int64_t> until, most;
};

struct AssessmentUpdate {
  std::optional<std::string> name, rationale;
  std::optional<Json> feedback, expectation;                   // as Assessment::content
  std::optional<std::map<std::string, std::string>> metadata;  // added to what is there
  std::optional<bool> valid;
};

struct PromptVersion {
  std::string name, version;
};

class Traces {
 public:
  Traces(store::Database& database, lineage::Journal& journal, Context& context, track::Tracking& tracking)
      : database_(database), journal_(journal), context_(context), tracking_(tracking) {}

  // Keeps spans, and makes the traces that they belong to when these are not there yet. All or nothing; the same span
  // again replaces itself. Traces with a root among the spans are linked to `run`, unless it is "".
  Result<void> log_spans(const Caller& caller, const std::string& experiment_id, const std::vector<Received>& spans,
                         const std::string& run = "");
  // What a client says of a whole trace: replaces what was guessed from its spans.
  Result<TraceInfo> start(const Caller& caller, const TraceInfo& info);
  Result<TraceInfo> begin(const Caller& caller, TraceInfo info);  // the same under an id that is made here
  Result<TraceInfo> get_info(const Caller& caller, const std::string& id) const;
  // With its spans; not_found while spans are still to come, unless a part will do.
  Result<Trace> get(const Caller& caller, const std::string& id, bool partial) const;
  // Those of `ids` that are there, in that order; whole ones only.
  Result<std::vector<Trace>> get_all(const Caller& caller, const std::vector<std::string>& ids,
                                     const std::optional<std::vector<std::string>>& experiment_ids) const;
  Result<std::vector<TraceInfo>> get_infos(const Caller& caller, const std::vector<std::string>& ids,
                                           const std::optional<std::vector<std::string>>& experiment_ids) const;
  Result<track::Page<TraceInfo>> search(const Caller& caller, const Search& search) const;

  Result<void> set_tag(const Caller& caller, const std::string& id, const std::string& key, const std::string& value);
  Result<void> delete_tag(const Caller& caller, const std::string& id, const std::string& key);
  Result<int64_t> remove(const Caller& caller, const Removal& removal);  // how many went
  // What is kept of an "experiment" or "run" that is gone for good: its traces, its links; again is fine.
  Result<void> forget(const Caller& caller, const std::string& kind, const std::string& id);
  Result<void> link_to_run(const Caller& caller, const std::vector<std::string>& ids, const std::string& run);
  Result<void> link_prompts(const Caller& caller, const std::string& id, const std::vector<PromptVersion>& prompts);

  Result<Assessment> add_assessment(const Caller& caller, const Assessment& wanted);
  Result<Assessment> get_assessment(const Caller& caller, const std::string& trace, const std::string& id) const;
  Result<Assessment> update_assessment(const Caller& caller, const std::string& trace, const std::string& id,
                                       const AssessmentUpdate& update);
  Result<void> delete_assessment(const Caller& caller, const std::string& trace, const std::string& id);

 private:
  Result<int64_t> remove_some(const Caller& caller, const Removal& removal, int64_t most);
  int64_t now_ms() const { return context_.now() / 1000; }

  store::Database& database_;
  lineage::Journal& journal_;
  Context& context_;
  track::Tracking& tracking_;
};

}  // namespace millrace::traces
