#include "registry/facts.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "core/files.h"
#include "core/hash.h"
#include "data/contracts/contract.h"

namespace millrace::registry {
namespace {

using pipeline::StageRecord;

constexpr size_t kReportBytes = 16 << 20;
constexpr size_t kMostRecords = 1'000;

bool made(const StageRecord& record, const Json& outs) {
  return std::all_of(outs.items().begin(), outs.items().end(), [&](const auto& item) {
    const auto* out = record.out(item.key());
    return out != nullptr && item.value() == out->digest;
  });
}

// The record of `stage` that made these outs: mostly the latest, but the stage may have run again since.
Result<StageRecord> find_maker(const pipeline::Pipelines& pipelines, const std::string& workspace,
                               const std::string& stage, const Json& outs) {
  MILLRACE_TRY(auto latest, pipelines.latest(workspace, stage));
  if (latest && made(*latest, outs)) return std::move(*latest);
  MILLRACE_TRY(auto all, pipelines.records(workspace, stage));
  for (auto& record : all)
    if (made(record, outs)) return std::move(record);
  return Error{Code::rejected,
               fmt::format("no record of the stage '{}' made the files that a later stage was made from", stage)}
      .hint("run the pipeline again: millrace run");
}

Result<StageRecord> newest(const Parts& parts, const std::string& workspace, const std::string& stage,
                           const ModelSpec& spec) {
  MILLRACE_TRY(auto record, parts.pipelines.latest(workspace, stage));
  if (!record)
    return Error{Code::rejected, fmt::format("the stage '{}' of the model '{}' has not run", stage, spec.name)}
        .at(spec.where)
        .hint(fmt::format("millrace run {}", stage));
  return std::move(*record);
}

Result<const pipeline::Out*> get_out(const StageRecord& record, const std::string& path, const ModelSpec& spec) {
  const auto* out = record.out(path);
  if (out == nullptr)
    return Error{Code::rejected, fmt::format("{} has no out '{}'", record.node(), path)}
        .at(spec.where)
        .hint(fmt::format("the stage has changed since: millrace run {}", record.stage));
  return out;
}

std::optional<double> threshold_in(const Json& report) {
  const auto* value = find(report, "threshold");
  return value != nullptr && value->is_number() ? std::optional(value->get<double>()) : std::nullopt;
}

bool scored_by(const std::vector<StageRecord>& behind, const ModelSpec& spec, const std::string& model_digest) {
  return std::any_of(behind.begin(), behind.end(), [&](const StageRecord& record) {
    const auto* out = record.stage == spec.stage ? record.out(spec.file) : nullptr;
    return out != nullptr && out->digest == model_digest;
  });
}

std::string data_digest(const Json& data) {
  std::vector<TreeEntry> tree;
  for (const auto& version : data) {
    const auto digest = string_or(version, "digest", "");
    tree.push_back({string_or(version, "name", "") + "/" + digest, 0, digest});
  }
  return digest_of_tree(std::move(tree));
}

Json stage_facts(const StageRecord& record) {
  const auto part = [&](const char* key) { return record.components.value(key, Json()); };
  return {{"stage", record.stage},      {"node", record.node()},
          {"key", record.key},          {"run_id", record.run_id},
          {"code", part("code")},       {"params", part("params")},
          {"seed", part("seed")},       {"command", part("command")},
          {"sql", part("sql")},         {"environment", part("environment")},
          {"ended_at", record.ended_at}};
}

void add_records(const std::vector<StageRecord>& records, Gathered& out) {
  std::vector<TreeEntry> code, environment;
  Json stages = Json::array();
  for (const auto& record : records) {
    code.push_back({record.stage, 0, record.code_digest()});
    environment.push_back({record.stage, 0, record.environment_digest()});
    stages.push_back(stage_facts(record));
  }
  out.digests.code = digest_of_tree(std::move(code));
  out.digests.environment = digest_of_tree(std::move(environment));
  const Json behind = records.front().components.value("data_behind", Json::array());
  out.digests.data = data_digest(behind);
  Json data = Json::array();
  for (const auto& version : behind)
    data.push_back({{"name", string_or(version, "name", "")},
                    {"version", integer_or(version, "version", 0)},
                    {"node", string_or(version, "node", "")},
                    {"digest", string_or(version, "digest", "")}});
  out.facts["stages"] = std::move(stages);
  out.facts["data"] = std::move(data);
}

Result<void> add_contract(const Parts& parts, const Project& project, const ModelSpec& spec, Gathered& out) {
  MILLRACE_TRY(const auto contract, data::load_contract(spec.contract));
  MILLRACE_TRY(const auto* object, contract.object(""));
  (void)object;
  MILLRACE_TRY(out.digests.contract, parts.blobs.put_file(spec.contract));
  const auto file =
      spec.contract.starts_with(project.folder + "/") ? spec.contract.substr(project.folder.size() + 1) : spec.contract;
  out.facts["contract"] = {{"id", contract.id}, {"name", contract.name}, {"version", contract.version}, {"file", file}};
  out.contract = {.id = fmt::format("contract:{}@{}", contract.id, contract.digest.substr(7, 12)),
                  .digest = contract.digest,
                  .attributes = out.facts["contract"]};
  out.files["contract"] = out.digests.contract;
  out.edges.push_back({.source = out.contract.id, .kind = "checked_by"});
  return {};
}

void add_model(const StageRecord& record, const pipeline::Out& file, Gathered& out) {
  out.run_id = record.run_id;
  out.stage_node = record.node();
  out.digests.model = file.digest;
  out.files["model"] = file.digest;
  const auto artifact = pipeline::artifact_node(record.stage, file);
  out.facts["model"] = {{"path", file.path}, {"digest", file.digest}, {"size", file.size}, {"artifact", artifact}};
  out.edges.push_back({.source = artifact, .kind = "made_from", .run = record.run_id});
  out.edges.push_back({.source = record.node(), .kind = "made_by", .run = record.run_id});
  if (!record.run_id.empty())
    out.edges.push_back({.source = "run:" + record.run_id, .kind = "logged_by", .run = record.run_id});
}

}  // namespace

Result<std::vector<StageRecord>> records_behind(const pipeline::Pipelines& pipelines, const std::string& workspace,
                                                const StageRecord& record) {
  std::vector<StageRecord> out{record};
  std::set<std::string> seen{record.node()};
  for (size_t i = 0; i < out.size(); ++i) {
    if (out.size() > kMostRecords)
      return Error{Code::too_large, fmt::format("{} stands on more than {} stages", record.node(), kMostRecords)};
    const Json stages = out[i].components.value("stages", Json::object());
    for (const auto& [stage, outs] : stages.items()) {
      MILLRACE_TRY(auto maker, find_maker(pipelines, workspace, stage, outs));
      if (seen.insert(maker.node()).second) out.push_back(std::move(maker));
    }
  }
  return out;
}

Result<Scored> read_scored_record(const Parts& parts, const ModelSpec& spec, const StageRecord& record) {
  MILLRACE_TRY(const auto* rows, get_out(record, spec.scored_file, spec));
  MILLRACE_DO(parts.blobs.verify(rows->digest));
  Scored out{.node = record.node(),
             .digest = rows->digest,
             .artifact = pipeline::artifact_node(record.stage, *rows),
             .file = rows->path};
  Json report = nullptr;
  if (!spec.scored_report.empty()) {
    MILLRACE_TRY(const auto* file, get_out(record, spec.scored_report, spec));
    MILLRACE_TRY(const auto text, parts.blobs.get(file->digest, kReportBytes));
    MILLRACE_TRY(const auto json, parse_json(text, fmt::format("{} of {}", file->path, record.node())));
    out.threshold = threshold_in(json);
    report = {{"path", file->path}, {"digest", file->digest}};
  }
  out.facts = {{"stage", record.stage},  {"node", out.node},
               {"key", record.key},      {"path", rows->path},
               {"digest", rows->digest}, {"artifact", out.artifact},
               {"report", report},       {"threshold", out.threshold ? Json(*out.threshold) : Json()}};
  return out;
}

Result<Scored> scored_of(const Parts& parts, const std::string& workspace, const ModelSpec& spec,
                         const std::string& model_digest, const Json& facts) {
  MILLRACE_TRY(const auto latest, parts.pipelines.latest(workspace, spec.scored_stage));
  if (latest) {
    const auto behind = records_behind(parts.pipelines, workspace, *latest);
    if (behind && scored_by(*behind, spec, model_digest)) return read_scored_record(parts, spec, *latest);
  }
  const Json kept = facts.value("scored", Json::object());
  const auto* threshold = find(kept, "threshold");
  Scored out{.node = string_or(kept, "node", ""),
             .digest = string_or(kept, "digest", ""),
             .artifact = string_or(kept, "artifact", ""),
             .file = string_or(kept, "path", ""),
             .facts = kept};
  if (threshold != nullptr && threshold->is_number()) out.threshold = threshold->get<double>();
  MILLRACE_DO(parts.blobs.verify(out.digest));
  return out;
}

namespace {

Result<Gathered> gather_record(const Parts& parts, const Caller& caller, const Project& project, const ModelSpec& spec,
                               const StageRecord& record) {
  MILLRACE_TRY(const auto* file, get_out(record, spec.file, spec));
  MILLRACE_DO(parts.blobs.verify(file->digest));
  MILLRACE_TRY(const auto scored_record, newest(parts, caller.workspace, spec.scored_stage, spec));
  MILLRACE_TRY(const auto behind_scored, records_behind(parts.pipelines, caller.workspace, scored_record));
  if (!scored_by(behind_scored, spec, file->digest))
    return Error{Code::rejected, fmt::format("{} scored another model than the newest of the stage '{}'",
                                             scored_record.node(), spec.stage)}
        .at(spec.where)
        .hint(fmt::format("millrace run {}", spec.scored_stage));
  Gathered out{.files = Json::object(), .facts = {{"label", spec.label}}};
  MILLRACE_TRY(const auto scored, read_scored_record(parts, spec, scored_record));
  MILLRACE_TRY(const auto records, records_behind(parts.pipelines, caller.workspace, record));
  add_model(record, *file, out);
  add_records(records, out);
  MILLRACE_DO(add_contract(parts, project, spec, out));
  out.files["scored"] = scored.digest;
  out.facts["scored"] = scored.facts;
  Json identity = out.digests.to_json();
  identity.erase("report");
  out.identity = digest_of(to_text(identity));
  return out;
}

}  // namespace

Result<Gathered> gather(const Parts& parts, const Caller& caller, const Project& project, const ModelSpec& spec) {
  MILLRACE_TRY(const auto record, newest(parts, caller.workspace, spec.stage, spec));
  return gather_record(parts, caller, project, spec, record);
}

Result<std::optional<Gathered>> gather_for(const Parts& parts, const Caller& caller, const Project& project,
                                           const ModelSpec& spec, const std::vector<std::string>& digests) {
  MILLRACE_TRY(const auto records, parts.pipelines.records(caller.workspace, spec.stage));
  for (const auto& record : records) {
    const auto* file = record.out(spec.file);
    if (file == nullptr || std::find(digests.begin(), digests.end(), file->digest) == digests.end()) continue;
    MILLRACE_TRY(auto gathered, gather_record(parts, caller, project, spec, record));
    return std::optional(std::move(gathered));
  }
  return std::optional<Gathered>();
}

Result<std::vector<data::DatasetVersion>> datasets_of(const Parts& parts, const std::string& workspace,
                                                      const Json& facts) {
  std::vector<data::DatasetVersion> out;
  for (const auto& version : facts.value("data", Json::array())) {
    MILLRACE_TRY(auto found,
                 parts.datasets.get(workspace, string_or(version, "name", ""), integer_or(version, "version", 0)));
    out.push_back(std::move(found));
  }
  return out;
}

}  // namespace millrace::registry
