// What monitoring needs to know of a model version: from which score it chooses, and the files it is compared with.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "monitor/spec.h"
#include "pipeline/pipeline.h"
#include "store/database.h"

namespace millrace::monitor {

struct Artifact {
  std::string digest;  // a blob
  std::string node;    // artifact:STAGE/PATH@<12 hex>
};

struct VersionFacts {
  std::string model;
  int64_t version = 0;
  double threshold = 0.5;          // chosen when score >= threshold
  std::optional<Artifact> taught;  // the spec's reference, as this very version's stages stood on it
  std::optional<Artifact> scored;  // held-out rows with their `score`
  std::string problem;             // why something is missing; "" when nothing is

  std::string node() const;  // model:NAME@VERSION
};

using FindFacts = std::function<Result<VersionFacts>(const std::string& workspace, const MonitorSpec&,
                                                     const std::string& model, int64_t version)>;

// From the registry's records. The threshold is that of the newest release of the deployment that names the version,
// else the one its held-out rows came with, else 0.5. A version that the registry does not know (a model file served by
// name), or one whose stages do not stand on the reference, is no error: `problem` says it.
FindFacts facts_from_registry(const store::Database& database, const pipeline::Pipelines& pipelines);

}  // namespace millrace::monitor
