#include "exchange/export_registered.h"

#include <fmt/format.h>

#include "exchange/registry_entries.h"
#include "track/tracking.h"

namespace millrace::exchange {
namespace {

constexpr std::string_view kMadeHere = "millrace:";  // the source of a version that the pipeline made

}  // namespace

Result<Registered> RegisteredExport::read(const registry::RegisteredModel& model) const {
  auto out = registered_of(model);
  MILLRACE_TRY(const auto project, project_of(with_.project));
  MILLRACE_TRY(const auto aliases,
               with_.registry.aliases(with_.caller.workspace, project ? &*project : nullptr, model.name));
  for (const auto& alias : aliases) out.aliases.emplace(alias.name, alias.version);
  return out;
}

Result<RegisteredExport::Versions> RegisteredExport::versions(const std::string& model) const {
  MILLRACE_TRY(const auto entries, with_.registry.catalogue(with_.caller.workspace, model));
  Versions out;
  for (const auto& entry : entries) {
    out.push_back(version_of(entry));
    auto& version = out.back();
    if (!version.source.starts_with(kMadeHere)) continue;
    MILLRACE_TRY(version.source, with_.registry.download_uri(with_.caller, model, entry.version));
    version.storage = version.source;
  }
  return out;
}

// Where artifacts are in the export; those that this server does not keep stay where they are.
std::string RegisteredExport::located(const std::string& uri) const {
  const auto folder = track::Tracking::artifact_path(uri);
  return folder.empty() ? uri : with_.sink.location(folder);
}

Result<void> RegisteredExport::write() {
  MILLRACE_TRY(const auto models, with_.registry.registered(with_.caller.workspace));
  for (const auto& model : models)
    MILLRACE_DO(with_.one_by_one.take("registered model", model.name, [&] { return write_model(model); }));
  return {};
}

Result<void> RegisteredExport::write_model(const registry::RegisteredModel& model) {
  MILLRACE_TRY(const auto registered, read(model));
  MILLRACE_DO(with_.sink.put(registered));
  MILLRACE_TRY(const auto all, versions(model.name));
  for (const auto& version : all)
    MILLRACE_DO(with_.one_by_one.take("version", version.name(), [&] { return write_version(version); }));
  return {};
}

Result<void> RegisteredExport::write_version(Version version) {
  MILLRACE_DO(with_.copy_files(version.storage));
  version.source = located(version.source);
  version.storage = located(version.storage);
  return with_.sink.put(version);
}

Result<void> RegisteredExport::compare(Source& written) {
  MILLRACE_TRY(const auto models, with_.registry.registered(with_.caller.workspace));
  for (const auto& model : models) MILLRACE_DO(compare_model(written, model));
  return {};
}

Result<void> RegisteredExport::compare_model(Source& written, const registry::RegisteredModel& model) {
  MILLRACE_TRY(const auto here, read(model));
  const auto facts = facts_of(here);
  with_.report.count(facts);
  auto found = written.registered(model.name);
  if (!found && !is_of_the_thing(found.error())) return std::move(found).error();
  const auto there = found ? facts_of(*found) : Facts{};
  with_.report.count_here(there.counts);
  with_.report.compare("registered model", model.name, facts.digest(), found ? there.digest() : "");
  for (const auto& [alias, number] : here.aliases) {
    std::string standing;
    if (found && found->aliases.contains(alias)) standing = std::to_string(found->aliases.at(alias));
    with_.report.count({.aliases = 1});
    with_.report.count_here({.aliases = standing.empty() ? 0 : 1});
    with_.report.compare("alias", model.name + "@" + alias, std::to_string(number), standing);
  }
  MILLRACE_TRY(const auto all, versions(model.name));
  for (const auto& version : all) MILLRACE_DO(compare_version(written, version));
  return {};
}

Result<void> RegisteredExport::compare_version(Source& written, const Version& version) {
  const auto facts = facts_of(version);
  with_.report.count(facts);
  auto found = written.version(version.model, version.number);
  if (!found && !is_of_the_thing(found.error())) return std::move(found).error();
  if (found && found->source == located(version.source)) found->source = version.source;
  const auto there = found ? facts_of(*found) : Facts{};
  with_.report.count_here(there.counts);
  with_.report.compare("version", version.name(), facts.digest(), found ? there.digest() : "");
  with_.report.compare("stage", version.name(), version.stage, found ? found->stage : "");
  return {};
}

}  // namespace millrace::exchange
