// The collection of blobs that nothing refers to, in two phases as in collect.h. What no row names and nobody has put
// for long enough is marked; what has been marked long enough, and is still so, is claimed with a line of the journal
// and removed. Who puts such a blob meanwhile keeps it, at any moment: the store knows when a blob was put last, and
// takes it away only if that was before the mark. Marks name the server, because blobs lie in a folder of its own.
// Writers wait for nothing but single rows. Thread-safe; a collection that broke off goes on at the next call.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "lineage/journal.h"
#include "store/blobs.h"
#include "store/database.h"

namespace millrace::track {

struct LooseBlobs {
  int64_t count = 0, bytes = 0;
};

struct BlobOrder {
  Micros idle = 0;   // not put for at least so long; never less than limits::idle_us
  Micros grace = 0;  // between mark and removal
};

class BlobCollector {
 public:
  // `server` names this folder of blobs among those of all servers that share the database.
  BlobCollector(store::Database& database, lineage::Journal& journal, Context& context, store::Blobs& blobs,
                std::string server)
      : database_(database), journal_(journal), context_(context), blobs_(blobs), server_(std::move(server)) {}

  // What could go; changes nothing.
  Result<LooseBlobs> look(const BlobOrder& order) const;
  // What went.
  Result<LooseBlobs> sweep(const Caller& caller, const BlobOrder& order);

 private:
  struct Range {
    int from = 0, to = 0;  // of first bytes of digests, `to` not in it
    std::vector<store::KeptBlob> loose;
  };
  Result<Micros> horizon(const BlobOrder& order) const;
  Result<Range> loose_from(int from, Micros horizon) const;
  std::string mark_of(const std::string& digest) const { return server_ + "/" + digest; }
  Result<void> mark(const Caller& caller, const std::vector<store::KeptBlob>& blobs);
  Result<std::vector<std::pair<std::string, Micros>>> claim(const Caller& caller, Micros grace,
                                                            const std::vector<store::KeptBlob>& blobs);
  Result<void> forget(const Caller& caller, const std::vector<std::string>& marks);
  Result<void> forget_stale(const Caller& caller, const Range& range);

  store::Database& database_;
  lineage::Journal& journal_;
  Context& context_;
  store::Blobs& blobs_;
  std::string server_;
};

}  // namespace millrace::track
