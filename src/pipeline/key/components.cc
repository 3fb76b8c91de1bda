#include "pipeline/key/components.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include <fmt/format.h>

#include "core/files.h"
#include "core/hash.h"
#include "pipeline/definition/code_files.h"

namespace millrace::pipeline {
namespace {

bool is_executable(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && (info.st_mode & S_IXUSR) != 0;
}

Json outs_of(const StageRecord& record) {
  Json out = Json::object();
  for (const auto& made : record.outs) out[made.path] = made.digest;
  return out;
}

// The union over direct datasets and what the upstream stages stand on, by name and version.
Json behind(const Json& datasets, const Stage& stage, const Upstream& upstream) {
  std::map<std::pair<std::string, int64_t>, Json> all;
  const auto add = [&](const Json& list) {
    for (const auto& version : list)
      all.emplace(std::pair{string_or(version, "name", ""), integer_or(version, "version", 0)}, version);
  };
  add(datasets);
  for (const auto& dep : stage.stages) add(upstream(dep.name)->components.value("data_behind", Json::array()));
  Json out = Json::array();
  for (auto& [name, version] : all) out.push_back(std::move(version));
  return out;
}

Json files_by_dataset(const Json& datasets) {
  Json out = Json::object();
  for (const auto& version : datasets) {
    auto& files = out[string_or(version, "name", "")];
    files.push_back(string_or(version, "file", ""));
    if (const auto* aside = find(version, "quarantine")) files.push_back(*aside);
  }
  return out;
}

const data::Source* find_source(const Pipeline& pipeline, const std::string& name) {
  for (const auto& source : pipeline.sources)
    if (source.name == name) return &source;
  return nullptr;
}

// Paths of the parts that are compared one by one; all else is compared whole.
void flatten(const std::string& path, const Json& value, int depth, std::map<std::string, Json>& into) {
  if (!value.is_object() || depth == 0) {
    into[path] = value;
    return;
  }
  for (const auto& [key, part] : value.items()) flatten(path + "." + key, part, depth - 1, into);
}

std::map<std::string, Json> parts_of(const Json& components) {
  std::map<std::string, Json> out;
  const Json parts = deciding(components);
  for (const auto& [key, value] : parts.items()) {
    if (key == "environment") {
      for (const auto& [name, part] : value.items())
        flatten("environment." + name, part, name == "libraries" ? 1 : 0, out);
    } else {
      flatten(key, value, key == "stages" ? 2 : 1, out);
    }
  }
  return out;
}

std::string shown(const Json& value) {
  std::string text = value.is_string() ? value.get<std::string>() : to_text(value);
  for (size_t at = text.find("sha256:"); at != std::string::npos; at = text.find("sha256:", at + 1)) {
    if (text.size() >= at + 71 && is_digest(text.substr(at, 71))) text.erase(at + 19, 52);
  }
  return text.size() > 200 ? text.substr(0, 200) + " ..." : text;
}

Reason reason_of(const std::string& component, const Json* before, const Json* after) {
  Reason out{.component = component,
             .before = before != nullptr ? *before : Json(),
             .after = after != nullptr ? *after : Json()};
  if (before == nullptr)
    out.text = fmt::format("{} is new: {}", component, shown(out.after));
  else if (after == nullptr)
    out.text = fmt::format("{} is gone, it was {}", component, shown(out.before));
  else
    out.text = fmt::format("{} changed from {} to {}", component, shown(out.before), shown(out.after));
  return out;
}

}  // namespace

Result<Json> ComponentsReader::read(const Caller& caller, const Pipeline& pipeline, const Stage& stage,
                                    const Upstream& upstream) {
  const bool sql = stage.kind == StageKind::sql;
  Json out = {{"abi", kRunnerAbi},  {"stage", stage.name},    {"kind", sql ? "sql" : "command"},
              {"outs", stage.outs}, {"params", stage.params}, {"seed", stage.seed}};
  if (!sql) out["command"] = stage.command;
  MILLRACE_DO(add_code(caller, pipeline, stage, out));
  if (sql) out["sql"] = out["code"][stage.sql];
  MILLRACE_DO(add_datasets(caller, pipeline, stage, out));
  out["stages"] = Json::object();
  for (const auto& dep : stage.stages) out["stages"][dep.name] = outs_of(*upstream(dep.name));
  out["data_behind"] = behind(out["datasets"], stage, upstream);
  add_env(stage, out);
  MILLRACE_TRY(out["environment"], environment_.read(caller, pipeline, stage));
  out["environment"]["git"] = environment_.git(pipeline.folder);
  return out;
}

Result<void> ComponentsReader::add_code(const Caller& caller, const Pipeline& pipeline, const Stage& stage,
                                        Json& into) {
  MILLRACE_TRY(const auto files, expand_code_files(pipeline.folder, stage.files));
  std::vector<TreeEntry> tree;
  Json code = Json::object(), executable = Json::array();
  for (const auto& file : files) {
    const std::string path = pipeline.folder + "/" + file;
    MILLRACE_TRY(const auto digest, digests_.digest(caller, path));
    MILLRACE_TRY(const auto size, file_size(path));
    code[file] = digest;
    if (is_executable(path)) executable.push_back(file);
    tree.push_back({file, size, digest});
  }
  into["code"] = std::move(code);
  into["code_tree"] = digest_of_tree(std::move(tree));
  if (!executable.empty()) into["executable"] = std::move(executable);
  return {};
}

Result<void> ComponentsReader::add_datasets(const Caller& caller, const Pipeline& pipeline, const Stage& stage,
                                            Json& into) {
  Json list = Json::array();
  for (const auto& dep : stage.datasets) {
    const auto* source = find_source(pipeline, dep.name);
    if (source == nullptr) return Error{Code::invalid, fmt::format("there is no source '{}'", dep.name)}.at(dep.where);
    const auto versions = parts_.datasets.select(caller.workspace, *source, dep.from, dep.to);
    if (!versions)
      return Error(versions.error())
          .at(dep.where)
          .while_doing(fmt::format("choosing what the stage '{}' reads", stage.name));
    for (const auto& version : *versions) {
      list.push_back({{"name", dep.name},
                      {"version", version.version},
                      {"digest", version.digest},
                      {"file", version.file},
                      {"node", version.node()},
                      {"period_to", version.period_to}});
      if (dep.all_rows && !version.quarantine_file.empty()) list.back()["quarantine"] = version.quarantine_file;
    }
  }
  into["datasets"] = std::move(list);
  return {};
}

// A value that comes from outside may be a secret: only its digest is kept.
void ComponentsReader::add_env(const Stage& stage, Json& into) const {
  if (stage.env.empty()) return;
  Json env = Json::object();
  for (const auto& [name, value] : stage.env) {
    const char* inherited = value ? nullptr : std::getenv(name.c_str());
    if (value)
      env[name] = {{"value", *value}};
    else
      env[name] = {{"digest", inherited != nullptr ? Json(digest_of(inherited)) : Json(nullptr)}};
  }
  into["env"] = std::move(env);
}

Json deciding(const Json& components) {
  Json out = components;
  out.erase("data_behind");
  out.erase("code_tree");
  if (out.contains("environment")) out["environment"].erase("git");
  out["datasets"] = files_by_dataset(components.value("datasets", Json::array()));
  return out;
}

std::string key_of(const Json& components) { return digest_of(to_text(deciding(components))); }

std::vector<Reason> differences(const Json& before, const Json& after) {
  const auto old_parts = parts_of(before), new_parts = parts_of(after);
  std::vector<Reason> out;
  for (const auto& [name, value] : old_parts) {
    const auto now = new_parts.find(name);
    if (now == new_parts.end())
      out.push_back(reason_of(name, &value, nullptr));
    else if (now->second != value)
      out.push_back(reason_of(name, &value, &now->second));
  }
  for (const auto& [name, value] : new_parts)
    if (!old_parts.contains(name)) out.push_back(reason_of(name, nullptr, &value));
  std::sort(out.begin(), out.end(), [](const Reason& a, const Reason& b) { return a.component < b.component; });
  return out;
}

}  // namespace millrace::pipeline
