// The table of runs: a page of a search with the columns that were asked for and no others, however many there are.
#pragma once
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/context.h"
#include "core/json.h"
#include "store/database.h"
#include "track/entities.h"
#include "track/table/columns.h"
#include "track/tracking.h"

namespace millrace::track {

struct RunRow {
  RunInfo info;
  Json values = Json::object();  // column -> {last, min, max, step, at} of a metric, else a text
};
struct RunRows {
  std::vector<RunRow> rows;
  std::string next;   // "" = that was all
  int64_t total = 0;  // of the filter, when its first page was asked for
};

// Thread-safe.
class RunTable {
 public:
  RunTable(const store::Database& database, Context& context) : database_(database), context_(context) {}

  // `search.page_token` is what `next` of the page before said. `invalid` as search_runs() says it.
  Result<RunRows> page(const std::string& workspace, Search search, const std::vector<RunColumn>& columns);

 private:
  struct Known {
    int64_t total = 0;
    Micros until = 0;  // steady
  };
  Result<int64_t> total_of(store::Session& session, const std::string& workspace, const Search& search);

  const store::Database& database_;
  Context& context_;
  std::mutex mutex_;  // guards the field below
  std::map<std::string, Known> known_;
};

// Ids of the experiments that are meant: those named, each of which must exist, or all that are active.
Result<std::vector<std::string>> experiments_of(store::Session& session, const std::string& workspace,
                                                const std::vector<std::string>& named);

// Values of runs, row by row in the order of `ids`. A metric's min and max are null where nothing but its points tells.
Result<std::vector<Json>> values_of(store::Session& session, const std::string& workspace,
                                    const std::vector<std::string>& ids, const std::vector<RunColumn>& columns);

}  // namespace millrace::track
