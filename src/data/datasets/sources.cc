#include "data/datasets/sources.h"

#include <fmt/format.h>

#include "core/ids.h"

namespace millrace::data {
namespace {

Result<Source> read_source(const Project& project, const std::string& name, const Yaml& node) {
  if (!is_name(name))
    return node.error(fmt::format("'{}' is not a source's name", name)).hint("use letters, digits, '_', '.' and '-'");
  MILLRACE_DO(node.only_keys({"contract", "kind", "path", "event_time"}));
  Source source{.name = name, .event_time = node.string_or("event_time", ""), .where = node.where()};
  MILLRACE_TRY(const Yaml* contract, node.get("contract"));
  MILLRACE_TRY(source.contract_path, project.path(*contract));
  if (const Yaml* path = node.find("path")) {
    MILLRACE_TRY(source.path_glob, project.path(*path));
  }
  source.kind = node.string_or("kind", source.event_time.empty() ? "snapshot" : "append");
  if (source.kind != "append" && source.kind != "snapshot") {
    const auto near = did_you_mean(source.kind, {"append", "snapshot"});
    return node.find("kind")
        ->error(fmt::format("unknown kind '{}'", source.kind))
        .hint(near ? fmt::format("did you mean '{}'?", *near) : "append or snapshot");
  }
  if (source.kind == "append" && source.event_time.empty())
    return node.error(fmt::format("the append source '{}' needs 'event_time'", name))
        .hint("name the property that tells a row's time");
  return source;
}

}  // namespace

Result<std::vector<Source>> read_sources(const Project& project) {
  std::vector<Source> sources;
  const Yaml* section = project.section("sources");
  if (section == nullptr || section->is_null()) return sources;
  if (!section->is_map()) return section->error("'sources' must be a map of names");
  for (const auto& [name, node] : section->entries()) {
    MILLRACE_TRY(auto source, read_source(project, name, node));
    sources.push_back(std::move(source));
  }
  return sources;
}

const Source* find_source(const std::vector<Source>& sources, const std::string& name) {
  for (const auto& source : sources)
    if (source.name == name) return &source;
  return nullptr;
}

}  // namespace millrace::data
