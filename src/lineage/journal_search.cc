#include "lineage/journal_search.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include <fmt/format.h>

#include "core/limits.h"

namespace millrace::lineage {
namespace {

constexpr int64_t kCounted = 50'000;  // lines that are counted in an index for a total
constexpr int64_t kLookedAt = 5'000;  // the same where each line must be looked at, and lines that are sorted
constexpr int64_t kAllDays = -1;      // in journal_counts
constexpr int64_t kNoDay = -2;
constexpr size_t kBranches = 64;  // lists that are merged; more of them are dense enough to be walked through
constexpr int kNodeKinds = 100;   // that are looked at
constexpr std::string_view kLast = "\xf4\x8f\xbf\xbf";  // sorts behind every text that goes on here

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

bool contains(const std::string& text, const std::string& lower_part) {
  return lower(text).find(lower_part) != std::string::npos;
}

std::string like_pattern(const std::string& lower_part) {
  std::string out = "%";
  for (const char c : lower_part) {
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c;
  }
  return out + "%";
}

// Conditions and their values, in order.
struct Where {
  std::string sql;
  store::Values values;

  Where& add(std::string_view condition, std::initializer_list<store::Value> more) {
    sql += sql.empty() ? " WHERE " : " AND ";
    sql += condition;
    values.insert(values.end(), more.begin(), more.end());
    return *this;
  }
  Where& add(const Where& more) {
    if (more.sql.empty()) return *this;
    add(more.sql.substr(std::string_view(" WHERE ").size()), {});
    values.insert(values.end(), more.values.begin(), more.values.end());
    return *this;
  }
};

struct Range {
  std::string from, to;  // both ends belong to it
};

Range prefix_range(const std::string& prefix) { return {prefix, prefix + std::string(kLast)}; }

// The lines of one kind by one subject in the days that the filter touches.
struct Group {
  std::string kind, subject;
  int64_t lines = 0, edge_lines = 0, first = 0, last = 0;  // edge: in days that belong to it only in part
  bool named = false;                                      // its kind or subject contains the text
};

class Search {
 public:
  Search(store::Session& session, const std::string& workspace, const JournalFilter& filter)
      : session_(session), workspace_(workspace), filter_(filter), text_(lower(filter.text)) {}

  Result<JournalPage> run() {
    JournalPage page;
    MILLRACE_DO(read_groups());
    if (!filter_.text.empty()) MILLRACE_DO(find_ranges());
    if (!groups_.empty()) {
      MILLRACE_DO(filter_.text.empty() ? search_plain() : search_text());
      MILLRACE_DO(read_page(page));
      MILLRACE_DO(count(page));
      page.total = std::max(page.total, static_cast<int64_t>(page.items.size()) + (page.next != 0 ? 1 : 0));
    }
    return page;
  }

 private:
  int64_t first_day() const { return filter_.from / kJournalDay; }
  int64_t last_day() const { return (filter_.to - 1) / kJournalDay; }
  bool starts_inside() const { return filter_.from % kJournalDay != 0; }
  bool ends_inside() const { return filter_.to % kJournalDay != 0; }

  Result<void> read_groups() {
    Where where;
    where.add("workspace = ?", {workspace_});
    if (!filter_.kind.empty()) where.add("kind = ?", {filter_.kind});
    if (!filter_.subject.empty()) where.add("subject = ?", {filter_.subject});
    if (filter_.from == 0 && filter_.to == 0)
      where.add("day = ?", {kAllDays});
    else
      where.add("day >= ? AND day <= ?", {first_day(), filter_.to != 0 ? last_day() : INT64_MAX});
    MILLRACE_TRY(
        const auto rows,
        session_.query(fmt::format("SELECT kind, subject, CAST(sum(lines) AS INTEGER), CAST(sum(CASE WHEN day = {} OR "
                                   "day = {} THEN lines ELSE 0 END) AS INTEGER), min(first_sequence), "
                                   "max(last_sequence) FROM journal_counts{} GROUP BY kind, subject",
                                   filter_.from != 0 && starts_inside() ? first_day() : kNoDay,
                                   filter_.to != 0 && ends_inside() ? last_day() : kNoDay, where.sql),
                       where.values));
    for (const auto& row : rows) {
      Group group{row.text(0), row.text(1), row.integer(2), row.integer(3), row.integer(4), row.integer(5)};
      group.named = contains(group.kind, text_) || contains(group.subject, text_);
      first_ = groups_.empty() ? group.first : std::min(first_, group.first);
      last_ = std::max(last_, group.last);
      groups_.push_back(std::move(group));
    }
    return {};
  }

