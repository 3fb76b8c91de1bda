// Registered models and versions as another tracking server holds them, prompts among them, and what two stores must
// agree on about them.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "exchange/facts.h"
#include "track/entities.h"

namespace millrace::exchange {

struct Registered {
  std::string name, description;
  int64_t created = 0, updated = 0;  // ms
  std::vector<track::KeyValue> tags;
  std::map<std::string, int64_t> aliases;  // to the number of a version
  std::vector<int64_t> versions;           // in order; deleted ones are not there
  int64_t last_version = 0;                // the highest number that was ever given
};

struct Version {
  std::string model;
  int64_t number = 0;
  std::string source, run_id, model_id, run_link, description, stage, status, author;
  std::string storage;               // where a client that does not follow the source finds the files; of an export
  int64_t created = 0, updated = 0;  // ms
  std::vector<track::KeyValue> tags;
  std::string name() const { return model + "/" + std::to_string(number); }
};

// What the source of a version names, whichever store it is in. Pure: text only. A place among the artifacts of a run
// or logged model is told by MLflow's layout: ".../RUN/artifacts/PATH", ".../MODEL/artifacts/PATH".
struct VersionPlace {
  std::string run_id, model_id;  // at most one of them: whose files these are; both "" = somewhere else
  std::string path;              // below the artifacts of that run or model
  bool remote = false;           // in a store that is no file system of a server's
  std::string text;              // the same on both sides: "runs:/RUN/PATH", "models:/m-1", or the source as it is
};
VersionPlace place_of(const Version& version);

// A version that names no run gets the one whose files its source names. Versions in MLflow's databases do not say
// their logged model; their source does.
void settle(Version& version, const VersionPlace& place);

// Aliases and stages are not part of it: they are compared one by one.
Facts facts_of(const Registered& model);
Facts facts_of(const Version& version);

}  // namespace millrace::exchange
