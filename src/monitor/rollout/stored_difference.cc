#include "monitor/rollout/stored_difference.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "core/files.h"
#include "monitor/rollout/difference_part.h"

namespace millrace::monitor {
namespace {

constexpr int64_t kAtOnce = 50;
constexpr size_t kBlobBytes = 4 << 20;

bool lies_in(Micros at, const std::vector<DifferenceRequest::Period>& periods) {
  return std::any_of(periods.begin(), periods.end(),
                     [&](const auto& period) { return at >= period.from && at < period.to; });
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

lineage::Change line_of(const ShadowWindow& window, const DifferencePart& part, const std::string& digest) {
  const auto day = to_iso(window.period.from).substr(0, 10);
  const auto model = fmt::format("model:{}@{}", window.model, window.version);
  const auto report = fmt::format("report:difference.{}.{}@{}", window.deployment, window.version, day);
  lineage::Change change{.kind = "release.difference.stored",
                         .node = report,
                         .after = digest,
                         .body = {{"deployment", window.deployment},
                                  {"shadow", model},
                                  {"from", to_iso(window.period.from)},
                                  {"to", to_iso(window.period.to)},
                                  {"releases", part.releases},
                                  {"rows", part.sums["rows"]},
                                  {"flips", part.sums["flips"]}},
                         .event_time = window.period.to};
  change.nodes.push_back({.id = report, .digest = digest, .attributes = {{"kind", "difference"}}});
  change.edges.push_back({.source = model, .target = report, .kind = "compared_in"});
  for (const auto& release : part.releases)
    change.edges.push_back({.source = release, .target = report, .kind = "compared_in"});
  return change;
}

}  // namespace

Result<std::vector<ShadowWindow>> DifferenceStore::due(const std::string& workspace,
                                                       const std::string& deployment) const {
  std::vector<ShadowWindow> out;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(
        const auto rows,
        session.query(
            "SELECT w.model, w.version, w.from_time, w.to_time, w.revision, w.summary FROM monitor_windows w "
            "LEFT JOIN release_differences d ON d.workspace = w.workspace AND d.deployment = w.deployment AND "
            "d.model = w.model AND d.version = w.version AND d.from_time = w.from_time AND d.to_time = "
            "w.to_time WHERE w.workspace = ? AND w.deployment = ? AND w.arm = 'shadow' AND w.as_of = w.to_time "
            "AND (d.revision IS NULL OR d.revision < w.revision) AND NOT EXISTS (SELECT 1 FROM "
            "monitor_windows v WHERE v.workspace = w.workspace AND v.deployment = w.deployment AND v.from_time "
            "= w.from_time AND v.to_time = w.to_time AND v.arm = w.arm AND v.model = w.model AND v.version = "
            "w.version AND v.revision > w.revision) ORDER BY w.from_time, w.model, w.version LIMIT ?",
            {workspace, deployment, kAtOnce}));
    for (const auto& row : rows) {
      MILLRACE_TRY(const auto summary, parse_json(row.text(5), "a window"));
      out.push_back({.deployment = deployment,
                     .model = row.text(0),
                     .version = row.integer(1),
                     .period = {row.integer(2), row.integer(3)},
                     .revision = row.integer(4),
                     .requests = integer_or(summary, "requests", 0)});
    }
    return {};
  }));
  return out;
}

