// The table of runs: a page of a search with the columns that were asked for and no others, however many there are.
#pragma once
#include <map>
#include <mutex>
#include <optional>
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
  std::vector<RunColumn> columns;  // of the values
  std::string next;                // "" = that was all
  std::optional<int64_t> total;    // of the filter, when its first page was asked for; unknown where nobody counted
};
struct RunPage {
  std::vector<RunColumn> columns;
  bool common = false;  // the columns that most of the page's runs have, instead
  bool count = true;    // false: the total only where it is known already, since it may cost more than the rows
};

// Thread-safe.
class RunTable {
 public:
  RunTable(const store::Database& database, Context& context) : database_(database), context_(context) {}

  // `search.page_token` is what `next` of the page before said. `invalid` as search_runs() says it.
  Result<RunRows> page(const std::string& workspace, Search search, RunPage wanted);
  // How many runs the search has; its page does not matter.
  Result<int64_t> total(const std::string& workspace, Search search);

 private:
  struct Known {
    int64_t total = 0;
    Micros until = 0;  // steady
  };
  std::optional<int64_t> known_total(const std::string& question);
  Result<int64_t> total_of(store::Session& session, const std::string& workspace, const Search& search);

  const store::Database& database_;
  Context& context_;
  std::mutex mutex_;  // guards the field below
  std::map<std::string, Known> known_;
};

// Ids of the experiments that are meant: those named, each of which must exist, or all that are active.
Result<std::vector<std::string>> experiments_of(store::Session& session, const std::string& workspace,
                                                const std::vector<std::string>& named);

// Metrics and parameters that most of the first of these runs have, in that order; at most four of either. It looks at
// no other run: counting those of all reads an index from end to end.
Result<std::vector<RunColumn>> common_columns(store::Session& session, const std::string& workspace,
                                              const std::vector<std::string>& ids);

// Values of runs, row by row in the order of `ids`. A metric's min and max are null where nothing but its points tells.
Result<std::vector<Json>> values_of(store::Session& session, const std::string& workspace,
                                    const std::vector<std::string>& ids, const std::vector<RunColumn>& columns);

}  // namespace millrace::track
