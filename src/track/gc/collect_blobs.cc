#include "track/gc/collect_blobs.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/limits/transfer_limits.h"
#include "track/gc/blob_references.h"
#include "track/search/query.h"

namespace millrace::track {
namespace {

constexpr size_t kAtOnce = 200;        // blobs of one transaction
constexpr size_t kInMemory = 100'000;  // blobs that the rows are looked through for at a time
constexpr int kShards = 256;
const std::string kWorkspace = "default";  // blobs are of all workspaces, and so are their marks

template <class Take>
Result<void> in_batches(const std::vector<store::KeptBlob>& blobs, Take take) {
  for (size_t from = 0; from < blobs.size(); from += kAtOnce) {
    const auto begin = blobs.begin() + static_cast<std::ptrdiff_t>(from);
    const auto size = static_cast<std::ptrdiff_t>(std::min(kAtOnce, blobs.size() - from));
    MILLRACE_DO(take(std::vector<store::KeptBlob>(begin, begin + size)));
  }
  return {};
}

}  // namespace

// A job may put blobs long before it says what they are for.
Result<Micros> BlobCollector::horizon(const BlobOrder& order) const {
  Micros out = context_.now() - std::max<Micros>(order.idle, limits::idle_us);
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto row, session.first("SELECT min(created_at) FROM jobs WHERE state = 'running' AND "
                                               "lease_until > ?",
                                               {context_.now()}));
    if (row && !row->is_null(0)) out = std::min(out, row->integer(0));
    return {};
  }));
  return out;
}

Result<BlobCollector::Range> BlobCollector::loose_from(int from, Micros horizon) const {
  Range out{from, from, {}};
  Digests digests;
  for (; out.to < kShards && out.loose.size() < kInMemory; ++out.to) {
    MILLRACE_TRY(auto kept, blobs_.list(static_cast<uint8_t>(out.to)));
    for (auto& blob : kept) {
      if (blob.put_at >= horizon) continue;
      digests.add(blob.digest);
      out.loose.push_back(std::move(blob));
    }
  }
  if (out.loose.empty()) return out;
  digests.sort();
  MILLRACE_DO(find_references(database_, digests));
  std::erase_if(out.loose, [&](const auto& blob) { return digests.is_referred_to(blob.digest); });
  return out;
}

Result<LooseBlobs> BlobCollector::look(const BlobOrder& order) const {
  LooseBlobs out;
  MILLRACE_TRY(const auto before, horizon(order));
  for (int shard = 0; shard < kShards;) {
    MILLRACE_TRY(const auto range, loose_from(shard, before));
    for (const auto& blob : range.loose) {
      ++out.count;
      out.bytes += blob.size;
    }
    shard = range.to;
  }
  return out;
}

Result<void> BlobCollector::mark(const Caller& caller, const std::vector<store::KeptBlob>& blobs) {
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    for (const auto& blob : blobs) {
      MILLRACE_TRY(const auto done,
                   session.execute("INSERT INTO gc_marks (workspace, kind, id, state, place, marked_at) VALUES (?, "
                                   "'blob', ?, 'marked', '', ?) ON CONFLICT (workspace, kind, id) DO NOTHING",
                                   {kWorkspace, mark_of(blob.digest), context_.now()}));
      (void)done;
    }
    return lineage::Change{};
  }));
  (void)line;
  return {};
}

