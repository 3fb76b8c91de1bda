#include <set>

#include <fmt/format.h>

#include "core/hash.h"
#include "registry/signing/statements.h"

namespace millrace::registry {
namespace {

const Json& part(const Json& of, std::string_view key) {
  static const Json none;
  const auto* found = find(of, key);
  return found == nullptr ? none : *found;
}

Json hashes_of(const std::string& digest) {
  Json out = Json::array();
  if (is_digest(digest)) out.push_back({{"alg", "SHA-256"}, {"content", digest.substr(7)}});
  return out;
}

// A random-looking UUID that says nothing but which version this is.
std::string serial_of(const StoredVersion& stored) {
  const auto hex = digest_of(stored.version.node() + to_text(stored.version.digests.to_json())).substr(7);
  return fmt::format("urn:uuid:{}-{}-4{}-8{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(13, 3),
                     hex.substr(17, 3), hex.substr(20, 12));
}

Json property(const std::string& name, const Json& value) {
  return {{"name", "millrace:" + name}, {"value", value.is_string() ? value.get<std::string>() : to_text(value)}};
}

Json file_component(const std::string& stage, const std::string& path, const Json& digest) {
  Json out{{"type", "file"}, {"bom-ref", fmt::format("code:{}/{}", stage, path)}, {"name", path}};
  if (digest.is_string()) out["hashes"] = hashes_of(digest.get<std::string>());
  return out;
}

// Components that the model was made from, each once.
class Components {
 public:
  void add(Json component) {
    auto ref = component["bom-ref"].get<std::string>();
    if (!refs_.insert(ref).second) return;
    needed_.push_back(ref);
    list_.push_back(std::move(component));
  }
  const Json& list() const { return list_; }
  const Json& refs() const { return needed_; }

 private:
  std::set<std::string> refs_;
  Json list_ = Json::array(), needed_ = Json::array();
};

void add_data(const Json& facts, Components& components) {
  for (const auto& set : part(facts, "data")) {
    const auto node = string_or(set, "node", "");
    components.add({{"type", "data"},
                    {"bom-ref", node},
                    {"name", string_or(set, "name", node)},
                    {"version", fmt::format("{}", integer_or(set, "version", 0))},
                    {"hashes", hashes_of(string_or(set, "digest", ""))},
                    {"data", {{{"type", "dataset"}, {"name", node}}}}});
  }
}

void add_stages(const Json& facts, Components& components) {
  for (const auto& stage : part(facts, "stages")) {
    const auto name = string_or(stage, "stage", "");
    if (const auto& code = part(stage, "code"); code.is_object())
      for (const auto& [path, digest] : code.items()) components.add(file_component(name, path, digest));
    const auto& environment = part(stage, "environment");
    if (const auto interpreter = string_or(environment, "interpreter", ""); !interpreter.empty())
      components.add({{"type", "application"}, {"bom-ref", "interpreter:" + interpreter}, {"name", interpreter}});
    if (const auto& libraries = part(environment, "libraries"); libraries.is_object())
      for (const auto& [library, digest] : libraries.items()) {
        Json one{{"type", "library"}, {"bom-ref", "library:" + library}, {"name", library}};
        if (digest.is_string()) one["hashes"] = hashes_of(digest.get<std::string>());
        components.add(std::move(one));
      }
  }
}

// Metrics that the gates measured, with their intervals.
Json performance_of(const StoredVersion& stored) {
  Json out = Json::array();
  for (const auto& gate : stored.version.gates) {
    const auto& value = gate.value;
    const auto number = value.is_number() ? value : part(value, "value");
    if (!number.is_number()) continue;
    Json metric{{"type", gate.kind}, {"value", to_text(number)}};
    if (part(value, "low").is_number() && part(value, "high").is_number())
      metric["confidenceInterval"] = {{"lowerBound", to_text(part(value, "low"))},
                                      {"upperBound", to_text(part(value, "high"))}};
    out.push_back(std::move(metric));
  }
  return out;
}

Json considerations_of(const Json& card) {
  Json out = Json::object();
  if (const auto use = string_or(card, "intended_use", ""); !use.empty()) out["useCases"] = {use};
  if (const auto limits = string_or(card, "limitations", ""); !limits.empty()) out["technicalLimitations"] = {limits};
  if (const auto ethics = string_or(card, "ethical", ""); !ethics.empty())
    out["ethicalConsiderations"] = {{{"name", ethics}}};
  return out;
}

Json model_card(const StoredVersion& stored, const Json& card) {
  Json datasets = Json::array();
  for (const auto& set : part(stored.facts, "data")) datasets.push_back({{"ref", string_or(set, "node", "")}});
  Json out{{"modelParameters", {{"datasets", std::move(datasets)}}}};
  if (auto metrics = performance_of(stored); !metrics.empty())
    out["quantitativeAnalysis"] = {{"performanceMetrics", std::move(metrics)}};
  if (auto considerations = considerations_of(card); !considerations.empty())
    out["considerations"] = std::move(considerations);
  return out;
}

}  // namespace

Result<Json> bom_of(const StoredVersion& stored, const Json& card) {
  if (!is_digest(stored.version.digests.model))
    return Error{Code::rejected, fmt::format("the files of {} are not kept here", stored.version.node())};
  const auto& version = stored.version;
  Components components;
  add_data(stored.facts, components);
  add_stages(stored.facts, components);
  Json properties = Json::array();
  properties.push_back(property("state", version.state));
  properties.push_back(property("label", string_or(stored.facts, "label", "")));
  if (!version.run_id.empty()) properties.push_back(property("run", "run:" + version.run_id));
  const auto digests = version.digests.to_json();  // outlives the walk
  for (const auto& [name, digest] : digests.items())
    if (digest.is_string() && !digest.get<std::string>().empty())
      properties.push_back(property("digest:" + name, digest));
  Json model{{"type", "machine-learning-model"},
             {"bom-ref", version.node()},
             {"name", version.model},
             {"version", fmt::format("{}", version.version)},
             {"hashes", hashes_of(version.digests.model)},
             {"modelCard", model_card(stored, card)},
             {"properties", std::move(properties)}};
  return Json{
      {"bomFormat", "CycloneDX"},
      {"specVersion", "1.6"},
      {"serialNumber", serial_of(stored)},
      {"version", 1},
      {"metadata",
       {{"timestamp", to_iso(version.created_at)},
        {"tools", {{"components", {{{"type", "application"}, {"name", "millrace"}, {"version", MILLRACE_VERSION}}}}}},
        {"component", std::move(model)}}},
      {"components", components.list()},
      {"dependencies", {{{"ref", version.node()}, {"dependsOn", components.refs()}}}}};
}

}  // namespace millrace::registry
