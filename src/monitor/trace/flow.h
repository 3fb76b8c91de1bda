// Which columns a column of a query may come from, by the flow of names.
//
// The query is read by the engine's own parser (json_serialize_sql). Every expression of every select list is an edge
// from the names that stand in it to the name that it is given; a set operation joins branches by position, a table
// alias with column names stands for all that its query names. Names are one pot: the same name in two tables is the
// same column here. So the answer holds every column that truly counts, and may hold more. Conditions (join, where,
// group by, order by) decide which rows there are, not what is in them, and are left out.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/json.h"
#include "engine/engine.h"

namespace millrace::monitor {

class ColumnFlow {
 public:
  // `sql` is one SELECT; `invalid` with the parser's message otherwise.
  static Result<ColumnFlow> parse(engine::Engine& session, const std::string& sql);

  // Names that `column` may come from, nearest first, itself included; letters' case is ignored (all are lower case).
  std::vector<std::string> sources_of(const std::string& column) const;

 private:
  void read(const Json& node, int depth);
  void read_select(const Json& select);
  void read_branches(const Json& operation);
  void read_aliases(const Json& table);

  std::map<std::string, std::set<std::string>> from_;
};

}  // namespace millrace::monitor
