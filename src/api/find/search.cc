#include "api/find/search.h"

#include <algorithm>

#include <fmt/format.h>

#include "lineage/journal_search.h"

namespace millrace::api::finding {
namespace {

constexpr size_t kUuid = 36;
constexpr size_t kShortestTag = 2, kShortestId = 4;
constexpr int kTagKeys = 40;  // that are looked through
constexpr int64_t kAuditLines = 5;
constexpr size_t kRunNameBytes = 100;
constexpr size_t kTagBytes = 64;  // of a value that its index holds
constexpr std::string_view kLast = "\xf4\x8f\xbf\xbf";

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

// What stands in a statement where a name is searched: {name} is an expression in lower case, {found} the condition,
// {order} the best first.
struct Statement {
  std::string_view kind;
  std::string_view name;
  std::string_view sql;  // answers id, title, subtitle, node
};

constexpr Statement kStatements[] = {
    {"deployment", "lower(deployment)",
     "SELECT deployment, deployment, 'release ' || max(number), 'deployment:' || deployment FROM releases WHERE "
     "workspace "
     "= ? AND {found} GROUP BY deployment ORDER BY {order}, deployment LIMIT ?"},
    {"model", "lower(name)",
     "SELECT name, name, last_version || ' versions', 'registered_model:' || name FROM registered_models WHERE "
     "workspace = "
     "? AND deleted_at = 0 AND {found} ORDER BY {order}, updated_at DESC LIMIT ?"},
    {"model_version", "lower(model || '@' || version)",
     "SELECT model || '@' || version, model || '@' || version, CASE WHEN run_id = '' THEN author ELSE 'run ' || run_id "
     "END, 'model:' || model || '@' || version FROM model_versions WHERE workspace = ? AND deleted_at = 0 AND {found} "
     "ORDER BY {order}, created_at DESC LIMIT ?"},
    {"experiment", "lower(name)",
     "SELECT id, name, 'experiment ' || id, 'experiment:' || id FROM track_experiments WHERE workspace = ? AND "
     "lifecycle_stage = 'active' AND {found} ORDER BY {order}, last_update_time DESC LIMIT ?"},
    {"dataset", "lower(dataset)",
     "SELECT dataset, dataset, max(version) || ' versions', 'dataset:' || dataset || '@' || max(version) FROM "
     "dataset_versions WHERE workspace = ? AND {found} GROUP BY dataset ORDER BY {order}, dataset LIMIT ?"},
    {"dataset_version", "lower(dataset || '@' || version)",
     "SELECT dataset || '@' || version, dataset || '@' || version, verdict || ', ' || row_count || ' rows', 'dataset:' "
     "|| "
     "dataset || '@' || version FROM dataset_versions WHERE workspace = ? AND {found} ORDER BY {order}, version DESC "
     "LIMIT ?"},
    {"alert", "lower(deployment || ' ' || kind || ' ' || subject)",
     "SELECT id, kind || ' ' || subject, deployment || ', ' || state || ', ' || severity, 'alert:' || id FROM alerts "
     "WHERE "
     "workspace = ? AND ({found} OR lower(cause) LIKE {pattern}) ORDER BY {order}, updated_at DESC LIMIT ?"},
    {"review", "lower(summary)",
     "SELECT id, summary, kind || ', ' || state, 'review:' || id FROM reviews WHERE workspace = ? AND {found} ORDER BY "
     "{order}, recorded_at DESC LIMIT ?"},
    {"stage", "lower(stage)",
     "SELECT stage, stage, 'stage of the pipeline', 'stage:' || stage || '@' || substr(cache_key, 8, 12) FROM "
     "stage_current WHERE workspace = ? AND {found} ORDER BY {order}, stage LIMIT ?"},
    {"job", "lower(kind || ' ' || key)",
     "SELECT id, kind || CASE WHEN key = '' THEN '' ELSE ' ' || key END, state, 'job:' || id FROM jobs WHERE workspace "
     "= ? "
     "AND {found} ORDER BY {order}, created_at DESC LIMIT ?"},
};

// Tables whose rows are named by an id that people paste: whole or its beginning.
constexpr Statement kById[] = {
    {"run", "id",
     "SELECT id, name, status, 'run:' || id FROM track_runs WHERE workspace = ? AND id >= ? AND id <= ? LIMIT ?"},
    {"alert", "id",
     "SELECT id, kind || ' ' || subject, deployment || ', ' || state || ', ' || severity, 'alert:' || id FROM alerts "
     "WHERE "
     "workspace = ? AND id >= ? AND id <= ? LIMIT ?"},
    {"review", "id",
     "SELECT id, summary, kind || ', ' || state, 'review:' || id FROM reviews WHERE workspace = ? AND id >= ? AND id "
     "<= ? "
     "LIMIT ?"},
    {"job", "id",
     "SELECT id, kind || CASE WHEN key = '' THEN '' ELSE ' ' || key END, state, 'job:' || id FROM jobs WHERE workspace "
     "= ? "
     "AND id >= ? AND id <= ? LIMIT ?"},
};

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

class Search {
 public:
  Search(store::Session& session, const std::string& workspace, const std::string& text, size_t limit)
      : session_(session),
        workspace_(workspace),
        text_(text),
        lower_(lower(text)),
        limit_(static_cast<int64_t>(limit)) {}

