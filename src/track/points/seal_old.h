// Points that are still rows of before migration 0009 become chunks when nobody waits for it (a write to the metric
// does the same): one small transaction after the other through the write queue, so that at most one of them is ever
// waiting there. A pass that broke off goes on at the next. Thread-safe.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/context.h"
#include "lineage/journal.h"
#include "store/database.h"

namespace millrace::track {

class OldPoints {
 public:
  OldPoints(store::Database& database, lineage::Journal& journal, Context& context)
      : database_(database), journal_(journal), context_(context) {}

  Result<bool> any() const;
  // Ends early when `stop` says so, or after so many steps that an hour's pass is bounded; answers how many it took. A
  // metric that cannot be read is told to the log and left.
  Result<int64_t> seal(const std::function<bool()>& stop);

 private:
  struct Place {
    std::string workspace, run, key;
  };
  Result<std::vector<Place>> after(const Place& last, int64_t most) const;
  Result<bool> step(const Place& place);

  store::Database& database_;
  lineage::Journal& journal_;
  Context& context_;
};

}  // namespace millrace::track
