#include "lineage/journal.h"

#include <map>

#include <fmt/format.h>

#include "core/files.h"
#include "core/hash.h"
#include "lineage/journal_search.h"

namespace millrace::lineage {
namespace {

// The bytes that a line's hash covers: all its fields but sequence and hash, as a canonical JSON array.
std::string chained_text(const store::Row& row) {
  Json fields = Json::array();
  for (size_t i = 1; i <= 14; ++i) {
    if (i == 3 || i == 4)
      fields.push_back(row.integer(i));
    else
      fields.push_back(row.text(i));
  }
  return to_text(fields);
}

Result<std::string> last_hash(store::Session& session, const std::string& writer) {
  MILLRACE_TRY(const auto row,
               session.first("SELECT hash FROM journal WHERE writer = ? ORDER BY sequence DESC LIMIT 1", {writer}));
  return row ? row->text(0) : std::string();
}

struct Head {
  int64_t sequence = 0;
  std::string hash;
};
using Heads = std::map<std::string, Head>;  // by writer

// One look into the index for each writer, not one for each line.
Result<Heads> read_heads(store::Session& session) {
  Heads heads;
  for (std::string writer;;) {
    MILLRACE_TRY(const auto next,
                 session.first("SELECT writer FROM journal WHERE writer > ? ORDER BY writer LIMIT 1", {writer}));
    if (!next) return heads;
    writer = next->text(0);
    MILLRACE_TRY(
        const auto row,
        session.first("SELECT sequence, hash FROM journal WHERE writer = ? ORDER BY sequence DESC LIMIT 1", {writer}));
    heads[writer] = {row->integer(0), row->text(1)};
  }
}

// What a checkpoint saw: the last line of all and, by writer, of each.
struct Checkpoint {
  Head last;
  std::map<int64_t, std::string> seen;  // sequence -> hash
};

Result<Checkpoint> read_checkpoint(const std::string& file) {
  Checkpoint out;
  if (!exists(file)) return out;
  MILLRACE_TRY(const auto text, read_file(file, 1 << 20));
  const auto saved = parse_json(text, file);
  const auto head_in = [](const Json& json) -> Head {
    return {integer_or(json, "sequence", 0), string_or(json, "hash", "")};
  };
  bool good = saved && saved->is_object();
  if (good) {
    out.last = head_in(*saved);
    out.seen[out.last.sequence] = out.last.hash;
    if (const auto* heads = find(*saved, "heads"); heads != nullptr)
      for (const auto& head : *heads) {
        const auto one = head_in(head);
        out.seen[one.sequence] = one.hash;
      }
    for (const auto& [sequence, hash] : out.seen) good = good && sequence > 0 && is_digest(hash);
  }
  if (good) return out;
  return Error{Code::corrupt, "this is not a checkpoint of the journal"}
      .at({.file = file})
      .hint("restore the file from a backup; without it a cut tail cannot be seen");
}

Result<void> add_graph(store::Session& session, const Caller& caller, const Change& change, int64_t sequence) {
  for (const auto& node : change.nodes) {
    const auto colon = node.id.find(':');
    if (colon == std::string::npos) return Error{Code::internal, fmt::format("'{}' is not a node id", node.id)};
    MILLRACE_TRY(
        const auto done,
        session.execute(
            "INSERT INTO nodes (workspace, id, kind, digest, attributes, sequence) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (workspace, id) DO NOTHING",
            {caller.workspace, node.id, node.id.substr(0, colon), node.digest, to_text(node.attributes), sequence}));
    (void)done;
  }
  for (const auto& edge : change.edges) {
    MILLRACE_TRY(
        const auto done,
        session.execute(
            "INSERT INTO edges (workspace, source, target, kind, columns, run, sequence) VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (workspace, source, target, kind, run) DO NOTHING",
            {caller.workspace, edge.source, edge.target, edge.kind, to_text(Json(edge.columns)), edge.run, sequence}));
    (void)done;
  }
  return {};
}

// The caller's Idempotency-Key belongs to the first request that changes something with it.
Result<void> claim_key(store::Session& session, const Caller& caller, Micros now) {
  if (caller.idempotency_key.empty()) return {};
  MILLRACE_TRY(
      const auto claimed,
      session.execute(
          "INSERT INTO idempotency (workspace, subject, key, request_digest, request_id, status, body, recorded_at) "
          "VALUES (?, ?, ?, ?, ?, 0, '', ?) ON CONFLICT (workspace, subject, key) DO NOTHING",
          {caller.workspace, caller.subject, caller.idempotency_key, caller.request_digest, caller.request_id, now}));
  if (claimed == 1) return {};
  MILLRACE_TRY(const auto owner,
               session.first("SELECT request_id FROM idempotency WHERE workspace = ? AND subject = ? AND key = ?",
                             {caller.workspace, caller.subject, caller.idempotency_key}));
  if (owner && owner->text(0) == caller.request_id) return {};
  return Error{Code::conflict, "another request with this Idempotency-Key has made its change"}
      .at_field("Idempotency-Key")
      .hint("send it again to get that one's answer");
}

// What searches need of all lines together: how many of a kind by a subject there are in each day and in all, and
// which.
Result<void> count_line(store::Session& session, const Caller& caller, const std::string& kind, Micros now,
                        int64_t sequence) {
  MILLRACE_TRY(const auto counted,
               session.execute("INSERT INTO journal_counts (workspace, day, kind, subject, lines, first_sequence, "
                               "last_sequence) VALUES (?, ?, ?, ?, 1, ?, ?), (?, -1, ?, ?, 1, ?, ?) ON CONFLICT "
                               "(workspace, day, kind, subject) DO UPDATE SET lines = journal_counts.lines + 1, "
                               "last_sequence = excluded.last_sequence",
                               {caller.workspace, now / kJournalDay, kind, caller.subject, sequence, sequence,
                                caller.workspace, kind, caller.subject, sequence, sequence}));
  (void)counted;
  return {};
}

}  // namespace

Journal::Journal(store::Database& database, Context& context, std::string writer, std::string checkpoint_file)
    : database_(database),
      context_(context),
      writer_(std::move(writer)),
      checkpoint_file_(std::move(checkpoint_file)) {}

Result<int64_t> Journal::write(const Caller& caller, const Rows& rows) {
  int64_t sequence = 0;
  MILLRACE_DO(database_.write([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto change, rows(session));
    if (change.kind.empty()) return {};
    MILLRACE_TRY(sequence, append(session, caller, change));
    return {};
  }));
  return sequence;
}

