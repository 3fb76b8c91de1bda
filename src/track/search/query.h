// From a parsed search to SQL with bound values. Nothing that a client wrote becomes part of a statement's text.
// Pages go by key, not by offset: what is added or removed meanwhile neither repeats nor hides a row.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "store/database.h"
#include "track/search/filter.h"
#include "track/tracking.h"

namespace millrace::track {

// Where a kind of thing lives. `owner` is the column that names it in its side tables; "" = it has no such table.
struct Subject {
  std::string_view table, owner, tags, params, metrics;
  const Grammar& grammar;
  bool numbered = false;  // ids are numbers: shorter ones come first
  bool in_experiments = true;
  std::vector<std::string_view> defaults;  // the order when none is asked for
  std::vector<std::string_view> ties;      // added to what is asked for, unless it is there
};
extern const Subject runs_subject, experiments_subject, models_subject;

struct Found {
  std::vector<std::string> ids;
  std::string next;
};

// How many runs with a metric are worth which way of a search; smaller ones let tests go every way.
struct Leads {
  size_t experiments = 64;  // more are asked for together, without an index
  size_t few = 4'096;       // are looked at one by one, whatever the order
  size_t some = 20'000;     // are put in order by their start from the index
  size_t at_once = 1'024;   // in one statement
};

Result<Found> find_ids(store::Session& session, const Subject& subject, const std::string& workspace,
                       const Search& search, const Leads& leads = {});

// "?, ?, ?": as many as `values` then has more; padded with the last, so that few different statements arise.
std::string placeholders(const std::vector<std::string>& wanted, store::Values& values);
// "WITH wanted (wanted_id) AS (VALUES (?), ...) ": the ids as a table of their own, which `FROM wanted CROSS JOIN t`
// then begins with. Where SQLite's planner has a long IN before it and an index that begins with the workspace, it
// takes that index and reads the whole workspace. Padded with "", which no id is; the values come first in the
// statement.
std::string with_wanted(const std::vector<std::string>& ids, store::Values& values);

// A token carries where a page ended and for which question; another question refuses it.
std::string make_token(const Json& last, std::string_view question);
Result<Json> read_token(std::string_view token, std::string_view question, size_t fields);

}  // namespace millrace::track