// Those that may go now, each with the time of its mark; those that were claimed by a call that broke off among them.
Result<std::vector<std::pair<std::string, Micros>>> BlobCollector::claim(const Caller& caller, Micros grace,
                                                                         const std::vector<store::KeptBlob>& blobs) {
  std::vector<std::pair<std::string, Micros>> out;
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    out.clear();
    Json claimed = Json::array();
    for (const auto& blob : blobs) {
      MILLRACE_TRY(const auto row,
                   session.first("SELECT state, marked_at FROM gc_marks WHERE workspace = ? AND kind = 'blob' AND id = "
                                 "? AND (state = 'removing' OR marked_at <= ?)",
                                 {kWorkspace, mark_of(blob.digest), context_.now() - grace}));
      if (!row) continue;
      if (blob.put_at >= row->integer(1)) {  // put since: the mark counts anew
        MILLRACE_TRY(const auto renewed, session.execute("UPDATE gc_marks SET state = 'marked', marked_at = ? WHERE "
                                                         "workspace = ? AND kind = 'blob' AND id = ?",
                                                         {context_.now(), kWorkspace, mark_of(blob.digest)}));
        (void)renewed;
        continue;
      }
      out.emplace_back(blob.digest, row->integer(1));
      if (row->text(0) == "removing") continue;
      MILLRACE_TRY(const auto done, session.execute("UPDATE gc_marks SET state = 'removing' WHERE workspace = ? AND "
                                                    "kind = 'blob' AND id = ?",
                                                    {kWorkspace, mark_of(blob.digest)}));
      (void)done;
      claimed.push_back(blob.digest);
    }
    if (claimed.empty()) return lineage::Change{};
    return lineage::Change{.kind = "gc.removed",
                           .node = "",
                           .before = "",
                           .after = "",
                           .why = "nothing refers to them, and nobody has put them for long enough",
                           .body = {{"kind", "blob"}, {"place", server_}, {"digests", std::move(claimed)}}};
  }));
  (void)line;
  return out;
}

Result<void> BlobCollector::forget(const Caller& caller, const std::vector<std::string>& marks) {
  if (marks.empty()) return {};
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    store::Values values{kWorkspace};
    const auto list = placeholders(marks, values);
    MILLRACE_TRY(
        const auto done,
        session.execute(fmt::format("DELETE FROM gc_marks WHERE workspace = ? AND kind = 'blob' AND id IN ({})", list),
                        values));
    (void)done;
    return lineage::Change{};
  }));
  (void)line;
  return {};
}

// Marks of what is gone, or was put or referred to since.
Result<void> BlobCollector::forget_stale(const Caller& caller, const Range& range) {
  std::set<std::string> loose;
  for (const auto& blob : range.loose) loose.insert(mark_of(blob.digest));
  // 'g' follows the last digit.
  auto after = mark_of(fmt::format("sha256:{:02x}", range.from));
  const auto end = mark_of(range.to < kShards ? fmt::format("sha256:{:02x}", range.to) : "sha256:g");
  for (size_t got = kAtOnce; got == kAtOnce;) {
    std::vector<std::string> stale;
    MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
      MILLRACE_TRY(const auto rows, session.query("SELECT id FROM gc_marks WHERE workspace = ? AND kind = 'blob' AND "
                                                  "id > ? AND id < ? ORDER BY id LIMIT ?",
                                                  {kWorkspace, after, end, static_cast<int64_t>(kAtOnce)}));
      got = rows.size();
      for (const auto& row : rows) {
        after = row.text(0);
        if (!loose.contains(after)) stale.push_back(after);
      }
      return {};
    }));
    MILLRACE_DO(forget(caller, stale));
  }
  return {};
}

Result<LooseBlobs> BlobCollector::sweep(const Caller& caller, const BlobOrder& order) {
  LooseBlobs out;
  MILLRACE_TRY(const auto before, horizon(order));
  for (int shard = 0; shard < kShards;) {
    MILLRACE_TRY(const auto range, loose_from(shard, before));
    shard = range.to;
    MILLRACE_DO(forget_stale(caller, range));
    MILLRACE_DO(in_batches(range.loose, [&](const auto& some) { return mark(caller, some); }));
    FAULT_POINT("track.gc.blobs_marked");
    MILLRACE_DO(in_batches(range.loose, [&](const auto& some) -> Result<void> {
      MILLRACE_TRY(const auto claimed, claim(caller, order.grace, some));
      FAULT_POINT("track.gc.blobs_claimed");
      std::vector<std::string> marks;
      for (const auto& [digest, marked_at] : claimed) {
        MILLRACE_TRY(const bool removed, blobs_.remove_idle(digest, marked_at));
        marks.push_back(mark_of(digest));
        if (!removed) continue;
        const auto blob = std::find_if(some.begin(), some.end(),
                                       [&digest = digest](const auto& each) { return each.digest == digest; });
        ++out.count;
        out.bytes += blob->size;
      }
      FAULT_POINT("track.gc.blobs_removed");
      return forget(caller, marks);
    }));
  }
  return out;
}

}  // namespace millrace::track
