// The journal: every state change of Millrace is one line, written in the same transaction as its rows and its lineage.
// The line is at once the audit record (chained by SHA-256, a chain a writer) and the outbox event that others read by
// sequence.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "core/json.h"
#include "store/database.h"

namespace millrace::lineage {

// Node kinds, persisted by name: dataset, source, code, environment, stage, run, artifact, model, release, approval,
// prediction_window, contract, report. An id is kind:name[@version].
struct Node {
  std::string id;
  std::string digest;  // of its content, or ""
  Json attributes = Json::object();
};

struct Edge {
  std::string source;  // what was used
  std::string target;  // what came of it
  std::string kind;    // made_from, trained_on, run_by, checked_by, released_as, canary_as, approved_by, logged_by ...
  std::vector<std::string> columns;
  std::string run;  // the run that connects them, or ""
};

// What one state change says of itself. Digests name the state before and after, where there is one.
struct Change {
  std::string kind;  // "model.version.created"
  std::string node;  // "model:late@1"
  std::string before;
  std::string after;
  std::string why;
  Json body = Json::object();
  Micros event_time = 0;  // 0 = now
  std::vector<Node> nodes;
  std::vector<Edge> edges;
};

struct Event {
  int64_t sequence = 0;
  std::string workspace, subject, via, request_id, kind, node, before, after, why;
  Micros event_time = 0, recorded_at = 0;
  Json body;
  std::string hash;
};

inline constexpr Micros kJournalDay = 86'400'000'000;  // of journal_counts

struct Verdict {
  bool intact = true;
  int64_t lines = 0;
  int64_t first_bad = 0;  // sequence of the first bad line, 0 if none
  std::string reason;
  std::string head;  // hash of the last line
};

// Thread-safe. One object a process; `writer` names its chain.
class Journal {
 public:
  Journal(store::Database& database, Context& context, std::string writer, std::string checkpoint_file);

  using Rows = std::function<Result<Change>(store::Session&)>;
  // Runs `rows` and appends the change that it answers, in one transaction. Returns the line's sequence after it is
  // durable. A change with an empty kind writes no line (nothing changed): the sequence is 0.
  Result<int64_t> write(const Caller& caller, const Rows& rows);

  Result<std::vector<Event>> read_after(const std::string& workspace, int64_t sequence, int64_t limit) const;
  Result<Verdict> verify() const;
  // Notes the head of the chain outside the database, so that a cut tail shows. Called at quiet moments and on stop.
  Result<void> checkpoint();

 private:
  Result<int64_t> append(store::Session& session, const Caller& caller, const Change& change);

  store::Database& database_;
  Context& context_;
  std::string writer_;
  std::string checkpoint_file_;
};

}  // namespace millrace::lineage
