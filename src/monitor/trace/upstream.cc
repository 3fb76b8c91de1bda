#include "monitor/trace/upstream.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "core/files.h"
#include "core/limits.h"
#include "data/contracts/contract.h"
#include "pipeline/local/sql_text.h"

namespace millrace::monitor {
namespace {

constexpr size_t kRefusedValues = 20;
constexpr size_t kSqlBytes = 4 << 20;
constexpr size_t kRecordsDeep = 64;

using engine::quote_name;
using engine::quote_text;

std::vector<std::string> log_files(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().extension() == ".parquet") out.push_back(entry.path().string());
  std::sort(out.begin(), out.end());
  return out;
}

struct Log {
  std::vector<std::string> digests;  // of the files that requests came from
  std::vector<Refused> refused;
};

Result<Log> read_log(const TraceParts& parts, const Caller& caller, const Question& question) {
  Log out;
  const auto files = log_files(parts.predictions_folder + "/" + question.deployment);
  if (files.empty()) return out;
  MILLRACE_TRY(const auto session, parts.engines.open({.temp_folder = parts.temp_folder, .readable = files}));
  MILLRACE_DO(session->lock_down());
  std::string list;
  for (const auto& file : files) list += (list.empty() ? "" : ", ") + quote_text(file);
  const auto where = fmt::format(
      "FROM read_parquet([{}], union_by_name = true) WHERE event_time >= make_timestamp({}) AND "
      "event_time < make_timestamp({}) AND workspace = {}",
      list, question.from, question.to, quote_text(caller.workspace));
  MILLRACE_TRY(const auto inputs,
               session->query(fmt::format("SELECT DISTINCT input {} AND input <> '' ORDER BY 1", where)));
  for (size_t r = 0; r < inputs.rows(); ++r) out.digests.push_back(inputs.text(r, 0));
  MILLRACE_TRY(const auto fields,
               session->query(fmt::format("SELECT field, rule, count(*) {} AND status = 'refused' AND field <> '' "
                                          "GROUP BY ALL ORDER BY 3 DESC, 1, 2 LIMIT 10",
                                          where)));
  for (size_t f = 0; f < fields.rows(); ++f) {
    const auto field = fields.text(f, 0);
    const auto values = session->query(fmt::format(
        "SELECT CAST({} AS VARCHAR), count(*) {} AND status = 'refused' AND field = {} AND "
        "rule = {} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {}",
        quote_name("in_" + field), where, quote_text(field), quote_text(fields.text(f, 1)), kRefusedValues));
    if (!values) {  // a field that is no input column of the log
      out.refused.push_back({field, fields.text(f, 1), "", fields.integer(f, 2)});
      continue;
    }
    for (size_t v = 0; v < values->rows(); ++v)
      out.refused.push_back({field, fields.text(f, 1), values->text(v, 0), values->integer(v, 1)});
  }
  return out;
}

bool overlaps(const data::DatasetVersion& version, Micros from, Micros to) {
  return version.period_to != 0 && version.period_from < to && version.period_to > from;
}

using Versions = std::map<std::pair<std::string, int64_t>, data::DatasetVersion>;

std::vector<data::DatasetVersion> behind(const pipeline::StageRecord& record, const Versions& all) {
  std::vector<data::DatasetVersion> out;
  const auto* list = find(record.components, "data_behind");
  if (list == nullptr || !list->is_array()) return out;
  for (const auto& one : *list)
    if (const auto at = all.find({string_or(one, "name", ""), integer_or(one, "version", 0)}); at != all.end())
      out.push_back(at->second);
  return out;
}

// The end of the newest batch that a record stands on; 0 without append datasets.
const data::DatasetVersion* newest_batch(const std::vector<data::DatasetVersion>& versions) {
  const data::DatasetVersion* out = nullptr;
  for (const auto& one : versions)
    if (one.period_to != 0 && (out == nullptr || one.period_from > out->period_from)) out = &one;
  return out;
}

bool has_out(const pipeline::StageRecord& record, const std::vector<std::string>& digests) {
  return std::any_of(record.outs.begin(), record.outs.end(), [&](const pipeline::Out& out) {
    return std::find(digests.begin(), digests.end(), out.digest) != digests.end();
  });
}

std::set<std::string> code_paths(const pipeline::StageRecord& record) {
  std::set<std::string> out;
  if (const auto* code = find(record.components, "code"); code != nullptr && code->is_object())
    for (const auto& [path, digest] : code->items()) out.insert(path);
  return out;
}

bool are_comparable(const pipeline::StageRecord& a, const pipeline::StageRecord& b) {
  const auto paths = code_paths(a);
  return !paths.empty() && paths == code_paths(b) &&
         string_or(a.components, "kind", "") == string_or(b.components, "kind", "");
}

// The records that make the window's inputs: by digest, else by time, the newest of each stage. By time an SQL stage of
// several that run the same file is as good as another.
std::vector<pipeline::StageRecord> direct(const std::vector<pipeline::StageRecord>& records, const Log& log,
                                          const Question& question, const Versions& all) {
  std::vector<pipeline::StageRecord> out;
  for (const auto& record : records)
    if (has_out(record, log.digests)) out.push_back(record);
  if (!out.empty()) return out;
  for (const auto& record : records) {
    const auto versions = behind(record, all);
    const auto* newest = newest_batch(versions);
    if (newest == nullptr || !overlaps(*newest, question.from, question.to) ||
        string_or(record.components, "kind", "") != "sql")
      continue;
    const bool known = std::any_of(out.begin(), out.end(), [&](const auto& one) { return one.stage == record.stage; });
    if (!known) out.push_back(record);
  }
  return out;
}

// And the records that those stand on, by the digests of what they read.
void add_upstream(std::vector<pipeline::StageRecord>& out, const std::vector<pipeline::StageRecord>& records) {
  for (size_t i = 0; i < out.size() && out.size() < kRecordsDeep; ++i) {
    const auto* stages = find(out[i].components, "stages");
    if (stages == nullptr || !stages->is_object()) continue;
    for (const auto& [stage, outs] : stages->items()) {
      std::vector<std::string> digests;
      for (const auto& [path, digest] : outs.items())
        if (digest.is_string()) digests.push_back(digest.get<std::string>());
      for (const auto& record : records)
        if (record.stage == stage && has_out(record, digests) &&
            std::none_of(out.begin(), out.end(), [&](const auto& one) { return one.key == record.key; })) {
          out.push_back(record);
          break;
        }
    }
  }
}

Result<std::optional<ColumnFlow>> flow_of(const TraceParts& parts, engine::Engine& session,
                                          const pipeline::StageRecord& record) {
  if (string_or(record.components, "kind", "") != "sql") return std::optional<ColumnFlow>();
  MILLRACE_TRY(const auto text, parts.blobs.get(string_or(record.components, "sql", ""), kSqlBytes));
  MILLRACE_TRY(const auto sql,
               pipeline::bind_params(text, record.components.value("params", Json::object()), record.stage));
  MILLRACE_TRY(auto flow, ColumnFlow::parse(session, sql));
  return std::optional(std::move(flow));
}

// The last record before the window that runs the same files.
std::vector<pipeline::StageRecord> earlier(const std::vector<Route>& routes,
                                           const std::vector<pipeline::StageRecord>& records, const Question& question,
                                           const Versions& all) {
  std::vector<pipeline::StageRecord> out;
  for (const auto& route : routes) {
    const pipeline::StageRecord* best = nullptr;
    Micros end = 0;
    for (const auto& record : records) {
      if (record.key == route.record.key || !are_comparable(record, route.record)) continue;
      const auto versions = behind(record, all);
      const auto* newest = newest_batch(versions);
      if (newest == nullptr || newest->period_to > question.from || newest->period_to <= end) continue;
      best = &record, end = newest->period_to;
    }
    if (best != nullptr) out.push_back(*best);
  }
  return out;
}

std::vector<std::string> model_inputs(const Project& project, const std::string& deployment) {
  const auto deployments = registry::read_deployments(project);
  const auto models = registry::read_models(project);
  if (!deployments || !models) return {};
  for (const auto& one : *deployments)
    for (const auto& model : *models) {
      if (one.name != deployment || model.name != one.model || model.contract.empty()) continue;
      const auto contract = data::load_contract(model.contract);
      if (!contract) return {};
      std::vector<std::string> out;
      for (const auto& object : contract->objects)
        for (const auto& property : object.properties) out.push_back(property.name);
      return out;
    }
  return {};
}

void take_versions(Upstream& out, const std::vector<data::DatasetVersion>& versions, const Question& question) {
  std::map<std::string, size_t> taken;
  for (const auto& one : versions) {
    if (!overlaps(one, question.from, question.to) || ++taken[one.dataset] > kTraceVersions) continue;
    out.versions.push_back(one);
  }
}

// Snapshots that are newer than those behind the earlier window.
void take_snapshots(Upstream& out, const Versions& all) {
  std::map<std::string, int64_t> before;
  for (const auto& record : out.before)
    for (const auto& one : behind(record, all))
      if (one.period_to == 0) before[one.dataset] = std::max(before[one.dataset], one.version);
  std::set<std::string> known;
  for (const auto& route : out.routes)
    for (const auto& one : behind(route.record, all))
      if (const auto at = before.find(one.dataset);
          one.period_to == 0 && at != before.end() && one.version > at->second && known.insert(one.node()).second)
        out.versions.push_back(one);
}

}  // namespace

