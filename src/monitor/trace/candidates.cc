#include "monitor/trace/candidates.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "engine/engine.h"
#include "pipeline/key/components.h"

namespace millrace::monitor {
namespace {

constexpr double kUnreachable = 0.35;
constexpr double kUnknownReach = 0.9;
constexpr double kTimeReach = 0.8;
constexpr double kRowsLost = 0.03;  // share of a batch
constexpr double kLeastScore = 0.1;
constexpr size_t kSuspectsOfAVersion = 6;
constexpr size_t kEvidenceOfACandidate = 8;
constexpr double kSliceStrength = 0.9;
// Fixed: that they changed is known, not what of.
constexpr double kCodeStrength = 0.7;
constexpr double kParamsStrength = 0.62;
constexpr double kEnvironmentStrength = 0.3;
constexpr double kReleaseStrength = 0.5;  // that it fell into the window proves nothing
constexpr double kRejectedStrength = 0.65;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool concerns_columns(const std::string& kind) { return kind == "drift" || kind == "nulls" || kind == "refusals"; }

bool are_dates(const Json& a, const Json& b) {
  return a.is_string() && b.is_string() && parse_time(a.get<std::string>()).ok() &&
         parse_time(b.get<std::string>()).ok();
}

// {kind, strength} of a component that differs; strength 0 = moves with the window by itself, or says nothing.
std::pair<std::string, double> kind_of(const pipeline::Reason& reason) {
  if (reason.component.starts_with("code.") || reason.component == "sql" || reason.component == "command")
    return {"code", kCodeStrength};
  if (reason.component.starts_with("params."))
    return {"params", are_dates(reason.before, reason.after) ? 0 : kParamsStrength};
  if (reason.component.starts_with("environment.")) return {"environment", kEnvironmentStrength};
  return {"", 0};
}

}  // namespace

Json Candidate::to_json(int64_t rank) const {
  Json pieces = Json::array();
  for (const auto& one : evidence) pieces.push_back(one.to_json());
  return {{"rank", rank},       {"node", node},     {"kind", kind},   {"dataset", dataset}, {"version", version},
          {"columns", columns}, {"change", change}, {"score", score}, {"path", path},       {"evidence", pieces}};
}

CandidateFinder::CandidateFinder(const TraceParts& parts, const Caller& caller, const Question& question,
                                 const Upstream& upstream)
    : parts_(parts), caller_(caller), question_(question), upstream_(upstream) {
  if (concerns_columns(question.kind)) {
    reach_ = upstream.reach(question.subject);
    return;
  }
  if (upstream.inputs.empty()) {
    reach_.known = false;
    return;
  }
  for (const auto& input : upstream.inputs) {
    const auto one = upstream.reach(input);
    reach_.known = reach_.known && one.known;
    for (const auto& name : one.names)
      if (std::find(reach_.names.begin(), reach_.names.end(), name) == reach_.names.end()) reach_.names.push_back(name);
  }
}

bool CandidateFinder::reaches(const std::string& column) const {
  return std::find(reach_.names.begin(), reach_.names.end(), lower(column)) != reach_.names.end();
}

double CandidateFinder::reach_of(const Candidate& candidate) const {
  if (question_.kind == "quarantine") return candidate.dataset == question_.subject ? 1 : kUnreachable;
  // Which rows there are concerns every column that is made from several.
  const bool rows = std::any_of(candidate.evidence.begin(), candidate.evidence.end(), [](const auto& one) {
    return one.kind == "slice" || one.kind == "rows_a_day" || (one.kind == "quarantine" && one.value >= kRowsLost);
  });
  if (candidate.columns.empty() || candidate.change == "rows" || rows) return 1;
  if (std::any_of(candidate.columns.begin(), candidate.columns.end(), [&](const auto& c) { return reaches(c); }))
    return 1;
  if (!reach_.known) return kUnknownReach;
  // Which rows are joined, and which lie in a period, goes by time; conditions are not in the flow of names.
  return candidate.change == "time" ? kTimeReach : kUnreachable;
}

std::vector<std::string> CandidateFinder::path_of(const Candidate& candidate) const {
  std::vector<std::string> out;
  const auto first =
      std::find_if(candidate.columns.begin(), candidate.columns.end(), [&](const auto& c) { return reaches(c); });
  const auto column = first != candidate.columns.end() ? *first : candidate.columns.empty() ? "" : candidate.columns[0];
  out.push_back(candidate.dataset + (column.empty() ? "" : "." + column));
  if (!column.empty() && !reaches(column)) return out;
  const auto subject = concerns_columns(question_.kind) ? question_.subject : std::string();
  for (auto route = upstream_.routes.rbegin(); route != upstream_.routes.rend(); ++route)
    out.push_back(route->record.stage + (subject.empty() ? "" : "." + subject));
  out.push_back(question_.subject);
  return out;
}

void CandidateFinder::add_data(const Examined& examined, std::vector<Candidate>& out) const {
  size_t taken = 0;
  for (const auto& suspect : examined.found.suspects) {
    if (++taken > kSuspectsOfAVersion) break;
    Candidate one{.node = examined.version.node(),
                  .kind = "data",
                  .dataset = examined.version.dataset,
                  .version = examined.version.version,
                  .columns = suspect.columns,
                  .change = suspect.change,
                  .evidence = suspect.evidence};
    one.score = suspect.strength * reach_of(one);
    one.path = path_of(one);
    out.push_back(std::move(one));
  }
}

// Values that were refused in the window, looked for among the rows of the version and of the one before.
Result<void> CandidateFinder::add_slices(const Examined& examined, Candidate& candidate) const {
  if (candidate.columns.empty() || upstream_.refused.empty()) return {};
  std::vector<std::string> files;
  for (const auto& digest : {examined.version.file, examined.version.quarantine_file}) {
    if (digest.empty()) continue;
    MILLRACE_TRY(auto path, parts_.blobs.path_of(digest));
    files.push_back(std::move(path));
  }
  if (files.empty()) return {};
  MILLRACE_TRY(const auto session, parts_.engines.open({.temp_folder = parts_.temp_folder, .readable = files}));
  MILLRACE_DO(session->lock_down());
  for (const auto& refused : upstream_.refused) {
    const auto reach = upstream_.reach(refused.field);
    for (const auto& column : candidate.columns) {
      if (refused.value.empty() ||
          std::find(reach.names.begin(), reach.names.end(), lower(column)) == reach.names.end())
        continue;
      int64_t rows = 0;
      for (const auto& file : files) {
        const auto counted = session->query(
            fmt::format("SELECT count(*) FROM read_parquet({}) WHERE CAST({} AS VARCHAR) = {}",
                        engine::quote_text(file), engine::quote_name(column), engine::quote_text(refused.value)));
        if (counted && counted->rows() == 1) rows += counted->integer(0, 0);
      }
      if (rows == 0) continue;
      candidate.score = 1 - (1 - candidate.score) * (1 - kSliceStrength);
      candidate.evidence.push_back(
          {.kind = "slice",
           .columns = {column},
           .text = fmt::format("{} requests of the window were refused for {} = {} (rule {}); the same value of {} "
                               "stands in {} rows of {}",
                               refused.rows, refused.field, refused.value, refused.rule, column, rows, candidate.node),
           .value = static_cast<double>(rows),
           .limit = 0});
      return {};
    }
  }
  return {};
}

void CandidateFinder::add_changes(std::vector<Candidate>& out) const {
  for (const auto& route : upstream_.routes) {
    const auto before = std::find_if(upstream_.before.begin(), upstream_.before.end(), [&](const auto& record) {
      const auto *a = ::millrace::find(record.components, "code"),
                 *b = ::millrace::find(route.record.components, "code");
      if (a == nullptr || b == nullptr || a->size() != b->size()) return false;
      for (const auto& [path, digest] : a->items())
        if (!b->contains(path)) return false;
      return true;
    });
    if (before == upstream_.before.end()) continue;
    for (const auto& reason : pipeline::differences(before->components, route.record.components)) {
      const auto [kind, strength] = kind_of(reason);
      if (strength == 0) continue;
      // Two stages that run one file differ in their parameters by design; a stage that ran again differs by a change.
      if (kind != "code" && before->stage != route.record.stage) continue;
      const auto same = std::find_if(out.begin(), out.end(), [&, &kind = kind](const Candidate& c) {
        return c.kind == kind && c.node == route.record.node();
      });
      data::cause::Evidence piece{
          .kind = kind + "_changed",
          .text = fmt::format("{} since {}, the last window's run", reason.text, before->node()),
          .value = 1,
          .limit = 0};
      if (same != out.end()) {
        same->evidence.push_back(std::move(piece));
        continue;
      }
      Candidate one{.node = route.record.node(), .kind = kind, .change = kind, .score = strength, .evidence = {piece}};
      one.path = {route.record.stage, question_.subject};
      out.push_back(std::move(one));
    }
  }
}

// A release in the window concerns what the model answers, not what it is asked.
Result<void> CandidateFinder::add_releases(std::vector<Candidate>& out) const {
  if (question_.kind != "performance" && question_.kind != "latency") return {};
  MILLRACE_TRY(const auto releases, parts_.registry.releases(caller_.workspace, question_.deployment));
  for (const auto& release : releases) {
    const auto document = release.to_json();
    const auto said = parse_time(string_or(document, "event_time", ""));
    const Micros at = said ? *said : release.created_at;
    if (at < question_.from || at >= question_.to) continue;
    out.push_back(
        {.node = release.node(),
         .kind = "release",
         .change = "release",
         .score = kReleaseStrength,
         .path = {release.node(), question_.deployment, question_.subject},
         .evidence = {{.kind = "release",
                       .text = fmt::format("{} put {}@{} on {} within the window ({})", release.node(), release.model,
                                           release.version, question_.deployment, to_iso(at).substr(0, 10)),
                       .value = 1}}});
  }
  return {};
}

// Nothing of such a batch went on, so what stands for it downstream is old or missing.
void CandidateFinder::add_rejected(std::vector<Candidate>& out) const {
  for (const auto& version : upstream_.rejected) {
    const bool replaced = std::any_of(upstream_.versions.begin(), upstream_.versions.end(), [&](const auto& one) {
      return one.dataset == version.dataset && one.period_from < version.period_to &&
             one.period_to > version.period_from;
    });
    if (replaced) continue;
    Candidate one{.node = version.node(),
                  .kind = "source",
                  .dataset = version.dataset,
                  .version = version.version,
                  .change = "rejected"};
    one.score = kRejectedStrength * reach_of(one);
    one.path = {version.dataset, question_.subject};
    one.evidence = {
        {.kind = "quarantine",
         .text = fmt::format("{} was rejected by its contract as a whole ({} rows), and nothing has replaced it",
                             version.node(), version.rows),
         .value = static_cast<double>(version.rows)}};
    out.push_back(std::move(one));
  }
}

Result<std::vector<Candidate>> CandidateFinder::find(const std::vector<Examined>& examined) {
  std::vector<Candidate> out;
  for (const auto& one : examined) {
    const size_t from = out.size();
    add_data(one, out);
    for (size_t i = from; i < out.size(); ++i) MILLRACE_DO(add_slices(one, out[i]));
  }
  add_changes(out);
  MILLRACE_DO(add_releases(out));
  add_rejected(out);
  std::erase_if(out, [](const Candidate& one) { return one.score < kLeastScore; });
  std::stable_sort(out.begin(), out.end(), [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
  if (out.size() > kTraceCandidates) out.resize(kTraceCandidates);
  for (auto& one : out)
    if (one.evidence.size() > kEvidenceOfACandidate) one.evidence.resize(kEvidenceOfACandidate);
  return out;
}

}  // namespace millrace::monitor
