// Searches of the journal, newest first. They go through indices and the counts beside it, so that a million lines
// answer in the time of a page.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "lineage/journal.h"

namespace millrace::lineage {

struct JournalFilter {
  // Lines whose kind or subject contains it (without regard to case), or whose node begins with it, or whose node's
  // name does: "late" finds model:late@3.
  std::string text;
  std::string kind, subject;  // exactly, "" = any
  std::string node;           // exactly, or what begins so when it ends with '*'
  Micros from = 0, to = 0;    // recorded in [from, to), 0 = open
  int64_t before = 0;         // sequence, 0 = from the newest on
  int64_t limit = 50;
};

struct JournalPage {
  std::vector<Event> items;
  int64_t next = 0;   // `before` of the next page, 0 = this was the last
  int64_t total = 0;  // of the filter, on all pages
  bool exact = true;  // false: at least so many; nobody counted to the end
};
Result<JournalPage> search_journal(const store::Database& database, const std::string& workspace,
                                   const JournalFilter& filter);

struct JournalCounts {
  std::vector<std::pair<std::string, int64_t>> kinds, subjects;  // most lines first
};
Result<JournalCounts> count_journal(const store::Database& database, const std::string& workspace);

// Rows of the table, for the journal's own files.
inline constexpr std::string_view kJournalColumns =
    "sequence, workspace, writer, event_time, recorded_at, subject, via, request_id, kind, node, before_digest, "
    "after_digest, why, body, previous, hash";
Event journal_event(const store::Row& row);

}  // namespace millrace::lineage