  // Where nodes whose name begins with the text are: one look into the index for each kind of node.
  Result<void> find_ranges() {
    if (filter_.text.find(':') != std::string::npos) {
      ranges_.push_back(prefix_range(filter_.text));
      return {};
    }
    std::string after;
    for (int i = 0; i < kNodeKinds; ++i) {
      MILLRACE_TRY(const auto row, session_.first("SELECT node FROM journal WHERE workspace = ? AND node > ? ORDER BY "
                                                  "node LIMIT 1",
                                                  {workspace_, after}));
      if (!row) break;
      const auto node = row->text(0);
      const auto colon = node.find(':');
      if (colon == std::string::npos) {
        after = node;
        continue;
      }
      ranges_.push_back(prefix_range(node.substr(0, colon + 1) + filter_.text));
      after = node.substr(0, colon) + ";";  // behind all that begin with "kind:"
    }
    return {};
  }

  // All conditions but the text's and those that `driver` names. `|| ''` keeps planners from an index of their own
  // choice, and so do `+ 0` and a range of one workspace elsewhere.
  Where rest(std::string_view driver) const {
    Where where;
    if (!filter_.kind.empty() && driver != "kind") where.add("kind || '' = ?", {filter_.kind});
    if (!filter_.subject.empty() && driver != "subject") where.add("subject || '' = ?", {filter_.subject});
    if (filter_.from != 0) where.add("recorded_at >= ?", {filter_.from});
    if (filter_.to != 0) where.add("recorded_at < ?", {filter_.to});
    if (!filter_.node.empty() && driver != "node") {
      const bool prefix = filter_.node.ends_with('*');
      const auto range = prefix_range(filter_.node.substr(0, filter_.node.size() - 1));
      if (prefix)
        where.add("node || '' >= ? AND node || '' <= ?", {range.from, range.to});
      else
        where.add("node || '' = ?", {filter_.node});
    }
    return where;
  }

  // Not before the first line that can be meant, nor behind the last.
  int64_t last_wanted() const { return filter_.before != 0 ? std::min(last_, filter_.before - 1) : last_; }

  Result<void> take(const Where& where, std::string_view order) {
    auto values = where.values;
    values.emplace_back(filter_.limit + 1);
    MILLRACE_TRY(const auto rows,
                 session_.query(
                     fmt::format("SELECT sequence FROM journal{} ORDER BY {} DESC LIMIT ?", where.sql, order), values));
    for (const auto& row : rows) found_.insert(row.integer(0));
    return {};
  }

  // A list that its index keeps in the order of sequences.
  Result<void> take_list(std::string_view column, const std::string& value, const Where& more = {}) {
    auto where = rest(column);
    where.add("workspace = ?", {workspace_}).add(fmt::format("{} = ?", column), {value});
    where.add("sequence >= ? AND sequence <= ?", {first_, last_wanted()}).add(more);
    return take(where, "sequence");
  }

