#include "track/gc/collect.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>

#include <fmt/format.h>

#include "core/fault.h"
#include "core/limits.h"
#include "core/limits/transfer_limits.h"

namespace millrace::track {
namespace {

constexpr int64_t kAtOnce = 200;  // looked at or removed by one call

// One kind of thing that can be deleted: its table, and the tables of what belongs to it with the column that names it.
struct Kind {
  std::string_view name, table, place;
  std::string_view node;  // its lineage node begins so; "" = it has none
  std::vector<std::pair<std::string_view, std::string_view>> parts;
};

// In this order, so that an experiment is looked at when what was in it is gone.
const std::array<Kind, 3>& kinds() {
  static const std::array<Kind, 3> all{{
      {"model",
       "track_models",
       "artifact_uri",
       "artifact:",
       {{"track_model_tags", "model_id"},
        {"track_model_params", "model_id"},
        {"track_model_metrics", "model_id"},
        {"track_run_models", "model_id"}}},
      {"run",
       "track_runs",
       "artifact_uri",
       "run:",
       {{"track_run_tags", "run_id"},
        {"track_params", "run_id"},
        {"track_latest_metrics", "run_id"},
        {"track_run_dataset_tags", "run_id"},
        {"track_run_datasets", "run_id"},
        {"track_run_models", "run_id"}}},
      {"experiment",
       "track_experiments",
       "artifact_location",
       "",
       {{"track_experiment_tags", "experiment_id"}, {"track_datasets", "experiment_id"}}},
  }};
  return all;
}

const Kind& kind_of(std::string_view name) {
  for (const auto& kind : kinds())
    if (kind.name == name) return kind;
  std::abort();
}

Result<bool> exists(store::Session& session, std::string_view sql, const store::Values& values) {
  MILLRACE_TRY(const auto row, session.first(sql, values));
  return row.has_value();
}

// Is this version of a model there, under the name that it has now? One that was released counts for ever: a rollback
// may want it.
Result<bool> version_stands(store::Session& session, const std::string& workspace, std::string node) {
  std::set<std::string> seen;  // a model may have its first name back
  while (seen.insert(node).second) {
    const auto colon = node.find(':'), at = node.rfind('@');
    if (at == std::string::npos) return true;
    const store::Values version{workspace, node.substr(colon + 1, at - colon - 1),
                                int64_t{std::atoll(node.c_str() + at + 1)}};
    MILLRACE_TRY(
        const auto row,
        session.first("SELECT v.deleted_at, (SELECT count(*) FROM releases r WHERE r.workspace = v.workspace AND "
                      "r.model = v.model AND r.version = v.version) FROM model_versions v WHERE v.workspace = ? "
                      "AND v.model = ? AND v.version = ?",
                      version));
    if (row) return row->integer(0) == 0 || row->integer(1) > 0;
    MILLRACE_TRY(const auto renamed,
                 session.first("SELECT target FROM edges WHERE workspace = ? AND source = ? AND kind "
                               "= 'made_from' AND target >= 'model:' AND target < 'model;' ORDER BY "
                               "target LIMIT 1",
                               {workspace, node}));
    if (!renamed) return true;
    node = renamed->text(0);
  }
  return true;
}

// A node that came of this one and is still there; "" = none. What was only used by it does not count.
Result<std::string> needed_by(store::Session& session, const std::string& workspace, const Kind& kind,
                              const std::string& id) {
  if (kind.name == "experiment") {
    for (const auto* sql :
         {"SELECT 'run:' || id FROM track_runs WHERE workspace = ? AND experiment_id = ? LIMIT 1",
          "SELECT 'artifact:' || id FROM track_models WHERE workspace = ? AND experiment_id = ? LIMIT 1"}) {
      MILLRACE_TRY(const auto row, session.first(sql, {workspace, id}));
      if (row) return row->text(0);
    }
    return std::string();
  }
  MILLRACE_TRY(const auto rows,
               session.query("SELECT target FROM edges WHERE workspace = ? AND source = ? ORDER BY target",
                             {workspace, std::string(kind.node) + id}));
  for (const auto& row : rows) {
    const auto target = row.text(0);
    bool there = true;
    if (target.starts_with("run:")) {
      MILLRACE_TRY(
          there,
          exists(session, "SELECT 1 FROM track_runs WHERE workspace = ? AND id = ? AND lifecycle_stage = 'active'",
                 {workspace, target.substr(4)}));
    } else if (target.starts_with("artifact:m-")) {
      MILLRACE_TRY(
          there,
          exists(session, "SELECT 1 FROM track_models WHERE workspace = ? AND id = ? AND lifecycle_stage = 'active'",
                 {workspace, target.substr(9)}));
    } else if (target.starts_with("model:")) {
      MILLRACE_TRY(there, version_stands(session, workspace, target));
    }
    if (there) return target;
  }
  return std::string();
}

Result<std::vector<Garbage>> deleted_of(store::Session& session, const std::string& workspace, const Kind& kind,
                                        Micros before, const std::string& after) {
  MILLRACE_TRY(
      const auto rows,
      session.query(fmt::format("SELECT id, deleted_at FROM {} WHERE workspace = ? AND lifecycle_stage = 'deleted' "
                                "AND deleted_at > 0 AND deleted_at <= ? AND id > ? AND id <> '0' ORDER BY id LIMIT ?",
                                kind.table),
                    {workspace, before, after, kAtOnce}));
  std::vector<Garbage> out;
  for (const auto& row : rows) {
    MILLRACE_TRY(auto needed, needed_by(session, workspace, kind, row.text(0)));
    out.push_back({std::string(kind.name), row.text(0), row.integer(1), std::move(needed)});
  }
  return out;
}

}  // namespace

Result<Swept> Collector::look(const Caller& caller, const GcOrder& order) const {
  Swept out;
  const auto now = context_.now();
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto late,
                 session.first("SELECT count(*) FROM track_uploads WHERE expires_at <= ? AND state = 'open'", {now}));
    out.uploads = late ? late->integer(0) : 0;
    return {};
  }));
  MILLRACE_TRY(out.leftovers, leftovers(order, Leftovers::count));
  MILLRACE_TRY(out.blobs, loose_.look({.idle = order.older_than, .grace = order.grace}));
  if (order.files_only) return out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    for (const auto& kind : kinds()) {
      for (std::string after;;) {
        MILLRACE_TRY(auto found, deleted_of(session, caller.workspace, kind, now - order.older_than, after));
        if (found.empty()) break;
        after = found.back().id;
        for (auto& item : found) out.items.push_back(std::move(item));
        if (out.items.size() < limits::page_size) continue;
        out.more = true;
        return {};
      }
    }
    return {};
  }));
  return out;
}

