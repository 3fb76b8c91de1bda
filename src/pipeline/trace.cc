#include "pipeline/trace.h"

#include <fmt/format.h>

#include "core/hash.h"

namespace millrace::pipeline {
namespace {

std::string short_digest(std::string_view digest) {
  return std::string(digest.substr(std::string_view("sha256:").size(), 12));
}

Json attributes(const StageRecord& record) {
  return {{"stage", record.stage},
          {"params", record.components.at("params")},
          {"seed", record.components.at("seed")},
          {"run", record.run_id},
          {"job", record.job},
          {"started_at", record.started_at},
          {"ended_at", record.ended_at}};
}

Json without_git(Json environment) {
  environment.erase("git");
  return environment;
}

// What SQL calls an upstream out: its file's name without the ending.
std::string table_of(const std::string& path) {
  const auto name = path.substr(path.rfind('/') + 1);
  return name.substr(0, name.rfind('.'));
}

// The columns of `table` that the stage's SQL uses, in the form of lineage/columns.h; none when nothing is known.
std::vector<std::string> columns_from(const Json& columns, const std::string& table) {
  const Json* from = find(columns, "from");
  std::vector<std::string> out;
  if (from == nullptr) return out;
  if (const Json* used = find(*from, table))
    for (const auto& one : *used) out.push_back(to_text(one));
  // Read, but no value of it goes anywhere.
  if (out.empty()) out.push_back(to_text({{"column", "*"}, {"to", Json::array()}, {"how", "unused"}}));
  return out;
}

void add_inputs(const StageRecord& record, const Json& read, lineage::Change& change) {
  const auto edge = [&](std::string source, std::string kind, std::vector<std::string> columns = {}) {
    change.edges.push_back({.source = std::move(source),
                            .target = record.node(),
                            .kind = std::move(kind),
                            .columns = std::move(columns),
                            .run = record.run_id});
  };
  const auto& components = record.components;
  for (const auto& version : components.at("datasets"))
    edge(string_or(version, "node", ""), "made_from", columns_from(read, string_or(version, "name", "")));
  for (const auto& [stage, outs] : components.at("stages").items())
    for (const auto& [path, digest] : outs.items())
      edge(artifact_node(stage, {.path = path, .digest = digest.get<std::string>()}), "made_from",
           columns_from(read, table_of(path)));

  const auto code = record.code_digest(), environment = record.environment_digest();
  const Json git = components.at("environment").value("git", Json());
  change.nodes.push_back(
      {.id = "code:" + code, .digest = code, .attributes = {{"files", components.at("code")}, {"git", git}}});
  change.nodes.push_back({.id = "environment:" + environment,
                          .digest = environment,
                          .attributes = without_git(components.at("environment"))});
  edge("code:" + code, "made_by");
  edge("environment:" + environment, "run_in");
  if (!record.run_id.empty()) edge("run:" + record.run_id, "logged_by");
}

}  // namespace

std::string stage_node(std::string_view stage, std::string_view key) {
  return fmt::format("stage:{}@{}", stage, short_digest(key));
}

std::string artifact_node(std::string_view stage, const Out& out) {
  return fmt::format("artifact:{}/{}@{}", stage, out.path, short_digest(out.digest));
}

lineage::Change ran(const StageRecord& record, const Json& columns) {
  lineage::Change change{.kind = "stage.ran", .node = record.node(), .after = record.key, .body = record.to_json()};
  change.nodes.push_back({.id = record.node(), .digest = record.key, .attributes = attributes(record)});
  add_inputs(record, columns, change);
  for (const auto& out : record.outs) {
    const auto artifact = artifact_node(record.stage, out);
    Json about{{"size", out.size}};
    if (const Json* names = find(columns, "columns")) about["columns"] = *names;
    if (const Json* unresolved = find(columns, "unresolved"); unresolved != nullptr && !unresolved->empty())
      about["columns_unresolved"] = *unresolved;
    change.nodes.push_back({.id = artifact, .digest = out.digest, .attributes = about});
    change.edges.push_back({.source = record.node(), .target = artifact, .kind = "made", .run = record.run_id});
  }
  return change;
}

std::string StageRecord::node() const { return stage_node(stage, key); }
std::string StageRecord::code_digest() const { return string_or(components, "code_tree", ""); }

std::string StageRecord::environment_digest() const {
  return digest_of(to_text(without_git(components.at("environment"))));
}

const Out* StageRecord::out(std::string_view path) const {
  for (const auto& made : outs)
    if (made.path == path) return &made;
  return nullptr;
}

Json StageRecord::to_json() const {
  Json made = Json::array();
  for (const auto& out : outs)
    made.push_back(
        {{"path", out.path}, {"digest", out.digest}, {"size", out.size}, {"node", artifact_node(stage, out)}});
  return {{"stage", stage},
          {"key", key},
          {"node", node()},
          {"run_id", run_id},
          {"job", job},
          {"state", state},
          {"outs", made},
          {"components", components},
          {"undeclared", undeclared},
          {"started_at", started_at},
          {"ended_at", ended_at},
          {"code", code_digest()},
          {"environment", environment_digest()}};
}

}  // namespace millrace::pipeline