  // Nodes lie side by side in their index, in no order of time: few lines are sorted, of many the newest are met soon
  // on the way back through all.
  Result<void> take_range(const Range& range, std::string_view driver) {
    auto where = rest(driver);
    const bool plain = where.sql.empty();
    where.add("workspace = ? AND node >= ? AND node <= ?", {workspace_, range.from, range.to});
    Where inside;
    inside.add("workspace = ? AND node >= ? AND node <= ?", {workspace_, range.from, range.to});
    MILLRACE_TRY(const auto lines, count_upto(inside, plain ? kCounted : kLookedAt));
    if (lines > (plain ? kCounted : kLookedAt)) {
      Where more;
      more.add("node || '' >= ? AND node || '' <= ?", {range.from, range.to});
      return walk(more);
    }
    where.add("sequence + 0 >= ? AND sequence + 0 <= ?", {first_, last_wanted()});
    return take(where, "sequence + 0");
  }

  // Line by line from the newest on, of the kind or subject that the filter names.
  Result<void> walk(const Where& more) {
    if (!filter_.kind.empty()) return take_list("kind", filter_.kind, more);
    if (!filter_.subject.empty()) return take_list("subject", filter_.subject, more);
    return take_all(more);
  }

  Result<void> take_all(const Where& more) {
    auto where = rest("");
    where.add("workspace >= ? AND workspace <= ?", {workspace_, workspace_})
        .add("sequence >= ? AND sequence <= ?", {first_, last_wanted()});
    return take(where.add(more), "sequence");
  }

  int64_t lines_of(const std::function<bool(const Group&)>& is_meant) const {
    int64_t lines = 0;
    for (const auto& group : groups_)
      if (is_meant(group)) lines += group.lines;
    return lines;
  }

  Result<void> take_node() {
    if (filter_.node.ends_with('*'))
      return take_range(prefix_range(filter_.node.substr(0, filter_.node.size() - 1)), "node");
    return take_list("node", filter_.node);
  }

  Result<void> search_plain() {
    if (!filter_.node.empty()) return take_node();
    if (filter_.kind.empty() && filter_.subject.empty()) return take_all({});
    if (filter_.subject.empty()) return take_list("kind", filter_.kind);
    if (filter_.kind.empty()) return take_list("subject", filter_.subject);
    return take_list(
        count_of("kind", filter_.kind) < count_of("subject", filter_.subject) ? "kind" : "subject",
        count_of("kind", filter_.kind) < count_of("subject", filter_.subject) ? filter_.kind : filter_.subject);
  }

  // Of all lines with this kind or subject, not only of those that the filter means.
  int64_t count_of(std::string_view column, const std::string& value) const {
    const auto row = session_.first(
        fmt::format("SELECT CAST(sum(lines) AS INTEGER) FROM journal_counts WHERE workspace = ? AND day = ? AND {} = ?",
                    column),
        {workspace_, kAllDays, value});
    return row && *row ? (*row)->integer(0) : 0;
  }

  Where text_condition() const {
    const auto pattern = like_pattern(text_);
    std::string either = "(lower(kind) LIKE ? ESCAPE '\\' OR lower(subject) LIKE ? ESCAPE '\\'";
    store::Values values{pattern, pattern};
    for (const auto& range : ranges_) {
      either += " OR (node || '' >= ? AND node || '' <= ?)";
      values.emplace_back(range.from);
      values.emplace_back(range.to);
    }
    Where where;
    where.add(either + ")", {});
    where.values = std::move(values);
    return where;
  }

  Result<void> search_text() {
    if (!filter_.node.empty()) {
      // Few lines are of one node: all of them are looked at.
      auto where = rest(filter_.node.ends_with('*') ? "" : "node");
      if (!filter_.node.ends_with('*')) where.add("node = ?", {filter_.node});
      where.add("workspace = ?", {workspace_}).add("sequence + 0 >= ? AND sequence + 0 <= ?", {first_, last_wanted()});
      return take(where.add(text_condition()), "sequence + 0");
    }
    std::set<std::string> kinds, subjects;
    for (const auto& group : groups_) {
      if (contains(group.kind, text_)) kinds.insert(group.kind);
      if (contains(group.subject, text_)) subjects.insert(group.subject);
    }
    if (kinds.size() + subjects.size() > kBranches) return take_all(text_condition());
    for (const auto& kind : kinds) MILLRACE_DO(take_list("kind", kind));
    for (const auto& subject : subjects) MILLRACE_DO(take_list("subject", subject));
    for (const auto& range : ranges_) MILLRACE_DO(take_range(range, ""));
    return {};
  }

