#include "exchange/registered.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "exchange/sources/source.h"

namespace millrace::exchange {
namespace {

constexpr std::string_view kArtifacts = "/artifacts";
constexpr size_t kIdDigits = 32;

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}
bool is_model_id(std::string_view id) { return id.starts_with("m-") && id.size() > 2; }

std::string trimmed(std::string text) {
  while (text.ends_with('/')) text.pop_back();
  while (text.starts_with('/')) text.erase(0, 1);
  return text;
}

// What follows ".../ID/artifacts" in a place; nothing when it is not there.
std::optional<std::string> below_artifacts(const std::string& place, const std::string& id) {
  if (id.empty()) return std::nullopt;
  const auto mark = fmt::format("/{}{}", id, kArtifacts);
  const auto at = place.find(mark);
  if (at == std::string::npos) return std::nullopt;
  const auto rest = place.substr(at + mark.size());
  if (!rest.empty() && rest.front() != '/') return std::nullopt;
  return trimmed(rest);
}

// The id before "/artifacts" when it has the form of a run's or logged model's.
std::string id_in(const std::string& place) {
  for (auto at = place.find(kArtifacts); at != std::string::npos; at = place.find(kArtifacts, at + 1)) {
    const auto end = at + kArtifacts.size();
    const auto slash = at == 0 ? std::string::npos : place.rfind('/', at - 1);
    if (slash == std::string::npos || (end < place.size() && place[end] != '/')) continue;
    const auto id = place.substr(slash + 1, at - slash - 1);
    if ((id.size() == kIdDigits && is_hex(id)) || is_model_id(id)) return id;
  }
  return "";
}

Json pairs_json(const std::vector<track::KeyValue>& pairs) {
  Json out = Json::object();
  for (const auto& pair : pairs) out[pair.key] = pair.value;
  return out;
}

}  // namespace

VersionPlace place_of(const Version& version) {
  const auto& source = version.source;
  VersionPlace out{.text = source};
  const auto of_run = [&](const std::string& id, const std::string& path) {
    out.run_id = id;
    out.path = path;
    out.text = fmt::format("runs:/{}{}{}", id, path.empty() ? "" : "/", path);
  };
  const auto of_model = [&](const std::string& id, const std::string& path) {
    out.model_id = id;
    out.path = path;
    out.text = fmt::format("models:/{}{}{}", id, path.empty() ? "" : "/", path);
  };
  if (source.starts_with("models:/")) {
    const auto rest = trimmed(source.substr(8));
    if (is_model_id(rest) && rest.find_first_of("/@") == std::string::npos) of_model(rest, "");
    return out;
  }
  if (source.starts_with("runs:/")) {
    const auto rest = trimmed(source.substr(6));
    const auto slash = std::min(rest.find('/'), rest.size());
    of_run(rest.substr(0, slash), trimmed(rest.substr(slash)));
    return out;
  }
  const auto local = local_path(source, "");
  out.remote = local.empty() && !source.starts_with("mlflow-artifacts:");
  const auto& place = local.empty() ? source : local;
  if (const auto path = below_artifacts(place, version.model_id)) {
    of_model(version.model_id, *path);
  } else if (const auto in_run = below_artifacts(place, version.run_id)) {
    of_run(version.run_id, *in_run);
  } else if (const auto id = out.remote ? std::string() : id_in(place); !id.empty()) {
    const auto rest = below_artifacts(place, id).value_or("");
    is_model_id(id) ? of_model(id, rest) : of_run(id, rest);
  }
  return out;
}

void settle(Version& version, const VersionPlace& place) {
  if (!place.model_id.empty()) version.model_id = place.model_id;
  if (version.run_id.empty()) version.run_id = place.run_id;
}

Facts facts_of(const Registered& model) {
  Facts facts;
  facts.content = {{"name", model.name},
                   {"description", model.description},
                   {"created", model.created},
                   {"tags", pairs_json(model.tags)}};
  facts.counts.registered = 1;
  facts.counts.tags = static_cast<int64_t>(facts.content["tags"].size());
  return facts;
}

Facts facts_of(const Version& version) {
  Facts facts;
  facts.content = {{"model", version.model},   {"version", version.number},    {"source", place_of(version).text},
                   {"run", version.run_id},    {"run_link", version.run_link}, {"description", version.description},
                   {"author", version.author}, {"created", version.created},   {"tags", pairs_json(version.tags)}};
  facts.counts.versions = 1;
  facts.counts.tags = static_cast<int64_t>(facts.content["tags"].size());
  return facts;
}

}  // namespace millrace::exchange
