#include <algorithm>

#include <fmt/format.h>

#include "core/hash.h"
#include "registry/signing/signatures.h"
#include "registry/signing/statements.h"

namespace millrace::registry {
namespace {

constexpr std::string_view kBuildType = "urn:millrace:pipeline:1";

// {sha256: hex} of "sha256:hex"; nothing for any other text.
Json digest_set(const std::string& digest) {
  return is_digest(digest) ? Json{{"sha256", digest.substr(7)}} : Json::object();
}

Json dependency(const std::string& uri, const std::string& name, const std::string& digest) {
  Json out{{"uri", uri}, {"name", name}};
  if (auto set = digest_set(digest); !set.empty()) out["digest"] = std::move(set);
  return out;
}

const Json& part(const Json& of, std::string_view key) {
  static const Json none;
  const auto* found = find(of, key);
  return found == nullptr ? none : *found;
}

Json dependencies_of(const Json& facts) {
  Json out = Json::array();
  for (const auto& set : part(facts, "data"))
    out.push_back(dependency("urn:millrace:" + string_or(set, "node", ""), string_or(set, "node", ""),
                             string_or(set, "digest", "")));
  for (const auto& stage : part(facts, "stages")) {
    const auto name = string_or(stage, "stage", "");
    if (const auto& code = part(stage, "code"); code.is_object())
      for (const auto& [path, digest] : code.items())
        out.push_back(dependency(fmt::format("urn:millrace:code:{}/{}", name, path), path,
                                 digest.is_string() ? digest.get<std::string>() : std::string()));
    const auto& git = part(part(stage, "environment"), "git");
    if (const auto commit = string_or(git, "commit", ""); !commit.empty())
      out.push_back({{"uri", "git+commit:" + commit}, {"name", name}, {"digest", {{"gitCommit", commit}}}});
  }
  return out;
}

Json parameters_of(const Json& facts) {
  Json stages = Json::object();
  for (const auto& stage : part(facts, "stages"))
    stages[string_or(stage, "stage", "")] = {
        {"params", part(stage, "params")}, {"command", part(stage, "command")}, {"sql", part(stage, "sql")}};
  return stages;
}

Json environment_of(const Json& facts) {
  Json stages = Json::object();
  for (const auto& stage : part(facts, "stages"))
    stages[string_or(stage, "stage", "")] = {
        {"seed", part(stage, "seed")}, {"key", part(stage, "key")}, {"environment", part(stage, "environment")}};
  return stages;
}

Json byproducts_of(const StoredVersion& stored) {
  Json out = Json::array();
  const auto& digests = stored.version.digests;
  const std::pair<const char*, const std::string*> all[] = {{"contract", &digests.contract},
                                                            {"gates report", &digests.report}};
  for (const auto& [name, digest] : all)
    if (is_digest(*digest)) out.push_back({{"name", name}, {"digest", digest_set(*digest)}});
  return out;
}

Micros finished(const Json& facts) {
  Micros last = 0;
  for (const auto& stage : part(facts, "stages")) last = std::max<Micros>(last, integer_or(stage, "ended_at", 0));
  return last;
}

}  // namespace

Json provenance_of(const StoredVersion& stored, const SignedModel& files) {
  const auto& version = stored.version;
  Json subjects = Json::array();
  for (const auto& file : files.files) subjects.push_back({{"name", file.name}, {"digest", {{"sha256", file.digest}}}});
  Json metadata{{"invocationId", version.run_id.empty() ? version.stage_node : "run:" + version.run_id}};
  if (const auto end = finished(stored.facts); end != 0) metadata["finishedOn"] = to_iso(end);
  return Json{{"_type", "https://in-toto.io/Statement/v1"},
              {"subject", std::move(subjects)},
              {"predicateType", "https://slsa.dev/provenance/v1"},
              {"predicate",
               {{"buildDefinition",
                 {{"buildType", kBuildType},
                  {"externalParameters",
                   {{"model", version.model}, {"version", version.version}, {"stages", parameters_of(stored.facts)}}},
                  {"internalParameters", {{"stages", environment_of(stored.facts)}}},
                  {"resolvedDependencies", dependencies_of(stored.facts)}}},
                {"runDetails",
                 {{"builder", {{"id", "urn:millrace:builder"}, {"version", {{"millrace", MILLRACE_VERSION}}}}},
                  {"metadata", std::move(metadata)},
                  {"byproducts", byproducts_of(stored)}}}}}};
}

}  // namespace millrace::registry