  Result<void> read_page(JournalPage& page) {
    std::vector<int64_t> wanted(found_.rbegin(), found_.rend());
    if (static_cast<int64_t>(wanted.size()) > filter_.limit) {
      wanted.resize(static_cast<size_t>(filter_.limit));
      page.next = wanted.back();
    }
    if (wanted.empty()) return {};
    std::string places;
    store::Values values;
    for (const auto sequence : wanted) {
      places += places.empty() ? "?" : ", ?";
      values.emplace_back(sequence);
    }
    MILLRACE_TRY(const auto rows,
                 session_.query(fmt::format("SELECT {} FROM journal WHERE sequence IN ({}) ORDER BY sequence DESC",
                                            kJournalColumns, places),
                                values));
    for (const auto& row : rows) page.items.push_back(journal_event(row));
    return {};
  }

  Result<int64_t> count_upto(Where where, int64_t most) const {
    where.values.emplace_back(most + 1);
    MILLRACE_TRY(const auto row,
                 session_.first(
                     fmt::format("SELECT count(*) FROM (SELECT 1 AS one FROM journal{} LIMIT ?) AS counted", where.sql),
                     where.values));
    return row->integer(0);
  }
  // Beyond `most` the total is a lower bound.
  Result<int64_t> count_some(const Where& where, int64_t most, JournalPage& page) const {
    MILLRACE_TRY(const auto lines, count_upto(where, most));
    if (lines > most) page.exact = false;
    return std::min(lines, most);
  }

  Result<void> count(JournalPage& page) {
    if (!page.next && filter_.before == 0) {  // all of them are on the one page
      page.total = static_cast<int64_t>(page.items.size());
      return {};
    }
    if (!filter_.node.empty()) return count_node(page);
    const auto is_meant = [&](const Group& group) { return filter_.text.empty() || group.named; };
    page.total = lines_of(is_meant);
    for (const auto& group : groups_)
      if (is_meant(group)) page.total -= group.edge_lines;
    MILLRACE_DO(count_edges(page));
    for (const auto& range : ranges_) {
      MILLRACE_TRY(const auto lines, count_range(range, page));
      page.total += lines;
    }
    return {};
  }

  // Of a node's name, without those that were counted by their kind or subject.
  Result<int64_t> count_range(const Range& range, JournalPage& page) {
    auto where = rest("");
    if (std::any_of(groups_.begin(), groups_.end(), [](const Group& group) { return group.named; })) {
      const auto pattern = like_pattern(text_);
      where.add("NOT (lower(kind) LIKE ? ESCAPE '\\' OR lower(subject) LIKE ? ESCAPE '\\')", {pattern, pattern});
    }
    Where inside;
    inside.add("workspace = ? AND node >= ? AND node <= ?", {workspace_, range.from, range.to});
    if (where.sql.empty()) return count_some(inside, kCounted, page);
    MILLRACE_TRY(const auto all, count_upto(inside, kLookedAt));
    if (all <= kLookedAt) return count_some(where.add(inside), kLookedAt, page);
    const auto column = filter_.kind.empty() ? "subject" : "kind";
    const auto& value = filter_.kind.empty() ? filter_.subject : filter_.kind;
    if (!value.empty() && count_of(column, value) <= kLookedAt) {
      where.add("workspace = ?", {workspace_}).add(fmt::format("{} = ?", column), {value});
      where.add("node || '' >= ? AND node || '' <= ?", {range.from, range.to});
      return count_some(where, kLookedAt, page);
    }
    page.exact = false;
    return 0;
  }