Result<void> DifferenceStore::put(const Caller& caller, const ShadowWindow& window, const DifferencePart& part) {
  const Json document{{"deployment", window.deployment},
                      {"shadow", fmt::format("model:{}@{}", window.model, window.version)},
                      {"from", to_iso(window.period.from)},
                      {"to", to_iso(window.period.to)},
                      {"releases", part.releases},
                      {"score", part.score},
                      {"sums", part.sums},
                      {"report", difference_report(part.sums)}};
  MILLRACE_TRY(const auto digest, blobs_.put(to_text(document)));
  const auto written = journal_.write(caller, [&](store::Session& session) -> Result<lineage::Change> {
    const std::vector<store::Value> key{caller.workspace, window.deployment,  window.model,
                                        window.version,   window.period.from, window.period.to};
    MILLRACE_TRY(const auto former, session.first("SELECT digest FROM release_differences WHERE workspace = ? AND "
                                                  "deployment = ? AND model = ? AND version = ? AND from_time = ? AND "
                                                  "to_time = ?",
                                                  key));
    MILLRACE_TRY(const auto gone,
                 session.execute("DELETE FROM release_differences WHERE workspace = ? AND deployment = "
                                 "? AND model = ? AND version = ? AND from_time = ? AND to_time = ?",
                                 key));
    MILLRACE_TRY(const auto added,
                 session.execute(
                     "INSERT INTO release_differences (workspace, deployment, model, version, from_time, to_time, "
                     "revision, requests, row_count, score, releases, digest, recorded_at) VALUES (?, ?, ?, ?, ?, ?, "
                     "?, ?, ?, ?, ?, ?, ?)",
                     {caller.workspace, window.deployment, window.model, window.version, window.period.from,
                      window.period.to, window.revision, window.requests, part.sums["rows"].get<int64_t>(), part.score,
                      to_text(Json(part.releases)), digest, context_.now()}));
    (void)gone;
    (void)added;
    if (former && former->text(0) == digest) return lineage::Change{};
    return line_of(window, part, digest);
  });
  if (!written) return written.error();
  return {};
}

Result<StoredDifferences> DifferenceStore::all(const std::string& workspace, const std::string& deployment,
                                               const std::string& model, int64_t version) const {
  StoredDifferences out{.sum = {.sums = empty_difference(), .score = "", .releases = {}}, .periods = {}};
  std::vector<std::string> digests;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(
        const auto rows,
        session.query("SELECT from_time, to_time, score, digest FROM release_differences WHERE workspace = ? AND "
                      "deployment = ? AND model = ? AND version = ? ORDER BY from_time",
                      {workspace, deployment, model, version}));
    for (const auto& row : rows) {
      const DifferenceRequest::Period period{row.integer(0), row.integer(1)};
      if (!out.periods.empty() && out.periods.back().to >= period.from)
        out.periods.back().to = std::max(out.periods.back().to, period.to);
      else
        out.periods.push_back(period);
      if (const auto score = row.text(2); !score.empty()) out.sum.score = score;
      digests.push_back(row.text(3));
    }
    return {};
  }));
  for (const auto& digest : digests) {
    MILLRACE_TRY(const auto text, blobs_.get(digest, kBlobBytes));
    MILLRACE_TRY(const auto document, parse_json(text, "a stored difference"));
    const auto* sums = find(document, "sums");
    if (sums == nullptr) return Error{Code::corrupt, fmt::format("the blob {} is no stored difference", digest)};
    out.sum.sums = add_differences(out.sum.sums, *sums);
  }
  out.windows = static_cast<int64_t>(digests.size());
  return out;
}

Result<std::vector<std::string>> DifferenceStore::files_beyond(
    const std::string& workspace, const std::string& deployment, const std::vector<std::string>& files,
    const std::vector<DifferenceRequest::Period>& periods) const {
  std::set<std::string> known, beyond;
  MILLRACE_DO(database_.read([&](store::Session& session) -> Result<void> {
    MILLRACE_TRY(const auto rows, session.query("SELECT file, day FROM monitor_file_days WHERE workspace = ? AND "
                                                "deployment = ?",
                                                {workspace, deployment}));
    for (const auto& row : rows) {
      known.insert(row.text(0));
      if (!lies_in(row.integer(1), periods)) beyond.insert(row.text(0));
    }
    return {};
  }));
  std::vector<std::string> out;
  for (const auto& file : files)
    if (const auto name = name_of(file); !known.contains(name) || beyond.contains(name)) out.push_back(file);
  return out;
}

}  // namespace millrace::monitor
