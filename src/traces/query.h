// From a parsed search to SQL with bound values, and what SQL cannot compare the same way in every database, compared
// row by row. Nothing that a client wrote becomes part of a statement's text. For search.cc.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "store/database.h"
#include "traces/filter.h"
#include "traces/match.h"
#include "track/search/condition_sql.h"

namespace millrace::traces {

using track::Sql;

struct SortKey {
  std::string sql;
  store::Values values;
  bool ascending = true;
  bool is_text = false;
};
Result<std::vector<SortKey>> sort_keys(const std::vector<std::string>& order_by);

// The conditions of one search on traces `t`.
class Conditions {
 public:
  static Result<Conditions> of(const std::vector<Condition>& conditions);
  // " AND ..": takes at least the traces that the search wants, and no others when is_exact().
  void add_to(Sql& sql) const;
  bool is_exact() const { return checks_.empty() && !check_spans_; }
  Result<bool> holds(store::Session& session, const std::string& workspace, const std::string& id) const;

 private:
  struct Check {
    Condition condition;
    Matcher matches;
  };
  static Result<bool> holds(store::Session& session, const std::string& workspace, const std::string& id,
                            const Check& check);
  Result<bool> spans_hold(store::Session& session, const std::string& workspace, const std::string& id) const;

  Sql sql_, span_sql_;         // span_sql_: on spans `f`
  std::vector<Check> checks_;  // of everything but spans
  std::vector<Check> spans_;   // one span has to meet all of them
  bool check_spans_ = false;
};

}  // namespace millrace::traces