// What was deleted before times were kept counts from now on.
Result<void> Collector::date_unknown(const Caller& caller) {
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    for (const auto& kind : kinds()) {
      MILLRACE_TRY(const auto done, session.execute(fmt::format("UPDATE {} SET deleted_at = ? WHERE workspace = ? AND "
                                                                "lifecycle_stage = 'deleted' AND deleted_at = 0",
                                                                kind.table),
                                                    {context_.now(), caller.workspace}));
      (void)done;
    }
    return lineage::Change{};
  }));
  (void)line;
  return {};
}

// `kept`: what is not marked because something needs it.
Result<void> Collector::mark(const Caller& caller, const GcOrder& order, std::vector<Garbage>& kept) {
  kept.clear();
  const auto now = context_.now();
  for (const auto& kind : kinds()) {
    for (std::string after;;) {
      std::vector<Garbage> found;
      MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
        MILLRACE_TRY(found, deleted_of(session, caller.workspace, kind, now - order.older_than, after));
        return {};
      }));
      if (found.empty()) break;
      after = found.back().id;
      MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
        for (const auto& item : found) {
          if (!item.kept_for.empty()) continue;
          MILLRACE_TRY(
              const auto done,
              session.execute("INSERT INTO gc_marks (workspace, kind, id, state, place, marked_at) VALUES (?, ?, ?, "
                              "'marked', '', ?) ON CONFLICT (workspace, kind, id) DO NOTHING",
                              {caller.workspace, item.kind, item.id, now}));
          (void)done;
        }
        return lineage::Change{};
      }));
      (void)line;
      for (auto& item : found)
        if (!item.kept_for.empty() && kept.size() < limits::page_size) kept.push_back(std::move(item));
    }
  }
  FAULT_POINT("track.gc.after_mark");
  return {};
}

// Looks again, and takes the thing itself away. False when it is to stay: then the mark goes.
Result<bool> Collector::claim(const Caller& caller, const GcOrder& order, Mark& mark) {
  const auto& kind = kind_of(mark.kind);
  bool claimed = false;
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(
        const auto row,
        session.first(fmt::format("SELECT {}, deleted_at FROM {} WHERE workspace = ? AND id = ? AND lifecycle_stage = "
                                  "'deleted' AND deleted_at > 0 AND deleted_at <= ?",
                                  kind.place, kind.table),
                      {caller.workspace, mark.id, context_.now() - order.older_than}));
    std::string needed;
    if (row) {
      MILLRACE_TRY(needed, needed_by(session, caller.workspace, kind, mark.id));
    }
    if (!row || !needed.empty()) {
      MILLRACE_TRY(const auto gone, session.execute("DELETE FROM gc_marks WHERE workspace = ? AND kind = ? AND id = ?",
                                                    {caller.workspace, mark.kind, mark.id}));
      (void)gone;
      return lineage::Change{};
    }
    mark.place = row->text(0);
    MILLRACE_TRY(const auto removed,
                 session.execute(fmt::format("DELETE FROM {} WHERE workspace = ? AND id = ?", kind.table),
                                 {caller.workspace, mark.id}));
    MILLRACE_TRY(
        const auto noted,
        session.execute("UPDATE gc_marks SET state = 'removing', place = ? WHERE workspace = ? AND kind = ? AND id = ?",
                        {mark.place, caller.workspace, mark.kind, mark.id}));
    (void)removed, (void)noted;
    claimed = true;
    return lineage::Change{
        .kind = "gc.removed",
        .node = kind.node.empty() ? "" : std::string(kind.node) + mark.id,
        .before = "",
        .after = "",
        .why = "deleted long enough ago, and nothing needs it",
        .body = {{"kind", mark.kind}, {"id", mark.id}, {"place", mark.place}, {"deleted_at", row->integer(1)}}};
  }));
  (void)line;
  FAULT_POINT("track.gc.after_claim");
  return claimed;
}

