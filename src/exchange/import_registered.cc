#include "exchange/import_registered.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/fault.h"
#include "exchange/registry_entries.h"

namespace millrace::exchange {
namespace {

constexpr int64_t kMicros = 1'000;  // of a millisecond
constexpr std::string_view kHere = "mlflow-artifacts:/";

// What two stores can agree on: of a source that does not say who made a version, or in which run, nothing is asked.
Version comparable(Version here, const Version& source) {
  if (source.author.empty()) here.author.clear();
  if (source.run_id.empty()) here.run_id.clear();
  return here;
}

const std::string* value_of(const std::vector<track::KeyValue>& tags, const std::string& key) {
  for (const auto& tag : tags)
    if (tag.key == key) return &tag.value;
  return nullptr;
}

Error not_taken(const std::string& what) {
  return Error{Code::conflict, fmt::format("its {} was not taken", what)}.hint(
      "see why that was refused; once it is here, run the import again");
}

std::string alias_id(const std::string& model, const std::string& alias) { return model + "@" + alias; }

}  // namespace

Result<Registered> RegisteredImport::read(const std::string& name) const { return with_.source.registered(name); }

Result<std::optional<Registered>> RegisteredImport::readable(const std::string& name) const {
  auto found = read(name);
  if (found) return std::optional(std::move(*found));
  if (is_of_the_thing(found.error())) return std::optional<Registered>();
  return std::move(found).error();
}

Result<Version> RegisteredImport::read(const std::string& model, int64_t number) const {
  MILLRACE_TRY(auto version, with_.source.version(model, number));
  settle(version, place_of(version));
  return version;
}

Result<RegisteredImport::Numbers> RegisteredImport::versions_here(const std::string& model) const {
  MILLRACE_TRY(const auto entries, with_.parts.registry.catalogue(with_.caller.workspace, model));
  Numbers out;
  for (const auto& entry : entries) out.emplace(entry.version, version_of(entry));
  return out;
}

Result<std::optional<Version>> RegisteredImport::version_here(const std::string& model, int64_t number) const {
  const auto found = with_.parts.registry.get(with_.caller.workspace, model, number);
  if (!found && found.error().code() != Code::not_found) return found.error();
  if (!found || found->deleted) return std::optional<Version>();
  MILLRACE_TRY(auto all, versions_here(model));
  const auto at = all.find(number);
  return at == all.end() ? std::optional<Version>() : std::optional(std::move(at->second));
}

Result<void> RegisteredImport::note(const std::string& kind, const std::string& id, const Step& step) const {
  return with_.parts.database.write(
      [&](store::Session& session) { return with_.progress.note(session, kind, id, step); });
}

Result<bool> RegisteredImport::is_done(const std::string& kind, const std::string& id) const {
  MILLRACE_TRY(const auto step, with_.progress.find(kind, id));
  return step && step->state != "begun";
}

Result<void> RegisteredImport::take() {
  MILLRACE_TRY(names_, with_.source.registered_names());
  for (const auto& name : names_)
    MILLRACE_DO(with_.one_by_one.take("registered model", name, [&] { return take_model(name); }));
  MILLRACE_DO(take_versions());
  if (with_.options.dry_run) return {};
  for (const auto& name : names_) {
    MILLRACE_TRY(const auto found, readable(name));
    if (!found) continue;  // refused above
    const auto& model = *found;
    for (const auto number : model.versions) {
      const auto id = fmt::format("{}/{}", name, number);
      MILLRACE_DO(with_.one_by_one.take("stage", id, [&]() -> Result<void> {
        MILLRACE_TRY(const auto version, read(name, number));
        return take_stage(version);
      }));
    }
    for (const auto& [alias, number] : model.aliases)
      MILLRACE_DO(with_.one_by_one.take("alias", alias_id(name, alias),
                                        [&, &to = alias, at = number] { return take_alias(model, to, at); }));
  }
  return {};
}

// --- models

Result<void> RegisteredImport::take_model(const std::string& name) {
  MILLRACE_TRY(const auto model, read(name));
  auto facts = facts_of(model);
  facts.counts.aliases = static_cast<int64_t>(model.aliases.size());
  with_.report.count(facts);
  for (const auto number : model.versions) pending_.insert(fmt::format("{}/{}", name, number));
  if (with_.options.dry_run) return {};
  const Step done{name, "done", facts.digest()};
  MILLRACE_TRY(const auto step, with_.progress.find("registered", name));
  if (step && step->digest == done.digest) return {};
  MILLRACE_TRY(const auto here, with_.parts.registry.registered(with_.caller.workspace, name));
  if (here.empty() && step)
    return Error{Code::conflict, "it was taken before and has been renamed or deleted here since"}.hint(
        "import into another workspace or state folder to have it again");
  if (here.empty()) return take_new_model(model, done);
  if (step) return merge_model(model, here[0], {name, step->state, done.digest});
  if (facts_of(registered_of(here[0])).digest() == done.digest) return note("registered", name, done);
  if (with_.options.refuse_clash)
    return Error{Code::conflict, fmt::format("there is a registered model '{}' here already", name)}.hint(
        "--on-clash merge puts its versions beside those that are here; or rename the one here");
  if (registry::is_prompt(here[0].tags) != registry::is_prompt(model.tags))
    return Error{Code::conflict, fmt::format("'{}' is a {} here", name,
                                             registry::is_prompt(here[0].tags) ? "prompt" : "registered model")}
        .hint("rename the one here");
  return merge_model(model, here[0], {name, "merged", done.digest});
}

Result<void> RegisteredImport::take_new_model(const Registered& model, const Step& step) {
  const registry::RegisteredModel as_here{.name = model.name,
                                          .description = model.description,
                                          .created_at = model.created * kMicros,
                                          .updated_at = model.updated * kMicros,
                                          .tags = model.tags};
  MILLRACE_DO(with_.parts.registry.import_model(
      with_.caller, as_here, model.last_version,
      [&](store::Session& session) { return with_.progress.note(session, "registered", model.name, step); }));
  FAULT_POINT("exchange.registered.taken");
  return {};
}

// Of a model that was here before, tags and a description that it has keep their value.
Result<void> RegisteredImport::merge_model(const Registered& model, const registry::RegisteredModel& here,
                                           const Step& step) {
  auto& registry = with_.parts.registry;
  const bool ours = step.state == "done";
  if (here.description != model.description && (ours || here.description.empty()))
    MILLRACE_DO(registry.describe_model(with_.caller, model.name, model.description));
  for (const auto& tag : model.tags) {
    const auto* value = value_of(here.tags, tag.key);
    if (value == nullptr || (ours && *value != tag.value))
      MILLRACE_DO(registry.tag_model(with_.caller, model.name, tag));
  }
  return note("registered", model.name, step);
}

// --- versions

// "models:/NAME/NUMBER" names a version that this source has, too, and that was not taken yet.
bool RegisteredImport::is_pending(const std::string& source) const {
  constexpr std::string_view scheme = "models:/";
  return source.starts_with(scheme) && pending_.contains(source.substr(scheme.size()));
}

// A copied version comes after the one that it was copied from.
Result<void> RegisteredImport::take_versions() {
  std::vector<std::pair<std::string, int64_t>> now;
  for (const auto& name : names_) {
    MILLRACE_TRY(const auto model, readable(name));
    if (!model) continue;  // refused as a model
    for (const auto number : model->versions) now.emplace_back(name, number);
  }
  for (bool waiting = true; !now.empty();) {
    std::vector<std::pair<std::string, int64_t>> later;
    for (const auto& each : now) {
      const auto id = fmt::format("{}/{}", each.first, each.second);
      MILLRACE_DO(with_.one_by_one.take("version", id, [&]() -> Result<void> {
        MILLRACE_TRY(const auto version, read(each.first, each.second));
        if (waiting && is_pending(version.source)) {
          later.push_back(each);
          return {};
        }
        pending_.erase(id);
        return take_version(version);
      }));
    }
    waiting = later.size() < now.size();  // else they wait for each other
    now = std::move(later);
  }
  return {};
}

Result<void> RegisteredImport::take_version(const Version& version) {
  const auto facts = facts_of(version);
  with_.report.count(facts);
  if (with_.options.dry_run) return {};
  const auto id = version.name();
  const Step done{id, "done", facts.digest()};
  MILLRACE_TRY(const auto step, with_.progress.find("version", id));
  if (step && step->digest == done.digest) return {};
  MILLRACE_TRY(const auto here, version_here(version.model, version.number));
  if (step) {
    if (here) return update_version(version, *here, done);
    return Error{Code::conflict, "it was taken before and has been deleted here since"};
  }
  MILLRACE_TRY(const bool model_taken, is_done("registered", version.model));
  if (!model_taken) return not_taken("registered model");
  if (!version.status.empty() && version.status != "READY")
    return Error{Code::rejected, fmt::format("its status is {}", version.status.substr(0, 80))}.hint(
        "only what is READY can be a version here");
  if (here && facts_of(comparable(*here, version)).digest() == done.digest) return note("version", id, done);
  const auto place = place_of(version);
  MILLRACE_DO(check_stands(place));
  MILLRACE_TRY(const auto as_here, imported(version, place));
  MILLRACE_TRY(const auto project, project_of(with_.parts.project));
  MILLRACE_DO(with_.parts.registry.import_version(
      with_.caller, project ? &*project : nullptr, as_here,
      [&](store::Session& session) { return with_.progress.note(session, "version", id, done); }));
  FAULT_POINT("exchange.version.taken");
  return {};
}

// Only words change: what a version stands on does not.
Result<void> RegisteredImport::update_version(const Version& version, const Version& here, const Step& step) {
  auto& registry = with_.parts.registry;
  if (here.description != version.description)
    MILLRACE_DO(registry.describe_version(with_.caller, version.model, version.number, version.description));
  for (const auto& tag : version.tags) {
    const auto* value = value_of(here.tags, tag.key);
    if (value == nullptr || *value != tag.value)
      MILLRACE_DO(registry.tag_version(with_.caller, version.model, version.number, tag));
  }
  return note("version", version.name(), step);
}

// The run or logged model that holds the files is this source's, and whole.
Result<void> RegisteredImport::check_stands(const VersionPlace& place) const {
  if (!place.model_id.empty()) {
    MILLRACE_TRY(const bool taken, is_done("model", place.model_id));
    if (!taken) return not_taken("logged model " + place.model_id);
  }
  if (!place.run_id.empty()) {
    MILLRACE_TRY(const bool taken, is_done("run", place.run_id));
    if (!taken) return not_taken("run " + place.run_id);
  }
  return {};
}

// Where artifacts are here, a version's source is there too; where they stayed, it stays as it is.
Result<registry::ImportedVersion> RegisteredImport::imported(const Version& version, const VersionPlace& place) const {
  registry::ImportedVersion out{.is = {.model = version.model,
                                       .source = version.source,
                                       .run_id = version.run_id,
                                       .model_id = place.model_id,
                                       .run_link = version.run_link,
                                       .description = version.description,
                                       .tags = version.tags},
                                .version = version.number,
                                .author = version.author,
                                .created_at = version.created * kMicros,
                                .updated_at = version.updated * kMicros,
                                .reference = {}};
  if (registry::is_prompt(version.tags) || place.remote || (place.run_id.empty() && place.model_id.empty())) return out;
  std::string uri;
  if (!place.model_id.empty()) {
    MILLRACE_TRY(const auto model, with_.parts.tracking.get_model(with_.caller, place.model_id, track::View::all));
    uri = model.artifact_uri;
  } else {
    MILLRACE_TRY(const auto run, with_.parts.tracking.get_run(with_.caller, place.run_id));
    uri = run.info.artifact_uri;
  }
  const auto there = place.path.empty() ? uri : uri + "/" + place.path;
  if (!uri.starts_with(kHere))
    out.reference = there;
  else if (!version.source.starts_with("runs:/") && !version.source.starts_with("models:/"))
    out.is.source = there;
  return out;
}

// --- what points at versions

Result<void> RegisteredImport::take_stage(const Version& version) {
  const auto& name = version.model;
  const auto id = version.name();
  MILLRACE_TRY(const auto stage, registry::canonical_stage(version.stage.empty() ? "None" : version.stage));
  MILLRACE_TRY(const auto step, with_.progress.find("stage", id));
  if (step ? step->digest == stage : stage == registry::kStageNone) return {};
  MILLRACE_TRY(const bool taken, is_done("version", id));
  if (!taken) return not_taken("version");
  MILLRACE_TRY(const auto here, with_.parts.registry.get(with_.caller.workspace, name, version.number));
  const auto expected = step ? step->digest : std::string(registry::kStageNone);
  if (here.stage != stage && here.stage != expected)
    return Error{Code::conflict, fmt::format("it is in the stage '{}' here, in '{}' there", here.stage, stage)}.hint(
        "move it here, or leave it");
  MILLRACE_TRY(const auto project, project_of(with_.parts.project));
  MILLRACE_DO(with_.parts.registry.set_stage(
      with_.caller, project ? &*project : nullptr,
      {name, version.number, stage, false, fmt::format("imported from {}", with_.source.name())}));
  FAULT_POINT("exchange.stage.taken");
  return note("stage", id, {id, "done", stage});
}

Result<void> RegisteredImport::take_alias(const Registered& model, const std::string& alias, int64_t number) {
  const auto id = alias_id(model.name, alias);
  const auto wanted = std::to_string(number);
  MILLRACE_TRY(const auto step, with_.progress.find("alias", id));
  if (step && step->digest == wanted) return {};
  MILLRACE_TRY(const bool taken, is_done("version", fmt::format("{}/{}", model.name, number)));
  if (!taken) return not_taken("version " + wanted);
  MILLRACE_TRY(const auto project, project_of(with_.parts.project));
  const auto* as_given = project ? &*project : nullptr;
  MILLRACE_TRY(const auto aliases, with_.parts.registry.aliases(with_.caller.workspace, as_given, model.name));
  const auto there = std::find_if(aliases.begin(), aliases.end(), [&](const auto& each) { return each.name == alias; });
  const auto standing = there == aliases.end() ? std::string() : std::to_string(there->version);
  if (!standing.empty() && standing != wanted && !(step && step->digest == standing))
    return Error{Code::conflict, fmt::format("it is version {} here, {} there", standing, wanted)}.hint(
        "move it here, or leave it");
  MILLRACE_DO(with_.parts.registry.set_alias(with_.caller, as_given,
                                             {.model = model.name, .name = alias, .version = number, .deployment = {}},
                                             fmt::format("imported from {}", with_.source.name())));
  FAULT_POINT("exchange.alias.taken");
  return note("alias", id, {id, "done", wanted});
}

// --- at the end

Result<void> RegisteredImport::compare() {
  for (const auto& name : names_) {
    MILLRACE_TRY(const auto model, readable(name));
    if (!model) continue;  // refused, and said so
    MILLRACE_DO(compare_model(*model));
    MILLRACE_DO(compare_versions(*model));
  }
  return {};
}

Result<void> RegisteredImport::compare_model(const Registered& model) {
  MILLRACE_TRY(const auto step, with_.progress.find("registered", model.name));
  if (!step) return {};
  MILLRACE_TRY(const auto found, with_.parts.registry.registered(with_.caller.workspace, model.name));
  auto here = found.empty() ? Registered{} : registered_of(found[0]);
  if (step->state == "merged") {
    std::erase_if(here.tags, [&](const auto& tag) { return value_of(model.tags, tag.key) == nullptr; });
    if (model.description.empty()) here.description.clear();
    here.created = model.created;
  }
  const auto facts = facts_of(here);
  if (!found.empty()) with_.report.count_here(facts.counts);
  with_.report.compare("registered model", model.name, step->digest, found.empty() ? "" : facts.digest());
  MILLRACE_TRY(const auto project, project_of(with_.parts.project));
  MILLRACE_TRY(const auto aliases,
               with_.parts.registry.aliases(with_.caller.workspace, project ? &*project : nullptr, model.name));
  for (const auto& [alias, number] : model.aliases) {
    MILLRACE_TRY(const bool taken, is_done("alias", alias_id(model.name, alias)));
    if (!taken) continue;
    std::string standing;
    for (const auto& each : aliases)
      if (each.name == alias) standing = std::to_string(each.version);
    with_.report.count_here({.aliases = standing.empty() ? 0 : 1});
    with_.report.compare("alias", alias_id(model.name, alias), std::to_string(number), standing);
  }
  return {};
}

Result<void> RegisteredImport::compare_versions(const Registered& model) {
  MILLRACE_TRY(const auto here, versions_here(model.name));
  for (const auto number : model.versions) {
    const auto id = fmt::format("{}/{}", model.name, number);
    MILLRACE_TRY(const auto step, with_.progress.find("version", id));
    if (!step) continue;
    MILLRACE_TRY(const auto source, read(model.name, number));
    const auto found = here.find(number);
    const auto facts = found == here.end() ? Facts{} : facts_of(comparable(found->second, source));
    with_.report.count_here(facts.counts);
    with_.report.compare("version", id, step->digest, found == here.end() ? "" : facts.digest());
    MILLRACE_TRY(const auto stage, with_.progress.find("stage", id));
    if (stage) with_.report.compare("stage", id, stage->digest, found == here.end() ? "" : found->second.stage);
  }
  return {};
}

}  // namespace millrace::exchange