  Result<std::vector<Found>> run() {
    for (const auto& statement : kStatements) MILLRACE_DO(by_name(statement));
    MILLRACE_DO(by_run_name());
    if (text_.size() >= kShortestId)
      for (const auto& statement : kById) MILLRACE_DO(by_id(statement));
    if (text_.size() >= kShortestTag) MILLRACE_DO(by_tag());
    return std::move(found_);
  }

 private:
  int rank_of(const std::string& name) const {
    const auto at = lower(name).find(lower_);
    return name.size() == text_.size() && at == 0 ? 0 : at == 0 ? 1 : at != std::string::npos ? 2 : 3;
  }

  void add(std::string_view kind, const store::Row& row) {
    Found one{std::string(kind), row.text(0), row.text(1), row.text(2), row.text(3)};
    one.rank = std::min(rank_of(one.title), rank_of(one.id));
    if (one.title.empty()) one.title = one.id;
    add(std::move(one));
  }
  void add(Found one) {
    const auto same = [&](const Found& other) { return other.kind == one.kind && other.id == one.id; };
    if (std::none_of(found_.begin(), found_.end(), same)) found_.push_back(std::move(one));
  }

  Result<void> by_name(const Statement& statement) {
    const auto sql = replaced(
        replaced(replaced(std::string(statement.sql), "{found}", fmt::format("{} LIKE ? ESCAPE '\\'", statement.name)),
                 "{order}",
                 fmt::format("CASE WHEN {0} = ? THEN 0 WHEN {0} LIKE ? ESCAPE '\\' THEN 1 ELSE 2 END", statement.name)),
        "{pattern}", "? ESCAPE '\\'");
    const auto pattern = "%" + escaped(lower_) + "%";
    store::Values values{workspace_, pattern};
    if (statement.sql.find("{pattern}") != std::string_view::npos) values.emplace_back(pattern);
    values.emplace_back(lower_);
    values.emplace_back(escaped(lower_) + "%");
    values.emplace_back(limit_);
    MILLRACE_TRY(const auto rows, session_.query(sql, values));
    for (const auto& row : rows) add(statement.kind, row);
    return {};
  }

  // There are too many to look at each: those whose name begins so by one index, those that contain it newest first by
  // another.
  Result<void> by_run_name() {
    constexpr std::string_view kRun =
        "SELECT id, name, status, 'run:' || id FROM track_runs WHERE workspace = ? AND "
        "lifecycle_stage = 'active' AND ";
    const auto begin = lower_.substr(0, kRunNameBytes);
    MILLRACE_TRY(const auto first,
                 session_.query(fmt::format("{}lower(substr(name, 1, 100)) >= ? AND lower(substr(name, "
                                            "1, 100)) <= ? ORDER BY lower(substr(name, 1, 100)), "
                                            "start_time LIMIT ?",
                                            kRun),
                                {workspace_, begin, begin + std::string(kLast), limit_}));
    for (const auto& row : first) add("run", row);
    MILLRACE_TRY(
        const auto newest,
        session_.query(fmt::format("{}id IN (SELECT id FROM track_runs WHERE workspace = ? AND lifecycle_stage = "
                                   "'active' AND length(name) <= 250 AND lower(name) LIKE ? ESCAPE '\\' ORDER BY "
                                   "start_time DESC, id DESC LIMIT ?) ORDER BY start_time DESC",
                                   kRun),
                       {workspace_, workspace_, "%" + escaped(lower_) + "%", limit_}));
    for (const auto& row : newest) add("run", row);
    return {};
  }