Upstream::Reach Upstream::reach(const std::string& column) const {
  Reach out;
  if (routes.empty()) return {{}, false};
  std::vector<std::string> names{column};
  for (const auto& route : routes) {
    if (!route.flow) {
      out.known = false;
      continue;
    }
    std::vector<std::string> next = names;
    for (const auto& name : names)
      for (const auto& source : route.flow->sources_of(name))
        if (std::find(next.begin(), next.end(), source) == next.end()) next.push_back(source);
    names = std::move(next);
  }
  out.names = std::move(names);
  return out;
}

Result<Upstream> find_upstream(const TraceParts& parts, const Caller& caller, const Question& question,
                               const Project& project) {
  MILLRACE_TRY(auto list, parts.datasets.list(caller.workspace, ""));
  if (list.empty())
    return Error{Code::not_found, "there is no dataset version to trace anything to"}.hint(
        "millrace data add SOURCE FILE");
  Versions all;
  std::map<std::string, std::vector<data::DatasetVersion>> current;
  Upstream out{.inputs = model_inputs(project, question.deployment)};
  for (const auto& one : list) {
    all[{one.dataset, one.version}] = one;
    if (!one.is_selectable() && overlaps(one, question.from, question.to)) out.rejected.push_back(one);
  }
  MILLRACE_TRY(auto log, read_log(parts, caller, question));
  MILLRACE_TRY(const auto records, parts.pipelines.records(caller.workspace, ""));
  auto found = direct(records, log, question, all);
  add_upstream(found, records);
  out.refused = std::move(log.refused);
  MILLRACE_TRY(const auto session, parts.engines.open({.temp_folder = parts.temp_folder}));
  for (auto& record : found) {
    MILLRACE_TRY(auto flow, flow_of(parts, *session, record));
    out.routes.push_back({std::move(record), std::move(flow)});
  }
  out.before = earlier(out.routes, records, question, all);

  std::set<std::string> known;
  std::vector<data::DatasetVersion> versions;
  for (const auto& route : out.routes)
    for (const auto& one : behind(route.record, all))
      if (known.insert(one.node()).second) versions.push_back(one);
  if (out.routes.empty() || question.kind == "quarantine")
    for (const auto& one : list)
      if (one.is_selectable() && known.insert(one.node()).second) versions.push_back(one);
  std::stable_sort(versions.begin(), versions.end(), [](const auto& a, const auto& b) {
    return std::tie(a.dataset, a.period_from, b.version) < std::tie(b.dataset, b.period_from, a.version);
  });
  // Of one period the newest version counts.
  std::vector<data::DatasetVersion> counting;
  for (const auto& one : versions)
    if (counting.empty() || one.period_to == 0 || counting.back().dataset != one.dataset ||
        counting.back().period_from != one.period_from)
      counting.push_back(one);
  take_versions(out, counting, question);
  take_snapshots(out, all);
  return out;
}

}  // namespace millrace::monitor
