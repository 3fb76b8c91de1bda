// From what a client names as a source to the files: which run or logged model they belong to, where they lie, what
// they hold.
#pragma once
#include "registry/records.h"
#include "track/manifest.h"

namespace millrace::registry {

struct Located {
  std::string source;   // with an alias or stage replaced by the number that it stood for
  std::string storage;  // "mlflow-artifacts:/..." here, or the client's own URI elsewhere
  std::string run_id, model_id;
  bool is_here = false;  // its files are kept here
  std::string path() const { return is_here ? track::Tracking::artifact_path(storage) : std::string(); }
};

// `invalid` when the source is not a part of the run or model that the client names, in MLflow's words.
Result<Located> locate(Registry& registry, const Parts& parts, const Caller& caller, const Project* project,
                       const NewVersion& wanted);

// Files that an import left where they were: `reference` lies below the place of the run or logged model that is named,
// and that place is elsewhere.
Result<Located> locate_reference(const Parts& parts, const Caller& caller, const NewVersion& wanted,
                                 const std::string& reference);

// Digests of what a client logged: the files, the run's datasets, the code that its tags name, its environment files.
// What nobody logged is "".
struct Traced {
  Digests digests;
  Json facts;
};
Result<Traced> trace_logged(const Parts& parts, const Caller& caller, const Located& located,
                            const track::Manifest& manifest);

}  // namespace millrace::registry
