// What a stage runs in, as facts that can be compared: programs, libraries, lock file, processor, threads, source
// version.
#pragma once
#include <string>

#include "core/caller.h"
#include "core/json.h"
#include "pipeline/key/file_digests.h"
#include "pipeline/pipeline.h"

namespace millrace::pipeline {

// {arch, level: "x86-64-v3", features: [...]}: what makes the same program compute in another order or precision.
Json processor_class();

// Part of the key. Of a command: {interpreter {name, version, digest}, program {name, digest}, lock, libraries {name:
// digest}, cpu, threads}; of SQL: {engine, libraries, cpu, threads}.
class EnvironmentReader {
 public:
  EnvironmentReader(const Parts& parts, FileDigests& digests) : parts_(parts), digests_(digests) {}
  Result<Json> read(const Caller& caller, const Pipeline& pipeline, const Stage& stage);
  // {commit, dirty}, or null where the project is in no git work tree. Not part of the key.
  Json git(const std::string& folder) const;

 private:
  Result<Json> of_sql(const Caller& caller);
  Result<Json> of_command(const Caller& caller, const Pipeline& pipeline, const Stage& stage);
  Result<Json> program(const Caller& caller, const std::string& name, const std::string& path, Json& libraries);
  std::string behind_wrapper(const std::string& interpreter, const std::string& path) const;
  Result<void> add_libraries(const Caller& caller, const std::string& program, Json& libraries);
  std::vector<std::string> bare() const;

  const Parts& parts_;
  FileDigests& digests_;
};

}  // namespace millrace::pipeline
