// The project file: millrace.yaml. This reads it and checks what all sections share; each section is read by its own
// folder.
#pragma once
#include <string>
#include <vector>

#include "core/yaml.h"

namespace millrace {

struct Project {
  std::string folder;  // absolute; paths in the file are relative to it
  std::string file;    // absolute path of millrace.yaml
  std::string name;
  std::string digest;  // of the file's bytes
  Yaml root;

  const Yaml* section(std::string_view name) const { return root.find(name); }
  // A project-relative path made absolute; refused when it leaves the folder.
  Result<std::string> path(const Yaml& value) const;
};

// `folder` holds millrace.yaml. Unknown keys are errors with "did you mean"; a newer format is refused with a hint.
Result<Project> load_project(const std::string& folder);

// Secrets: "${env:NAME}" and "${file:PATH}" (PATH relative to the project) are replaced; other text is itself.
Result<std::string> resolve_secret(const Project& project, const Yaml& value);

}  // namespace millrace