Result<void> Collector::remove_rows(const Caller& caller, const Mark& mark) {
  const auto write = [&](const std::string& sql, const store::Values& values) -> Result<void> {
    MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
      MILLRACE_TRY(const auto done, session.execute(sql, values));
      (void)done;
      return lineage::Change{};
    }));
    (void)line;
    return {};
  };
  // Points are many: a key at a time.
  for (const std::string_view table : {"track_metrics", "track_metric_chunks"}) {
    while (mark.kind == "run") {
      std::optional<store::Row> key;
      MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
        MILLRACE_TRY(key,
                     session.first(fmt::format("SELECT key FROM {} WHERE workspace = ? AND run_id = ? LIMIT 1", table),
                                   {caller.workspace, mark.id}));
        return {};
      }));
      if (!key) break;
      MILLRACE_DO(write(fmt::format("DELETE FROM {} WHERE workspace = ? AND run_id = ? AND key = ?", table),
                        {caller.workspace, mark.id, key->text(0)}));
    }
  }
  if (forget_) MILLRACE_DO(forget_(caller, mark.kind, mark.id));
  for (const auto& [table, column] : kind_of(mark.kind).parts)
    MILLRACE_DO(write(fmt::format("DELETE FROM {} WHERE workspace = ? AND {} = ?", table, column),
                      {caller.workspace, mark.id}));
  FAULT_POINT("track.gc.after_rows");
  return {};
}

// From `removing` to nothing. Every step can be repeated.
Result<void> Collector::finish(const Caller& caller, const Mark& mark) {
  MILLRACE_DO(remove_rows(caller, mark));
  // Files that are kept elsewhere are not ours to remove.
  if (auto removed = tracking_.remove_below(caller, mark.place); !removed && removed.error().code() != Code::invalid)
    return removed;
  FAULT_POINT("track.gc.after_files");
  MILLRACE_TRY(const auto line, journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    MILLRACE_TRY(const auto done, session.execute("DELETE FROM gc_marks WHERE workspace = ? AND kind = ? AND id = ?",
                                                  {caller.workspace, mark.kind, mark.id}));
    (void)done;
    return lineage::Change{};
  }));
  (void)line;
  return {};
}

Result<Swept> Collector::sweep(const Caller& caller, const GcOrder& order) {
  Swept out;
  MILLRACE_TRY(out.uploads, tracking_.expire_uploads());
  if (!order.files_only) MILLRACE_DO(sweep_deleted(caller, order, out));
  if (out.more) return out;
  // At the last call alone: all rows are looked through for it.
  MILLRACE_TRY(out.leftovers, leftovers(order, Leftovers::remove));
  MILLRACE_TRY(out.blobs, loose_.sweep(caller, {.idle = order.older_than, .grace = order.grace}));
  return out;
}

// Files of writers that died cannot be told from those of slow ones, but by their age.
Result<int64_t> Collector::leftovers(const GcOrder& order, Leftovers what) const {
  const auto before = context_.now() - std::max<Micros>(order.older_than, limits::idle_us);
  MILLRACE_TRY(const auto of_artifacts, tracking_.leftovers(before, what));
  MILLRACE_TRY(const auto of_blobs, blobs_.leftovers(before, what));
  return of_artifacts + of_blobs;
}

Result<void> Collector::sweep_deleted(const Caller& caller, const GcOrder& order, Swept& out) {
  MILLRACE_DO(date_unknown(caller));
  std::vector<Garbage> kept;
  MILLRACE_DO(mark(caller, order, kept));
  for (const std::string_view kind : {"model", "run", "experiment"}) {
    std::vector<std::pair<Mark, bool>> marks;  // and whether it is claimed
    MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
      MILLRACE_TRY(const auto rows,
                   session.query("SELECT id, place, state FROM gc_marks WHERE workspace = ? AND kind = ? AND (state = "
                                 "'removing' OR marked_at <= ?) ORDER BY id LIMIT ?",
                                 {caller.workspace, std::string(kind), context_.now() - order.grace, kAtOnce}));
      for (const auto& row : rows)
        marks.emplace_back(Mark{std::string(kind), row.text(0), row.text(1)}, row.text(2) == "removing");
      return {};
    }));
    for (auto& [mark, claimed] : marks) {
      if (!claimed) {
        MILLRACE_TRY(claimed, claim(caller, order, mark));
      }
      if (!claimed) continue;
      MILLRACE_DO(finish(caller, mark));
      out.items.push_back({.kind = mark.kind, .id = mark.id});
    }
  }
  out.more = !out.items.empty();  // an experiment may be empty now
  if (out.more) return {};        // what is kept is said once, at the end
  for (auto& item : kept)
    if (out.items.size() < limits::page_size) out.items.push_back(std::move(item));
  return {};
}

}  // namespace millrace::track
