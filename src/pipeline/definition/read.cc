#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "core/files.h"
#include "core/ids.h"
#include "pipeline/bounds.h"
#include "pipeline/definition/code_files.h"
#include "pipeline/definition/order.h"
#include "pipeline/definition/words.h"

namespace millrace::pipeline {
namespace {

constexpr std::string_view kHorizon = "horizon", kHorizonParam = "${horizon}";

Result<std::string> read_path(const Yaml& value) {
  MILLRACE_TRY(const auto text, value.string());
  auto safe = safe_relative(text);
  if (!safe) return std::move(safe).error().at(value.where());
  return safe;
}

Result<int64_t> read_bounded(const Yaml& map, std::string_view key, int64_t otherwise, int64_t most) {
  const auto* value = map.find(key);
  if (value == nullptr) return otherwise;
  MILLRACE_TRY(const auto number, value->integer());
  if (number < 1 || number > most)
    return value->error(fmt::format("{} is {}, and must be from 1 to {}", key, number, most));
  return number;
}

Result<Environment> read_environment(const Yaml* section) {
  Environment out;
  if (section == nullptr) return out;
  MILLRACE_DO(section->only_keys({"interpreter", "lock", "threads"}));
  out.interpreter = section->string_or("interpreter", "");
  if (out.interpreter.find('/') != std::string::npos)
    return section->find("interpreter")
        ->error("an interpreter is a name that PATH finds")
        .hint("write e.g. interpreter: python, and set PATH");
  if (const auto* lock = section->find("lock")) {
    MILLRACE_TRY(out.lock, read_path(*lock));
  }
  MILLRACE_TRY(out.threads, read_bounded(*section, "threads", 1, bounds::threads));
  return out;
}

Result<Micros> read_time(const Yaml& map, std::string_view key, Micros horizon) {
  const auto* value = map.find(key);
  if (value == nullptr) return Micros{0};
  MILLRACE_TRY(const auto text, value->string());
  if (text == kHorizon) {
    if (horizon != 0) return horizon;
    return value->error("the pipeline has no horizon").hint("write e.g. pipeline: {horizon: 2013-07-01, stages: ...}");
  }
  auto time = parse_time(text);
  if (!time) return std::move(time).error().at(value->where());
  return time;
}

Result<DatasetDep> read_dataset(const Yaml& dep, Micros horizon) {
  MILLRACE_DO(dep.only_keys({"dataset", "from", "to", "rows"}));
  DatasetDep out{.where = dep.find("dataset")->where()};
  MILLRACE_TRY(out.name, dep.get_string("dataset"));
  MILLRACE_TRY(out.from, read_time(dep, "from", horizon));
  MILLRACE_TRY(out.to, read_time(dep, "to", horizon));
  if (const auto* rows = dep.find("rows")) {
    if (rows->text() != "accepted" && rows->text() != "all")
      return rows->error(fmt::format("rows is '{}', and must be 'accepted' or 'all'", rows->text()))
          .hint("all: also the rows that the contract set aside");
    out.all_rows = rows->text() == "all";
  }
  if (out.to == 0 && out.from != 0) out.to = INT64_MAX;
  if (out.to != 0 && out.to <= out.from) return dep.error("'to' must be after 'from': the range is [from, to)");
  return out;
}

Result<void> read_dep(const Yaml& dep, Micros horizon, Stage& stage) {
  if (dep.is_scalar()) {
    FileDep file{.where = dep.where()};
    MILLRACE_TRY(file.pattern, read_path(dep));
    stage.files.push_back(std::move(file));
    return {};
  }
  if (dep.find("dataset") != nullptr) {
    MILLRACE_TRY(auto dataset, read_dataset(dep, horizon));
    for (const auto& other : stage.datasets)
      if (other.name == dataset.name) return dep.error(fmt::format("the dataset '{}' stands here twice", dataset.name));
    stage.datasets.push_back(std::move(dataset));
    return {};
  }
  if (dep.find("stage") != nullptr) {
    MILLRACE_DO(dep.only_keys({"stage"}));
    MILLRACE_TRY(auto name, dep.get_string("stage"));
    for (const auto& other : stage.stages)
      if (other.name == name) return dep.error(fmt::format("the stage '{}' stands here twice", name));
    stage.stages.push_back({std::move(name), dep.find("stage")->where()});
    return {};
  }
  return dep.error("a dep is a file, {dataset: NAME} or {stage: NAME}");
}

Result<void> read_command(const Yaml& node, Stage& stage) {
  const auto* cmd = node.find("cmd");
  if (cmd->is_list()) {
    MILLRACE_TRY(stage.command, cmd->strings());
    if (stage.command.size() > bounds::words)
      return cmd->error(fmt::format("a command has more than {} words", bounds::words));
  } else {
    MILLRACE_TRY(const auto line, cmd->string());
    auto words = split_words(line);
    if (!words) return std::move(words).error().at(cmd->where());
    stage.command = std::move(*words);
  }
  if (stage.command.empty() || stage.command.front().empty())
    return cmd->error("the command is empty").hint("write e.g. cmd: python train.py");
  return {};
}

Result<void> read_outs(const Yaml& node, Stage& stage) {
  MILLRACE_TRY(const auto* outs, node.get("outs"));
  if (!outs->is_list() || outs->items().empty())
    return outs->error("outs is a list of files that the stage makes").hint("write e.g. outs: [model.onnx]");
  if (outs->items().size() > bounds::outs) return outs->error(fmt::format("a stage has at most {} outs", bounds::outs));
  for (const auto& item : outs->items()) {
    MILLRACE_TRY(auto path, read_path(item));
    if (std::find(stage.outs.begin(), stage.outs.end(), path) != stage.outs.end())
      return item.error(fmt::format("the out '{}' stands here twice", path));
    for (const auto& file : stage.files)
      if (file.pattern == path)
        return item.error(fmt::format("the out '{}' would overwrite a dep of the stage", path))
            .hint("give it another name");
    stage.outs.push_back(std::move(path));
  }
  std::sort(stage.outs.begin(), stage.outs.end());
  return {};
}

Result<void> read_env(const Yaml& node, Stage& stage) {
  const auto* env = node.find("env");
  if (env == nullptr) return {};
  const auto add = [&](const Yaml& at, std::string name, std::optional<std::string> value) -> Result<void> {
    const bool plain =
        !name.empty() && name.find_first_of("= \t\n") == std::string::npos && name.find('\0') == std::string::npos;
    if (!plain || name.starts_with("MILLRACE_") || name.starts_with("LD_"))
      return at.error(fmt::format("'{}' cannot be set by a stage", name))
          .hint("MILLRACE_* and LD_* are the runner's own");
    stage.env.emplace_back(std::move(name), std::move(value));
    return {};
  };
  for (const auto& item : env->items()) {
    MILLRACE_TRY(auto name, item.string());
    MILLRACE_DO(add(item, std::move(name), std::nullopt));
  }
  for (const auto& [name, value] : env->entries()) {
    MILLRACE_TRY(auto text, value.string());
    MILLRACE_DO(add(value, name, std::move(text)));
  }
  if (!env->is_list() && !env->is_map())
    return env->error("env is a map NAME: value, or a list of names taken from the environment");
  std::sort(stage.env.begin(), stage.env.end());
  return {};
}

Result<void> read_sql(const Yaml& node, Stage& stage) {
  stage.kind = StageKind::sql;
  MILLRACE_TRY(stage.sql, read_path(*node.find("sql")));
  if (!stage.files.empty())
    return Error{Code::invalid,
                 fmt::format("'{}' is a file, and SQL reads datasets and stages only", stage.files.front().pattern)}
        .at(stage.files.front().where)
        .hint("name it as a source, or use cmd");
  for (const char* key : {"env", "seed"})
    if (const auto* odd = node.find(key)) return odd->error(fmt::format("a stage with sql has no '{}'", key));
  if (stage.outs.size() != 1 || !stage.outs.front().ends_with(".parquet"))
    return node.find("outs")->error("a stage with sql has one out, and it ends in .parquet");
  stage.files.push_back({stage.sql, node.find("sql")->where()});
  return {};
}

// Whoever wrote a parameter as the horizon gets its day.
void put_horizon(Json& params, Micros horizon) {
  for (auto& [name, value] : params.items())
    if (horizon != 0 && value == kHorizonParam) value = to_iso(horizon).substr(0, 10);
}

Result<Stage> read_stage(const std::string& name, const Yaml& node, const Pipeline& pipeline) {
  const auto& environment = pipeline.environment;
  if (!is_name(name))
    return node.error(fmt::format("'{}' is not a name of a stage", name)).hint("letters, digits, '_', '-' and '.'");
  if (!node.is_map())
    return node.error("a stage holds keys and values")
        .hint("write e.g. train: {cmd: python train.py, deps: [train.py], outs: [model.onnx]}");
  MILLRACE_DO(node.only_keys({"cmd", "sql", "deps", "outs", "params", "seed", "timeout", "threads", "env"}));
  const bool command = node.find("cmd") != nullptr;
  if (command == (node.find("sql") != nullptr))
    return node.error(fmt::format("the stage '{}' needs either 'cmd' or 'sql'", name));
  Stage stage{.name = name, .where = node.where()};
  if (const auto* deps = node.find("deps")) {
    if (!deps->is_list() || deps->items().size() > bounds::deps)
      return deps->error(fmt::format("deps is a list of at most {}", bounds::deps));
    for (const auto& dep : deps->items()) MILLRACE_DO(read_dep(dep, pipeline.horizon, stage));
  }
  MILLRACE_DO(read_outs(node, stage));
  if (const auto* params = node.find("params")) {
    if (!params->is_map()) return params->error("params is a map of names and values");
    stage.params = params->to_json();
    put_horizon(stage.params, pipeline.horizon);
  }
  for (const auto& dep : stage.datasets)
    if (dep.all_rows && command)
      return Error{Code::invalid, fmt::format("the stage '{}' has a command, which gets accepted rows only", name)}
          .at(dep.where)
          .hint("rows: all is for stages with sql");
  if (command)
    MILLRACE_DO(read_command(node, stage));
  else
    MILLRACE_DO(read_sql(node, stage));
  MILLRACE_DO(read_env(node, stage));
  if (const auto* seed = node.find("seed")) {
    MILLRACE_TRY(stage.seed, seed->integer());
    if (stage.seed < 0 || stage.seed > UINT32_MAX) return seed->error("a seed is from 0 to 4294967295");
  }
  MILLRACE_TRY(stage.timeout_seconds, read_bounded(node, "timeout", 3600, bounds::timeout_seconds));
  // Sums of floating-point numbers depend on how rows meet; one thread keeps SQL repeatable unless the project says
  // otherwise.
  MILLRACE_TRY(stage.threads, read_bounded(node, "threads", command ? environment.threads : 1, bounds::threads));
  return stage;
}

Result<void> check_names(const Pipeline& pipeline) {
  std::vector<std::string> sources, stages;
  for (const auto& source : pipeline.sources) sources.push_back(source.name);
  for (const auto& stage : pipeline.stages) stages.push_back(stage.name);
  const auto check = [](std::string_view kind, const std::string& name, const Where& where,
                        const std::vector<std::string>& known) -> Result<void> {
    if (std::find(known.begin(), known.end(), name) != known.end()) return {};
    Error error = Error{Code::invalid, fmt::format("there is no {} '{}'", kind, name)}.at(where);
    if (const auto near = did_you_mean(name, known)) error.hint(fmt::format("did you mean '{}'?", *near));
    return error;
  };
  for (const auto& stage : pipeline.stages) {
    for (const auto& dep : stage.datasets) MILLRACE_DO(check("source", dep.name, dep.where, sources));
    for (const auto& dep : stage.stages) MILLRACE_DO(check("stage", dep.name, dep.where, stages));
  }
  return {};
}

// Outs are told apart by their path alone, so that a file's name says which stage made it.
Result<void> check_outs(const Stage& stage, const Yaml& node, std::map<std::string, std::string>& owners) {
  for (const auto& item : node.find("outs")->items()) {
    const auto [owner, fresh] = owners.emplace(item.text(), stage.name);
    if (!fresh)
      return item.error(fmt::format("the stages '{}' and '{}' both make '{}'", owner->second, stage.name, item.text()))
          .hint("give one of them another name");
  }
  return {};
}

// In the scratch folder a stage's outs stand below the stage's name, a dataset below its own.
Result<void> check_places(const Stage& stage) {
  std::vector<std::string> taken;
  for (const auto& dep : stage.datasets) taken.push_back(dep.name);
  for (const auto& dep : stage.stages) {
    if (std::find(taken.begin(), taken.end(), dep.name) != taken.end())
      return Error{Code::invalid,
                   fmt::format("'{}' is a dataset and a stage, and both would stand at {}/", dep.name, dep.name)}
          .at(dep.where);
    taken.push_back(dep.name);
  }
  for (const auto& out : stage.outs)
    for (const auto& name : taken)
      if (out == name || out.starts_with(name + "/"))
        return Error{Code::invalid, fmt::format("the out '{}' would stand among the deps of '{}'", out, name)}
            .at(stage.where)
            .hint("give it another name");
  return {};
}

Result<void> check_files(const Pipeline& pipeline) {
  for (const auto& stage : pipeline.stages) {
    MILLRACE_DO(check_places(stage));
    MILLRACE_TRY(const auto files, expand_code_files(pipeline.folder, stage.files));
    (void)files;
  }
  return {};
}

// The stage and parameter must be there: a misspelt override would otherwise change nothing and say nothing.
Result<void> put_params(const Overrides& overrides, std::vector<Stage>& stages) {
  for (const auto& [key, value] : overrides.params.items()) {
    std::vector<std::string> known;
    bool found = false;
    for (auto& stage : stages)
      for (auto& [name, now] : stage.params.items()) {
        known.push_back(stage.name + "." + name);
        if (known.back() == key) now = value, found = true;
      }
    if (found) continue;
    Error error = Error{Code::invalid, fmt::format("no stage has the parameter '{}'", key)}.at_field("params");
    if (const auto near = did_you_mean(key, known)) return error.hint(fmt::format("did you mean '{}'?", *near));
    return error.hint("write STAGE.PARAMETER as in the project file");
  }
  return {};
}

}  // namespace

Result<Overrides> read_overrides(const Json& payload) {
  Overrides out;
  if (const auto* horizon = find(payload, "horizon"); horizon != nullptr && !horizon->is_null()) {
    auto time = horizon->is_string() ? parse_time(horizon->get<std::string>())
                                     : Result<Micros>(Error{Code::invalid, "the horizon is a time"});
    if (!time) return std::move(time).error().at_field("horizon").hint("write e.g. 2013-09-01");
    out.horizon = *time;
  }
  if (const auto* params = find(payload, "params"); params != nullptr && !params->is_null()) {
    if (!params->is_object())
      return Error{Code::invalid, "params is an object of STAGE.PARAMETER and value"}.at_field("params");
    for (const auto& [key, value] : params->items())
      if (value.is_structured())
        return Error{Code::invalid, fmt::format("the parameter '{}' is no single value", key)}.at_field("params");
    out.params = *params;
  }
  return out;
}

Result<Pipeline> read_pipeline(const Project& project, const Overrides& overrides) {
  Pipeline out{.project = project.name, .folder = project.folder};
  MILLRACE_TRY(out.sources, data::read_sources(project));
  const auto* section = project.section("pipeline");
  if (section == nullptr) return out;
  MILLRACE_DO(section->only_keys({"environment", "horizon", "stages"}));
  MILLRACE_TRY(out.environment, read_environment(section->find("environment")));
  MILLRACE_TRY(out.horizon, read_time(*section, "horizon", 0));
  if (overrides.horizon != 0) out.horizon = overrides.horizon;
  MILLRACE_TRY(const auto* stages, section->get("stages"));
  if (!stages->is_map()) return stages->error("stages is a map of names and stages");
  if (stages->entries().size() > bounds::stages)
    return stages->error(fmt::format("a pipeline has at most {} stages", bounds::stages));
  std::map<std::string, std::string> owners;  // out -> stage
  for (const auto& [name, node] : stages->entries()) {
    MILLRACE_TRY(auto stage, read_stage(name, node, out));
    MILLRACE_DO(check_outs(stage, node, owners));
    out.stages.push_back(std::move(stage));
  }
  if (!out.environment.lock.empty() && !exists(out.folder + "/" + out.environment.lock))
    return section->find("environment")
        ->find("lock")
        ->error(fmt::format("the file '{}' does not exist", out.environment.lock));
  MILLRACE_DO(put_params(overrides, out.stages));
  MILLRACE_DO(check_names(out));
  MILLRACE_TRY(out.stages, in_order(std::move(out.stages)));
  MILLRACE_DO(check_files(out));
  return out;
}

}  // namespace millrace::pipeline