Result<int64_t> Journal::append(store::Session& session, const Caller& caller, const Change& change) {
  MILLRACE_TRY(const auto previous, last_hash(session, writer_));
  const Micros now = context_.now();
  MILLRACE_DO(claim_key(session, caller, now));
  const Micros event_time = change.event_time != 0 ? change.event_time : now;
  const std::string body = to_text(change.body);
  const Json chained =
      Json::array({caller.workspace, writer_, event_time, now, caller.subject, caller.via, caller.request_id,
                   change.kind, change.node, change.before, change.after, change.why, body, previous});
  MILLRACE_TRY(const auto rows, session.query("INSERT INTO journal (workspace, writer, event_time, recorded_at, "
                                              "subject, via, request_id, kind, node, before_digest, "
                                              "after_digest, why, body, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?, "
                                              "?, ?, ?, ?, ?, ?, ?, ?) RETURNING sequence",
                                              {caller.workspace, writer_, event_time, now, caller.subject, caller.via,
                                               caller.request_id, change.kind, change.node, change.before, change.after,
                                               change.why, body, previous, digest_of(to_text(chained))}));
  const int64_t sequence = rows.at(0).integer(0);
  MILLRACE_DO(count_line(session, caller, change.kind, now, sequence));
  MILLRACE_DO(add_graph(session, caller, change, sequence));
  return sequence;
}

Result<std::vector<Event>> Journal::read_after(const std::string& workspace, int64_t sequence, int64_t limit) const {
  std::vector<Event> out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(
        const auto rows,
        session.query(
            fmt::format("SELECT {} FROM journal WHERE workspace = ? AND sequence > ? ORDER BY sequence LIMIT ?",
                        kJournalColumns),
            {workspace, sequence, limit}));
    for (const auto& row : rows) out.push_back(journal_event(row));
    return {};
  }));
  return out;
}

Result<Verdict> Journal::verify() const {
  Verdict verdict;
  std::map<std::string, std::string> heads;  // writer -> hash of its last line
  MILLRACE_TRY(const auto checkpoint, read_checkpoint(checkpoint_file_));
  const auto bad = [&](int64_t sequence, std::string reason) {
    if (verdict.intact) verdict.first_bad = sequence, verdict.reason = std::move(reason);
    verdict.intact = false;
  };
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    int64_t expected = 1;
    for (int64_t after = 0; verdict.intact;) {
      MILLRACE_TRY(const auto rows,
                   session.query(fmt::format("SELECT {} FROM journal WHERE sequence > ? ORDER BY sequence LIMIT 10000",
                                             kJournalColumns),
                                 {after}));
      if (rows.empty()) break;
      for (const auto& row : rows) {
        const int64_t sequence = row.integer(0);
        const std::string hash = row.text(15);
        auto& head = heads[row.text(2)];
        const auto seen = checkpoint.seen.find(sequence);
        after = sequence;
        if (sequence != expected)
          bad(expected, fmt::format("line {} is missing", expected));
        else if (row.text(14) != head)
          bad(sequence, "the line does not follow the one before it");
        else if (digest_of(chained_text(row)) != hash)
          bad(sequence, "the line's content does not match its hash");
        else if (seen != checkpoint.seen.end() && hash != seen->second)
          bad(sequence, "the line is not the one that the checkpoint saw");
        if (!verdict.intact) break;
        head = hash;
        verdict.head = hash;
        ++verdict.lines;
        expected = sequence + 1;
      }
    }
    return {};
  }));
  if (verdict.intact && verdict.lines < checkpoint.last.sequence)
    bad(verdict.lines + 1, fmt::format("the tail is cut: the checkpoint saw line {}", checkpoint.last.sequence));
  return verdict;
}

Result<void> Journal::checkpoint() {
  Heads heads;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(heads, read_heads(session));
    return {};
  }));
  if (heads.empty()) return {};
  const auto to_head = [](const Head& head) { return Json{{"sequence", head.sequence}, {"hash", head.hash}}; };
  Head last;
  Json all = Json::object();
  for (const auto& [writer, head] : heads) {
    all[writer] = to_head(head);
    if (head.sequence > last.sequence) last = head;
  }
  Json saved = to_head(last);
  if (heads.size() > 1) saved["heads"] = std::move(all);
  return write_file(checkpoint_file_, to_text(saved) + "\n");
}

}  // namespace millrace::lineage
