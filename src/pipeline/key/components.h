// What a stage stands on, as one JSON document (its form: StageRecord), and the key that follows from it.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "pipeline/key/environment.h"
#include "pipeline/pipeline.h"

namespace millrace::pipeline {

// Raised when the same inputs could give other outs because the runner itself changed.
inline constexpr int kRunnerAbi = 1;

// The record that an upstream stage stands on, or nullptr.
using Upstream = std::function<const StageRecord*(const std::string& stage)>;

// Every upstream record must be there.
class ComponentsReader {
 public:
  ComponentsReader(const Parts& parts, FileDigests& digests)
      : parts_(parts), digests_(digests), environment_(parts, digests) {}
  Result<Json> read(const Caller& caller, const Pipeline& pipeline, const Stage& stage, const Upstream& upstream);

 private:
  Result<void> add_code(const Caller& caller, const Pipeline& pipeline, const Stage& stage, Json& into);
  Result<void> add_datasets(const Caller& caller, const Pipeline& pipeline, const Stage& stage, Json& into);
  void add_env(const Stage& stage, Json& into) const;

  const Parts& parts_;
  FileDigests& digests_;
  EnvironmentReader environment_;
};

// The part that decides: without git, version numbers and what only stands behind other parts.
Json deciding(const Json& components);
std::string key_of(const Json& components);

// Differences of the deciding parts, each named; in order of name.
std::vector<Reason> differences(const Json& before, const Json& after);

}  // namespace millrace::pipeline
