// The collection of garbage: runs, logged models and experiments that were deleted long enough ago go for good, rows
// and files, in two phases. What would go is marked with the time; what has been marked long enough is looked at again
// and, if it is still deleted and nothing needs it, removed: first its own row, in one transaction with a line of the
// journal (from then on nobody can bring it back), then what belonged to it, in pieces, so that writers wait for no
// large one. A removal that broke off goes on at the next call. Then what belongs to nothing: uploads that expired,
// files of writers that died, blobs (collect_blobs.h). Thread-safe.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "lineage/journal.h"
#include "store/database.h"
#include "track/gc/collect_blobs.h"
#include "track/tracking.h"

namespace millrace::track {

struct Garbage {
  std::string kind, id;  // run, model, experiment
  Micros deleted_at = 0;
  std::string kept_for;  // the node that needs it; "" = nothing does
};

struct Swept {
  std::vector<Garbage> items;  // at most limits::page_size: what went (or would go), and what is kept
  int64_t uploads = 0;         // in parts, expired and removed; of a look: those that have expired
  int64_t leftovers = 0;       // files that died half-way, and parts of uploads that nobody knows
  LooseBlobs blobs;
  bool more = false;  // call again
};

struct GcOrder {
  Micros older_than = 0;    // deleted at least so long ago
  Micros grace = 0;         // between mark and removal
  bool files_only = false;  // only files that belong to nothing
};

class Collector {
 public:
  struct Parts {
    store::Database& database;
    lineage::Journal& journal;
    Context& context;
    Tracking& tracking;
    store::Blobs& blobs;
    std::string server;  // whose folder the blobs are in
    // Takes away what other folders keep of a run or experiment that is gone; may be called again. Empty: nothing.
    std::function<Result<void>(const Caller& caller, const std::string& kind, const std::string& id)> forget = {};
  };
  explicit Collector(const Parts& parts)
      : database_(parts.database),
        journal_(parts.journal),
        context_(parts.context),
        tracking_(parts.tracking),
        blobs_(parts.blobs),
        forget_(parts.forget),
        loose_(parts.database, parts.journal, parts.context, parts.blobs, parts.server) {}

  // What sweep() would do now; changes nothing.
  Result<Swept> look(const Caller& caller, const GcOrder& order) const;
  Result<Swept> sweep(const Caller& caller, const GcOrder& order);

 private:
  struct Mark {
    std::string kind, id, place;
  };
  Result<void> sweep_deleted(const Caller& caller, const GcOrder& order, Swept& out);
  Result<void> date_unknown(const Caller& caller);
  Result<void> mark(const Caller& caller, const GcOrder& order, std::vector<Garbage>& kept);
  Result<bool> claim(const Caller& caller, const GcOrder& order, Mark& mark);
  Result<void> remove_rows(const Caller& caller, const Mark& mark);
  Result<void> finish(const Caller& caller, const Mark& mark);
  Result<int64_t> leftovers(const GcOrder& order, Leftovers what) const;

  store::Database& database_;
  lineage::Journal& journal_;
  Context& context_;
  Tracking& tracking_;
  store::Blobs& blobs_;
  std::function<Result<void>(const Caller&, const std::string&, const std::string&)> forget_;
  BlobCollector loose_;
};

}  // namespace millrace::track
