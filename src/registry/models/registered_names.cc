#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "core/json.h"
#include "registry/models/registered.h"
#include "track/names.h"

namespace millrace::registry {
namespace {

constexpr size_t kNameCharacters = 256, kTagKey = 250, kTagValue = 100'000, kMostTags = 1'000;
constexpr std::string_view kOwnTags = "millrace.";
constexpr std::string_view kPromptTag = "mlflow.prompt.is_prompt";

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

Error missing(std::string_view field) {
  return Error{Code::invalid, fmt::format("Missing value for required parameter '{}'.", field)};
}

Error too_long(std::string_view what, const std::string& value, size_t limit) {
  return Error{Code::invalid, fmt::format("{} '{}' had length {}, which exceeded length limit of {}", what,
                                          value.substr(0, 80), track::characters_in(value), limit)};
}

}  // namespace

bool is_prompt_source(std::string_view source) { return source == "dummy-source" || source == "prompt-template"; }

bool is_prompt(const std::vector<track::KeyValue>& tags) {
  bool prompt = false;  // the last of several counts
  for (const auto& tag : tags)
    if (tag.key == kPromptTag) prompt = lower(tag.value) == "true";
  return prompt;
}

Result<std::string> canonical_stage(const std::string& stage) {
  static constexpr std::array stages = {"None", "Staging", "Production", "Archived"};
  for (const std::string known : stages)
    if (lower(known) == lower(stage)) return known;
  return Error{Code::invalid, fmt::format("Invalid Model Version stage: {}. Value must be one of {}.",
                                          stage.substr(0, 250), fmt::join(stages, ", "))};
}

Result<void> check_registered_name(const std::string& name, std::string_view field) {
  if (name.find_first_not_of(" \t\r\n") == std::string::npos) return missing(field);
  if (name.find_first_of("/:") != std::string::npos)
    return Error{Code::invalid,
                 fmt::format("Invalid model name '{}'. Names cannot contain '/' or ':'.", name.substr(0, 250))};
  const bool control =
      std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (name == "." || name == ".." || control)
    return Error{Code::invalid,
                 fmt::format("Invalid value {} for parameter '{}' supplied: Names may be treated as files in certain "
                             "cases, and must not resolve to other names when treated as such.",
                             to_text(Json(name.substr(0, 250))), field)};
  if (track::characters_in(name) > kNameCharacters) return too_long("Registered model name", name, kNameCharacters);
  return {};
}

Result<void> check_registered_tag_key(const std::string& key) {
  if (key.empty()) return missing("key");
  MILLRACE_DO(track::check_tag({key, ""}, ""));
  if (track::characters_in(key) > kTagKey) return too_long("key", key, kTagKey);
  if (key.starts_with(kOwnTags))
    return Error{Code::invalid, fmt::format("the tag '{}' says what the registry knows and cannot be set", key)}.hint(
        "take a key that does not begin with 'millrace.'");
  return {};
}

Result<void> check_registered_tags(const std::vector<track::KeyValue>& tags) {
  if (tags.size() > kMostTags) return Error{Code::invalid, fmt::format("a call sets at most {} tags", kMostTags)};
  for (const auto& tag : tags) {
    MILLRACE_DO(check_registered_tag_key(tag.key));
    if (track::characters_in(tag.value) > kTagValue) return too_long("value", tag.value, kTagValue);
  }
  return {};
}

}  // namespace millrace::registry
