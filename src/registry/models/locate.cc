#include "registry/models/locate.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "registry/models/source.h"

namespace millrace::registry {
namespace {

using Kind = SourceUri::Kind;

constexpr std::string_view kScheme = "mlflow-artifacts:/";

Result<track::Run> get_run(const Parts& parts, const Caller& caller, const NewVersion& wanted,
                           const std::string& run_id) {
  auto run = parts.tracking.get_run(caller, run_id);
  if (!run && run.error().code() == Code::not_found) return foreign_source(wanted.source, "run_id");
  return run;
}

Result<track::LoggedModel> get_model(const Parts& parts, const Caller& caller, const NewVersion& wanted,
                                     const std::string& model_id) {
  auto model = parts.tracking.get_model(caller, model_id);
  if (!model && model.error().code() == Code::not_found) return foreign_source(wanted.source, "model_id");
  return model;
}

std::string below(const std::string& uri, const std::vector<std::string>& path) {
  return path.empty() ? uri : uri + "/" + joined(path);
}

// A run's model by its name: clients of version 3 keep models beside the run, not below it.
Result<std::optional<track::LoggedModel>> logged_by(const Parts& parts, const Caller& caller, const track::Run& run,
                                                    const std::vector<std::string>& path) {
  std::optional<track::LoggedModel> out;
  int64_t step = 0;
  for (const auto& output : run.model_outputs) {
    const auto model = parts.tracking.get_model(caller, output.model_id);
    if (!model || model->name != joined(path) || (out && output.step < step)) continue;
    out = *model;
    step = output.step;
  }
  return out;
}

Result<Located> of_run(const Parts& parts, const Caller& caller, const NewVersion& wanted, const SourceUri& uri) {
  if (wanted.run_id != uri.id || !wanted.model_id.empty())
    return foreign_source(wanted.source, wanted.model_id.empty() ? "run_id" : "model_id");
  MILLRACE_TRY(const auto run, get_run(parts, caller, wanted, uri.id));
  Located out{.source = wanted.source,
              .storage = below(run.info.artifact_uri, uri.path),
              .run_id = uri.id,
              .model_id = {},
              .is_here = true};
  MILLRACE_TRY(const auto files, parts.tracking.list_below(caller, run.info.artifact_uri, joined(uri.path)));
  if (!files.empty() || uri.path.empty()) return out;
  MILLRACE_TRY(const auto model, logged_by(parts, caller, run, uri.path));
  if (!model) return out;
  out.storage = model->artifact_uri;
  out.model_id = model->id;
  return out;
}

Result<Located> of_logged_model(const Parts& parts, const Caller& caller, const NewVersion& wanted,
                                const SourceUri& uri) {
  if (wanted.model_id.empty() || wanted.model_id != uri.id) return foreign_source(wanted.source, "model_id");
  MILLRACE_TRY(const auto model, get_model(parts, caller, wanted, uri.id));
  return Located{.source = wanted.source,
                 .storage = model.artifact_uri,
                 .run_id = wanted.run_id.empty() ? model.source_run_id : wanted.run_id,
                 .model_id = model.id,
                 .is_here = true};
}

Result<Located> of_artifacts(const Parts& parts, const Caller& caller, const NewVersion& wanted, const SourceUri& uri) {
  Located out{.source = wanted.source,
              .storage = std::string(kScheme) + joined(uri.path),
              .run_id = wanted.run_id,
              .model_id = wanted.model_id,
              .is_here = true};
  if (!wanted.model_id.empty()) {
    MILLRACE_TRY(const auto model, get_model(parts, caller, wanted, wanted.model_id));
    if (!is_within(uri.path, track::Tracking::artifact_path(model.artifact_uri)))
      return foreign_source(wanted.source, "model_id");
    if (out.run_id.empty()) out.run_id = model.source_run_id;
    return out;
  }
  if (wanted.run_id.empty()) return foreign_source(wanted.source, "run_id");
  MILLRACE_TRY(const auto run, get_run(parts, caller, wanted, wanted.run_id));
  if (!is_within(uri.path, track::Tracking::artifact_path(run.info.artifact_uri)))
    return foreign_source(wanted.source, "run_id");
  return out;
}

Result<VersionEntry> pointed_at(const Registry& registry, const Caller& caller, const Project* project,
                                const NewVersion& wanted, const SourceUri& uri) {
  MILLRACE_TRY(const auto shown, registry.show_model(caller.workspace, project, uri.id));
  if (is_prompt(shown.model.tags))
    return Error{Code::invalid, fmt::format("Invalid model version source: '{}'. Prompt versions cannot be used as "
                                            "model version sources.",
                                            wanted.source)};
  const auto& pointer = uri.pointer;
  if (pointer == "latest" || pointer.starts_with('@')) {
    const auto alias = pointer.starts_with('@') ? pointer.substr(1) : pointer;
    MILLRACE_TRY(auto found, registry.show_alias(caller.workspace, project, uri.id, alias));
    return std::move(found.entry);
  }
  int64_t number = 0;
  const auto end = std::from_chars(pointer.data(), pointer.data() + pointer.size(), number);
  if (end.ptr == pointer.data() + pointer.size() && end.ec == std::errc()) {
    MILLRACE_TRY(auto found, registry.show_version(caller.workspace, project, uri.id, number));
    return std::move(found.entry);
  }
  MILLRACE_TRY(const auto stage, canonical_stage(pointer));
  for (const auto& version : shown.newest)
    if (version.entry.stage == stage) return version.entry;
  return Error{Code::not_found, fmt::format("Model Version (name={}, version={}) not found", uri.id, pointer)};
}

Result<Located> of_version(Registry& registry, const Caller& caller, const Project* project, const NewVersion& wanted,
                           const SourceUri& uri) {
  MILLRACE_TRY(const auto from, pointed_at(registry, caller, project, wanted, uri));
  if ((!wanted.run_id.empty() && wanted.run_id != from.run_id) ||
      (!wanted.model_id.empty() && wanted.model_id != from.model_id))
    return Error{Code::invalid, fmt::format("Invalid model version source: '{}'. The run_id and model_id request "
                                            "parameters must match the referenced model version.",
                                            wanted.source)};
  MILLRACE_TRY(auto storage, registry.download_uri(caller, from.model, from.version));
  const bool is_here = storage.starts_with(kScheme);
  return Located{.source = fmt::format("models:/{}/{}", from.model, from.version),
                 .storage = std::move(storage),
                 .run_id = from.run_id,
                 .model_id = from.model_id,
                 .is_here = is_here};
}

bool names_environment(const std::string& path) {
  const auto name = path.substr(path.rfind('/') + 1);
  return name == "requirements.txt" || name == "conda.yaml" || name == "python_env.yaml";
}

}  // namespace

Result<Located> locate(Registry& registry, const Parts& parts, const Caller& caller, const Project* project,
                       const NewVersion& wanted) {
  MILLRACE_TRY(const auto uri, parse_source(wanted.source));
  switch (uri.kind) {
    case Kind::run: return of_run(parts, caller, wanted, uri);
    case Kind::logged_model: return of_logged_model(parts, caller, wanted, uri);
    case Kind::version: return of_version(registry, caller, project, wanted, uri);
    case Kind::artifacts: return of_artifacts(parts, caller, wanted, uri);
    case Kind::remote: break;
  }
  return Located{.source = wanted.source,
                 .storage = wanted.source,
                 .run_id = wanted.run_id,
                 .model_id = wanted.model_id,
                 .is_here = false};
}

Result<Located> locate_reference(const Parts& parts, const Caller& caller, const NewVersion& wanted,
                                 const std::string& reference) {
  MILLRACE_DO(check_plain(wanted.source));
  MILLRACE_DO(check_plain(reference));
  std::string place;
  if (!wanted.model_id.empty()) {
    MILLRACE_TRY(const auto model, get_model(parts, caller, wanted, wanted.model_id));
    place = model.artifact_uri;
  } else {
    MILLRACE_TRY(const auto run, get_run(parts, caller, wanted, wanted.run_id));
    place = run.info.artifact_uri;
  }
  const bool below = reference == place || reference.starts_with(place + "/");
  if (place.empty() || !below || place.starts_with(kScheme))
    return foreign_source(wanted.source, wanted.model_id.empty() ? "run_id" : "model_id");
  return Located{.source = wanted.source,
                 .storage = reference,
                 .run_id = wanted.run_id,
                 .model_id = wanted.model_id,
                 .is_here = false};
}

Result<Traced> trace_logged(const Parts& parts, const Caller& caller, const Located& located,
                            const track::Manifest& manifest) {
  Traced out{.digests = {}, .facts = {{"logged", {{"run", located.run_id}, {"model", located.model_id}}}}};
  auto& logged = out.facts["logged"];
  if (located.is_here) out.digests.model = manifest.digest();
  std::vector<TreeEntry> environment;
  for (const auto& file : manifest.files)
    if (names_environment(file.path)) environment.push_back(file);
  if (!environment.empty()) out.digests.environment = digest_of_tree(std::move(environment));
  if (located.run_id.empty()) return out;
  const auto run = parts.tracking.get_run(caller, located.run_id);
  if (!run) return out;  // clients may name a run that another server keeps
  std::vector<TreeEntry> data, code;
  for (const auto& input : run->datasets) {
    data.push_back({input.dataset.name, 0, input.dataset.digest});
    logged["data"].push_back({{"name", input.dataset.name}, {"digest", input.dataset.digest}});
  }
  for (const auto& tag : run->tags) {
    if (!tag.key.starts_with("mlflow.source.")) continue;
    code.push_back({tag.key, 0, digest_of(tag.value)});
    logged["code"][tag.key] = tag.value;
  }
  if (!data.empty()) out.digests.data = digest_of_tree(std::move(data));
  if (!code.empty()) out.digests.code = digest_of_tree(std::move(code));
  return out;
}

}  // namespace millrace::registry
