#include "monitor/version_facts.h"

#include <fmt/format.h>

#include "registry/records.h"

namespace millrace::monitor {
namespace {

std::optional<double> number_of(const Json& object, std::string_view key) {
  const auto* value = find(object, key);
  return value != nullptr && value->is_number() ? std::optional(value->get<double>()) : std::nullopt;
}

// The arm of a snapshot that is this version, whichever role it has there.
const Json* arm_of(const Json& snapshot, const std::string& model, int64_t version) {
  const auto is = [&](const Json& arm) {
    return string_or(arm, "model", "") == model && integer_or(arm, "version", 0) == version;
  };
  for (const char* role : {"stable", "canary"})
    if (const auto* arm = find(snapshot, role); arm != nullptr && is(*arm)) return arm;
  const auto* shadows = find(snapshot, "shadows");
  if (shadows != nullptr && shadows->is_array())
    for (const auto& arm : *shadows)
      if (is(arm)) return &arm;
  return nullptr;
}

Result<std::optional<double>> released_threshold(store::Session& session, const std::string& workspace,
                                                 const std::string& deployment, const std::string& model,
                                                 int64_t version) {
  MILLRACE_TRY(
      const auto rows,
      session.query("SELECT snapshot FROM releases WHERE workspace = ? AND deployment = ? ORDER BY number DESC",
                    {workspace, deployment}));
  for (const auto& row : rows) {
    MILLRACE_TRY(const auto snapshot, parse_json(row.text(0), "a release"));
    if (const auto* arm = arm_of(snapshot, model, version)) return number_of(*arm, "threshold");
  }
  return std::optional<double>();
}

// The out that the version's own records stood on, which the newest record of the stage need not be.
Result<void> find_taught(const pipeline::Pipelines& pipelines, const std::string& workspace, const MonitorSpec& spec,
                         const Json& facts, VersionFacts& out) {
  if (spec.reference_stage.empty()) return {};
  std::string key;
  for (const auto& stage : facts.value("stages", Json::array()))
    if (string_or(stage, "stage", "") == spec.reference_stage) key = string_or(stage, "key", "");
  if (key.empty()) {
    out.problem = fmt::format("{} does not stand on the stage '{}'", out.node(), spec.reference_stage);
    return {};
  }
  MILLRACE_TRY(const auto records, pipelines.records(workspace, spec.reference_stage));
  for (const auto& record : records) {
    const auto* file = record.key == key ? record.out(spec.reference_file) : nullptr;
    if (file == nullptr) continue;
    out.taught = Artifact{file->digest, pipeline::artifact_node(record.stage, *file)};
    return {};
  }
  out.problem = fmt::format("the record of the stage '{}' that {} stands on has no out '{}'", spec.reference_stage,
                            out.node(), spec.reference_file);
  return {};
}

}  // namespace

std::string VersionFacts::node() const { return registry::model_node(model, version); }

FindFacts facts_from_registry(const store::Database& database, const pipeline::Pipelines& pipelines) {
  return [&database, &pipelines](const std::string& workspace, const MonitorSpec& spec, const std::string& model,
                                 int64_t version) -> Result<VersionFacts> {
    VersionFacts out{.model = model, .version = version, .taught = {}, .scored = {}, .problem = ""};
    Json facts;
    std::optional<double> threshold;
    const auto read = database.read([&](store::Session& session) -> Result<void> {
      MILLRACE_TRY(const auto stored, registry::get_stored(session, workspace, model, version));
      facts = stored.facts;
      MILLRACE_TRY(threshold, released_threshold(session, workspace, spec.deployment, model, version));
      return {};
    });
    if (!read && read.error().code() == Code::not_found) {
      out.problem = fmt::format("{} is in no registry", out.node());
      return out;
    }
    MILLRACE_DO(read);
    const Json scored = facts.value("scored", Json::object());
    if (!threshold) threshold = number_of(scored, "threshold");
    if (threshold) out.threshold = *threshold;
    if (const auto digest = string_or(scored, "digest", ""); !digest.empty())
      out.scored = Artifact{digest, string_or(scored, "artifact", "")};
    MILLRACE_DO(find_taught(pipelines, workspace, spec, facts, out));
    return out;
  };
}

}  // namespace millrace::monitor
