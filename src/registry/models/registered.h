// Registered models and their versions as MLflow's clients make, describe, tag, stage and delete them: the values that
// Registry takes and answers.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/result.h"
#include "track/entities.h"

namespace millrace::registry {

inline constexpr std::string_view kStageNone = "None", kStageArchived = "Archived";

struct RegisteredModel {
  std::string name, description, author;
  Micros created_at = 0, updated_at = 0;
  std::vector<track::KeyValue> tags;  // by key
};
struct NewRegisteredModel {
  std::string name, description;
  std::vector<track::KeyValue> tags;
};

// A version from files that a run or a logged model left here, or from a place elsewhere that only the client reads.
struct NewVersion {
  std::string model, source, run_id, model_id, run_link, description;
  std::vector<track::KeyValue> tags;
};

// A version as another registry had it, with the number, the author and the times that it had there.
struct ImportedVersion {
  NewVersion is;  // run_id and model_id are those that hold the files
  int64_t version = 0;
  std::string author;  // "" = who imports it
  Micros created_at = 0, updated_at = 0;
  std::string reference;  // where its files stay, below its run's or logged model's own place; "" = as `is` names it
};

// What lists, searches and answers need of a version.
struct VersionEntry {
  std::string model;
  int64_t version = 0;
  std::string run_id, author;
  Micros created_at = 0, updated_at = 0;
  std::string source;   // as the client named it; "millrace:model:NAME@VERSION" of one that the pipeline made
  std::string storage;  // where its files are; "" = put in place when they are asked for
  std::string content;  // digest of the manifest of its files; "" = they are not kept here
  std::string model_id, run_link, description, stage;
  std::string state;                  // ModelVersion::state
  std::string digest;                 // of the model
  bool evaluated = false;             // its gates were
  std::vector<track::KeyValue> tags;  // by key
};

// A name for a version, as MLflow's clients know them.
struct Alias {
  std::string model, name;
  int64_t version = 0;
  std::string deployment;  // that binds it: it is this one's stable arm; "" = a label
};

// A version and a model as clients see them.
struct ShownVersion {
  VersionEntry entry;
  std::vector<std::string> aliases;
};
struct ShownModel {
  RegisteredModel model;
  std::vector<ShownVersion> newest;  // of each stage that has one, by the stage's name
  std::vector<Alias> aliases;
};

// In the language of track/search/filter.h. Prompts are left out of what does not ask for them.
struct RegistrySearch {
  std::string filter;
  std::vector<std::string> order_by;
  int64_t max_results = 0;  // 1 to kMostModels or kMostVersions
  std::string page_token;
};
inline constexpr size_t kMostModels = 1'000, kMostVersions = 200'000;

struct StageMove {
  std::string model;
  int64_t version = 0;
  std::string stage;     // any case
  bool archive = false;  // what stands in that stage now is archived
  std::string why;
};

// A prompt is a registered model that carries this tag.
bool is_prompt(const std::vector<track::KeyValue>& tags);
// What stands in the place of files in a version of a prompt, which has none.
bool is_prompt_source(std::string_view source);

// None, Staging, Production or Archived, as it is written; `invalid` for anything else.
Result<std::string> canonical_stage(const std::string& stage);
// The names and words of MLflow's own refusals. `field` is named in them.
Result<void> check_registered_name(const std::string& name, std::string_view field);
Result<void> check_registered_tags(const std::vector<track::KeyValue>& tags);
Result<void> check_registered_tag_key(const std::string& key);

}  // namespace millrace::registry
