#include <map>

#include <fmt/format.h>

#include "api/native/dataset_json.h"
#include "api/native/known.h"
#include "api/native/paging.h"
#include "api/native/reads.h"
#include "data/datasets/quarantine.h"
#include "data/profiles/profile_page.h"
#include "report/reasons.h"

namespace millrace::api::native {
namespace {

constexpr size_t kVerdicts = 60;

struct SourceRow {
  std::string name;
  std::optional<data::Source> source;          // as the project has it
  std::vector<data::DatasetVersion> versions;  // newest first
};

// What the project names, and what it named once.
Result<std::vector<SourceRow>> rows_of(Services& s, const std::string& workspace) {
  std::map<std::string, SourceRow> found;
  MILLRACE_TRY(const auto project, optional_project(s));
  if (project) {
    MILLRACE_TRY(const auto sources, data::read_sources(*project));
    for (const auto& source : sources) found[source.name].source = source;
  }
  MILLRACE_TRY(auto versions, s.datasets.list(workspace, ""));
  for (auto version = versions.rbegin(); version != versions.rend(); ++version)
    found[version->dataset].versions.push_back(std::move(*version));
  std::vector<SourceRow> out;
  for (auto& [name, row] : found) {
    row.name = name;
    std::stable_sort(row.versions.begin(), row.versions.end(),
                     [](const auto& a, const auto& b) { return a.version > b.version; });
    out.push_back(std::move(row));
  }
  return out;
}

Json verdict_json(const data::DatasetVersion& version) {
  return {{"version", version.version},
          {"node", version.node()},
          {"verdict", version.verdict},
          {"at", to_iso(version.period_to != 0 ? version.period_from : version.recorded_at)},
          {"recorded_at", to_iso(version.recorded_at)},
          {"rows", version.rows},
          {"quarantined", version.quarantined}};
}

// {id, name, version, digest} of the contract that the newest version was judged by.
Json contract_json(Services& s, const data::DatasetVersion& version) {
  const auto contract = data::contract_of(s.blobs, version);
  if (!contract) return {{"digest", version.contract_digest}};
  return {{"id", contract->id},
          {"name", contract->name},
          {"version", contract->version},
          {"status", contract->status},
          {"digest", version.contract_digest}};
}

Result<Json> source_json(Services& s, const std::string& workspace, const SourceRow& row) {
  Json out{{"dataset", row.name},
           {"kind", row.source ? Json(row.source->kind) : Json(nullptr)},
           {"event_time", row.source && !row.source->event_time.empty() ? Json(row.source->event_time) : Json(nullptr)},
           {"in_project", row.source.has_value()},
           {"contract", nullptr},
           {"versions", row.versions.size()},
           {"latest", nullptr},
           {"verdicts", Json::array()},
           {"failing_rules", Json::array()}};
  if (row.versions.empty()) return out;
  const auto& latest = row.versions.front();
  out["contract"] = contract_json(s, latest);
  out["latest"] = version_json(latest);
  for (const auto& version : row.versions)
    if (out["verdicts"].size() < kVerdicts) out["verdicts"].push_back(verdict_json(version));
  if (latest.verdict != "accepted") {
    MILLRACE_TRY(out["failing_rules"], report::reasons_of(s.datasets, workspace, latest));
  }
  return out;
}

Result<Json> sources(Services& s, const Request& in) {
  MILLRACE_TRY(const auto slice, page_slice(in));
  MILLRACE_TRY(const auto rows, rows_of(s, in.caller.workspace));
  std::optional<Error> failed;
  Json out = page_of(rows, slice, [&](const SourceRow& row) {
    auto json = source_json(s, in.caller.workspace, row);
    if (!json) failed = json.error();
    return json ? std::move(*json) : Json();
  });
  if (failed) return std::move(*failed);
  return out;
}

Result<data::DatasetVersion> version_of(Services& s, const Request& in) {
  MILLRACE_TRY(const auto number, arg_integer(in, "version"));
  return s.datasets.get(in.caller.workspace, in.arg("dataset"), number);
}

Result<Json> profile(Services& s, const Request& in) {
  MILLRACE_TRY(const auto slice, page_slice(in));
  MILLRACE_TRY(const auto version, version_of(s, in));
  MILLRACE_TRY(const auto stored, s.datasets.profile(in.caller.workspace, version.dataset, version.version));
  const auto contract = data::contract_of(s.blobs, version);
  const auto columns = data::profile_columns(stored, contract ? data::object_of(*contract, version) : nullptr);
  Json out = page_of(columns, slice, [](const Json& column) { return column; });
  out["columns"] = std::move(out["items"]);
  out.erase("items");
  out["dataset"] = version.dataset;
  out["version"] = version.version;
  out["node"] = version.node();
  out["rows"] = integer_or(stored, "rows", 0);
  return out;
}

// People who may approve may see classified values, and that they did is a line of the audit chain.
Result<void> note_reading(Services& s, const Request& in, const data::DatasetVersion& version,
                          const data::QuarantineRows& rows) {
  std::vector<std::string> columns;
  for (const auto& column : rows.columns)
    if (!column.classification.empty() && column.classification != "public") columns.push_back(column.name);
  MILLRACE_TRY(const auto line, s.journal.write(in.caller, [&](store::Session&) -> Result<lineage::Change> {
    return lineage::Change{.kind = "dataset.quarantine.read",
                           .node = version.node(),
                           .body = {{"columns", columns}, {"rows", rows.items.size()}}};
  }));
  (void)line;
  return {};
}

Result<Json> quarantine(Services& s, const Request& in) {
  MILLRACE_TRY(const auto slice, page_slice(in));
  const auto masked = in.query_value("masked").value_or("false");
  if (masked != "true" && masked != "false")
    return Error{Code::invalid, "'masked' must be true or false"}.at_field("masked");
  const bool may = in.caller.has_role("approver") && masked == "false";
  MILLRACE_TRY(const auto version, version_of(s, in));
  MILLRACE_TRY(auto rows, data::read_quarantine(s.engines, s.blobs, version,
                                                {.from = static_cast<int64_t>(slice.from),
                                                 .count = static_cast<int64_t>(slice.count),
                                                 .unmasked = may}));
  if (rows.classified && !rows.items.empty()) MILLRACE_DO(note_reading(s, in, version, rows));
  Json columns = Json::array();
  for (const auto& column : rows.columns)
    columns.push_back({{"name", column.name},
                       {"type", column.type},
                       {"classification", column.classification.empty() ? Json(nullptr) : Json(column.classification)},
                       {"masked", column.masked}});
  const auto end = static_cast<int64_t>(slice.from + rows.items.size());
  return Json{{"columns", std::move(columns)},
              {"items", std::move(rows.items)},
              {"next", end < rows.total ? Json(std::to_string(end)) : Json(nullptr)},
              {"total", rows.total}};
}

Result<Json> diff(Services& s, const Request& in) {
  MILLRACE_TRY(const auto slice, page_slice(in));
  Json profiles[2];
  data::DatasetVersion versions[2];
  constexpr const char* kEnds[] = {"from", "to"};
  for (const size_t i : {0U, 1U}) {
    MILLRACE_TRY(const auto number, compared_version(in, kEnds[i]));
    MILLRACE_TRY(versions[i], s.datasets.get(in.caller.workspace, in.arg("dataset"), number));
    MILLRACE_TRY(profiles[i], s.datasets.profile(in.caller.workspace, in.arg("dataset"), number));
  }
  const auto found = data::diff_profiles(profiles[0], profiles[1]);
  Json out = page_of(found.columns, slice, [](const Json& column) { return column; });
  out["columns"] = std::move(out["items"]);
  out.erase("items");
  out["from"] = version_json(versions[0]);
  out["to"] = version_json(versions[1]);
  out["rows"] = {{"from", found.rows_from}, {"to", found.rows_to}};
  return out;
}

}  // namespace

Routes source_routes(Services& s) {
  const std::string base = "/api/millrace/v1", dataset = base + "/datasets/{dataset}";
  return {
      {"GET", base + "/sources", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return sources(s, in); }); },
       "The sources of the project and of former ones: contract, newest version, verdicts, rules that fail."},
      {"GET", dataset + "/versions/{version}/profile", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return profile(s, in); }); },
       "What is kept of a version, column by column: nulls, distinct values, quantiles, histogram or top values."},
      {"GET", dataset + "/versions/{version}/quarantine", Permission::read, kNoBody, "dataset.quarantine.read",
       Run::worker, [&s](Request& in) { return answer(in, [&] { return quarantine(s, in); }); },
       "Rows that were set aside, with their reasons; classified values are masked, but for approvers (who leave a "
       "line "
       "of the audit chain) unless ?masked=true."},
      {"GET", dataset + "/diff", Permission::read, kNoBody, "none", Run::worker,
       [&s](Request& in) { return answer(in, [&] { return diff(s, in); }); },
       "Two versions side by side, column by column, what moved most first: ?from=1&to=2."},
  };
}

}  // namespace millrace::api::native
