#include "webhooks/events.h"

#include <algorithm>
#include <charconv>

namespace millrace::webhooks {
namespace {

// What a line of the journal is about.
struct Subject {
  std::string model, version;
  Json now;  // as Describe has it
};

std::string text_at(const Json& json, std::string_view key) { return string_or(json, key, ""); }

Json tags_of(const Json& now) {
  const auto* tags = find(now, "tags");
  return tags == nullptr ? Json::object() : *tags;
}

Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json model_made(const Subject& it, const Json&) {
  return {{"name", it.model}, {"tags", tags_of(it.now)}, {"description", or_null(text_at(it.now, "description"))}};
}
Json version_made(const Subject& it, const Json&) {
  return {{"name", it.model},
          {"version", it.version},
          {"source", text_at(it.now, "source")},
          {"run_id", or_null(text_at(it.now, "run_id"))},
          {"tags", tags_of(it.now)},
          {"description", or_null(text_at(it.now, "description"))}};
}
// The value as it is now: the line has only its digest.
Json version_tag_set(const Subject& it, const Json& body) {
  const auto key = text_at(body, "key");
  return {{"name", it.model}, {"version", it.version}, {"key", key}, {"value", text_at(tags_of(it.now), key)}};
}
Json version_tag_deleted(const Subject& it, const Json& body) {
  return {{"name", it.model}, {"version", it.version}, {"key", text_at(body, "key")}};
}
Json model_tag_set(const Subject& it, const Json& body) {
  const auto key = text_at(body, "key");
  return {{"name", it.model}, {"key", key}, {"value", text_at(tags_of(it.now), key)}};
}
Json model_tag_deleted(const Subject& it, const Json& body) {
  return {{"name", it.model}, {"key", text_at(body, "key")}};
}
Json alias_set(const Subject& it, const Json& body) {
  return {{"name", it.model}, {"alias", text_at(body, "alias")}, {"version", it.version}};
}
Json alias_deleted(const Subject& it, const Json& body) {
  return {{"name", it.model}, {"alias", text_at(body, "alias")}};
}
Json prompt_version_made(const Subject& it, const Json& body) {
  auto out = version_made(it, body);
  out.erase("source"), out.erase("run_id");
  out["template"] = text_at(out["tags"], "mlflow.prompt.text");
  out["tags"].erase("mlflow.prompt.text");
  return out;
}

// The event of a model, and of a prompt, which is a model with a tag; "" = nobody is told.
struct Entry {
  std::string_view kind, event, prompt_event;
  Json (*data)(const Subject& subject, const Json& body);
  Json (*prompt_data)(const Subject& subject, const Json& body);
};
constexpr Entry kEntries[] = {
    {"model.created", "registered_model.created", "prompt.created", model_made, model_made},
    {"model.version.created", "model_version.created", "prompt_version.created", version_made, prompt_version_made},
    {"model.version.tag.set", "model_version_tag.set", "prompt_version_tag.set", version_tag_set, version_tag_set},
    {"model.version.tag.deleted", "model_version_tag.deleted", "prompt_version_tag.deleted", version_tag_deleted,
     version_tag_deleted},
    {"model.tag.set", "", "prompt_tag.set", nullptr, model_tag_set},
    {"model.tag.deleted", "", "prompt_tag.deleted", nullptr, model_tag_deleted},
    {"model.alias.set", "model_version_alias.created", "prompt_alias.created", alias_set, alias_set},
    {"model.alias.deleted", "model_version_alias.deleted", "prompt_alias.deleted", alias_deleted, alias_deleted}};

// "model:late@2": a model and its version, "" when it names none.
std::pair<std::string, std::string> parts_of(std::string_view node) {
  if (!node.starts_with("model:")) return {};
  node.remove_prefix(std::string_view("model:").size());
  const auto at = node.rfind('@');
  if (at == std::string_view::npos) return {std::string(node), ""};
  return {std::string(node.substr(0, at)), std::string(node.substr(at + 1))};
}

Subject subject_of(const lineage::Event& line) {
  auto [model, version] = parts_of(line.after.starts_with("model:") ? line.after : line.node);
  for (const auto* key : {"model", "name"})
    if (model.empty()) model = text_at(line.body, key);
  const auto* number = find(line.body, "version");
  if (version.empty() && number != nullptr)
    version = number->is_string() ? number->get<std::string>() : to_text(*number);
  return {std::move(model), std::move(version), {}};
}

int64_t number_of(const std::string& version) {
  int64_t out = 0;
  std::from_chars(version.data(), version.data() + version.size(), out);
  return out;
}

}  // namespace

std::vector<std::string_view> known_events() {
  std::vector<std::string_view> out;
  for (const auto& entry : kEntries)
    for (const auto name : {entry.event, entry.prompt_event})
      if (!name.empty()) out.push_back(name);
  return out;
}

std::vector<std::string> known_kinds() {
  std::vector<std::string> out;
  for (const auto& entry : kEntries) out.emplace_back(entry.kind);
  return out;
}

bool is_event(std::string_view name) {
  const auto all = known_events();
  return std::find(all.begin(), all.end(), name) != all.end();
}

std::optional<Told> told_of(const lineage::Event& line, const Describe& describe) {
  const auto* entry =
      std::find_if(std::begin(kEntries), std::end(kEntries), [&](const auto& each) { return each.kind == line.kind; });
  if (entry == std::end(kEntries)) return std::nullopt;
  auto subject = subject_of(line);
  if (subject.model.empty()) return std::nullopt;
  const auto model = describe(line.workspace, subject.model, 0);
  const bool prompt = text_at(tags_of(model), "mlflow.prompt.is_prompt") == "true";
  const auto event = prompt ? entry->prompt_event : entry->event;
  if (event.empty()) return std::nullopt;
  const auto version = number_of(subject.version);
  subject.now = version == 0 ? model : describe(line.workspace, subject.model, version);
  return Told{std::string(event), (prompt ? entry->prompt_data : entry->data)(subject, line.body)};
}

Json example_of(std::string_view event) {
  const bool prompt = event.starts_with("prompt");
  const Subject subject{prompt ? "example_prompt" : "example_model",
                        "1",
                        {{"tags", {{"example_key", "example_value"}}},
                         {"description", "An example"},
                         {"source", "models:/123"},
                         {"run_id", "abcd1234abcd5678"}}};
  for (const auto& entry : kEntries) {
    const Json body{{"key", "example_key"}, {"alias", "example_alias"}};
    if (entry.event == event) return entry.data(subject, body);
    if (entry.prompt_event == event) return entry.prompt_data(subject, body);
  }
  return Json::object();
}

}  // namespace millrace::webhooks