  Result<void> count_node(JournalPage& page) {
    auto where = rest("node");
    where.add("workspace = ?", {workspace_});
    if (filter_.node.ends_with('*')) {
      const auto range = prefix_range(filter_.node.substr(0, filter_.node.size() - 1));
      where.add("node >= ? AND node <= ?", {range.from, range.to});
    } else {
      where.add("node = ?", {filter_.node});
    }
    const bool plain = filter_.text.empty() && rest("node").sql.empty();
    if (!filter_.text.empty()) where.add(text_condition());
    MILLRACE_TRY(page.total, count_some(where, plain ? kCounted : kLookedAt, page));
    return {};
  }

  // The days that the filter cuts into.
  Result<void> count_edges(JournalPage& page) {
    std::set<int64_t> days;
    if (filter_.from != 0 && starts_inside()) days.insert(first_day());
    if (filter_.to != 0 && ends_inside()) days.insert(last_day());
    for (const auto day : days) {
      MILLRACE_TRY(const auto row, session_.first("SELECT min(first_sequence), max(last_sequence) FROM journal_counts "
                                                  "WHERE workspace = ? AND day = ?",
                                                  {workspace_, day}));
      if (!row || row->is_null(0)) continue;
      auto where = rest("");
      where.add("workspace >= ? AND workspace <= ?", {workspace_, workspace_});
      where.add("sequence >= ? AND sequence <= ?", {row->integer(0), row->integer(1)});
      where.add("recorded_at >= ? AND recorded_at < ?", {day * kJournalDay, (day + 1) * kJournalDay});
      if (!filter_.text.empty()) {
        const auto pattern = like_pattern(text_);
        where.add("(lower(kind) LIKE ? ESCAPE '\\' OR lower(subject) LIKE ? ESCAPE '\\')", {pattern, pattern});
      }
      MILLRACE_TRY(const auto lines, count_some(where, kCounted, page));
      page.total += lines;
    }
    return {};
  }

  store::Session& session_;
  const std::string& workspace_;
  const JournalFilter& filter_;
  const std::string text_;
  std::vector<Group> groups_;
  std::vector<Range> ranges_;
  int64_t first_ = 0, last_ = 0;
  std::set<int64_t> found_;  // sequences
};

}  // namespace

Event journal_event(const store::Row& row) {
  Event event{.sequence = row.integer(0),
              .workspace = row.text(1),
              .subject = row.text(5),
              .via = row.text(6),
              .request_id = row.text(7),
              .kind = row.text(8),
              .node = row.text(9),
              .before = row.text(10),
              .after = row.text(11),
              .why = row.text(12),
              .event_time = row.integer(3),
              .recorded_at = row.integer(4),
              .body = Json(),
              .hash = row.text(15)};
  if (auto body = parse_json(row.text(13), "journal")) event.body = std::move(*body);
  return event;
}

Result<JournalPage> search_journal(const store::Database& database, const std::string& workspace,
                                   const JournalFilter& filter) {
  JournalPage page;
  MILLRACE_DO(database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(page, Search(session, workspace, filter).run());
    return {};
  }));
  return page;
}

Result<JournalCounts> count_journal(const store::Database& database, const std::string& workspace) {
  JournalCounts out;
  MILLRACE_DO(database.read([&](store::Session& session) -> Result<void> {
    for (auto& [column, list] : {std::pair("kind", &out.kinds), std::pair("subject", &out.subjects)}) {
      MILLRACE_TRY(const auto rows,
                   session.query(fmt::format("SELECT {0}, CAST(sum(lines) AS INTEGER) FROM journal_counts WHERE "
                                             "workspace = ? AND day = -1 GROUP BY {0} ORDER BY 2 DESC, {0} LIMIT {1}",
                                             column, limits::page_size),
                                 {workspace}));
      for (const auto& row : rows) list->emplace_back(row.text(0), row.integer(1));
    }
    return {};
  }));
  return out;
}

}  // namespace millrace::lineage
