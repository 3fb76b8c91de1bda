// Statements of a search, with bound values. For query.cc.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "track/search/query.h"

namespace millrace::track {

enum class Kind { integer, real, text };

struct SortKey {
  std::string sql;
  store::Values values;
  bool ascending = true;
  Kind kind = Kind::integer;
  bool constant = false;  // the same in every row
};

// A search that was understood. Refers to the arguments it was made of.
struct Question {
  const Subject& subject;
  const std::string& workspace;
  const Search& search;
  std::vector<Comparison> comparisons;
  std::vector<Order> orders;
  std::vector<SortKey> keys;  // in the order of `orders`; a metric, parameter or tag has two: its rank and its value
};
Result<Question> parse_question(const Subject& subject, const std::string& workspace, const Search& search);

// Less than all that the search may look at.
struct Narrow {
  const std::string* experiment = nullptr;        // in this one of its experiments
  const std::vector<std::string>* ids = nullptr;  // only these
  const std::string* without = nullptr;           // only what has no such metric, which is the first thing ordered by
  bool by_index = false;                          // runs of one experiment, looked for by the index of metrics
};

// The first `most` rows after the row with the keys `last`: its id, then its keys.
Result<store::Rows> ask(store::Session& session, const Question& question, const Narrow& narrow,
                        const std::optional<Json>& last, size_t most);
// How many rows there are. Of one experiment metrics are looked up by their index, all at once.
Result<int64_t> count(store::Session& session, const Question& question, const Narrow& narrow);
bool comes_before(const Question& question, const store::Row& a, const store::Row& b);
Json last_of(const Question& question, const store::Row& row);  // the keys of a row

}  // namespace millrace::track