  Result<void> by_id(const Statement& statement) {
    MILLRACE_TRY(const auto rows,
                 session_.query(statement.sql, {workspace_, lower_, lower_ + std::string(kLast), limit_}));
    for (const auto& row : rows) add(statement.kind, row);
    return {};
  }

  // One look into the index for each key of a tag.
  Result<void> by_tag() {
    const auto equals = text_.find('=');
    if (equals != std::string::npos && equals > 0) return by_tag(text_.substr(0, equals), text_.substr(equals + 1));
    std::string key;
    for (int i = 0; i < kTagKeys; ++i) {
      MILLRACE_TRY(const auto row,
                   session_.first("SELECT key FROM track_run_tags WHERE workspace = ? AND key > ? ORDER BY "
                                  "key LIMIT 1",
                                  {workspace_, key}));
      if (!row) return {};
      key = row->text(0);
      MILLRACE_DO(by_tag(key, text_));
    }
    return {};
  }

  Result<void> by_tag(const std::string& key, const std::string& value) {
    const auto begins = value.substr(0, kTagBytes);
    MILLRACE_TRY(const auto rows,
                 session_.query("SELECT r.id, r.name, t.value FROM (SELECT run_id, value FROM track_run_tags WHERE "
                                "workspace = ? AND key = ? AND substr(value, 1, 64) >= ? AND substr(value, 1, 64) <= ? "
                                "LIMIT ?) t JOIN track_runs r ON r.workspace = ? AND r.id = t.run_id WHERE "
                                "r.lifecycle_stage = 'active'",
                                {workspace_, key, begins, begins + std::string(kLast), limit_, workspace_}));
    for (const auto& row : rows) {
      const auto id = row.text(0), name = row.text(1);
      add({"run", id, name.empty() ? id : name, fmt::format("{} = {}", key, row.text(2).substr(0, 100)), "run:" + id,
           3});
    }
    return {};
  }

  store::Session& session_;
  const std::string& workspace_;
  const std::string& text_;
  const std::string lower_;
  const int64_t limit_;
  std::vector<Found> found_;
};

Result<void> add_audit(const Places& places, const Caller& caller, const std::string& text, std::vector<Found>& found) {
  MILLRACE_TRY(const auto page,
               lineage::search_journal(places.database, caller.workspace, {.text = text, .limit = kAuditLines}));
  for (const auto& line : page.items)
    found.push_back({"audit", std::to_string(line.sequence), line.kind,
                     fmt::format("{} by {}, {}", line.node, line.subject, to_iso(line.recorded_at).substr(0, 19)),
                     line.node, 4});
  return {};
}

}  // namespace

Json Found::to_json() const {
  return {{"kind", kind}, {"id", id}, {"title", title}, {"subtitle", subtitle}, {"node", node}};
}

Result<std::vector<Found>> search(const Places& places, const Caller& caller, const std::string& text, size_t limit) {
  std::vector<Found> found;
  MILLRACE_DO(places.database.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(found, Search(session, caller.workspace, text, limit).run());
    return {};
  }));
  // The log of predictions is read from disk: only for a whole id that nothing else has.
  if (text.size() == kUuid && found.empty())
    if (const auto prediction = places.plane.find_prediction(text))
      found.push_back({"prediction", text, text, string_or(*prediction, "release", ""), "prediction:" + text, 0});
  MILLRACE_DO(add_audit(places, caller, text, found));
  std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.rank < b.rank; });
  if (found.size() > limit) found.erase(found.begin() + static_cast<std::ptrdiff_t>(limit), found.end());
  return found;
}

}  // namespace millrace::api::finding
