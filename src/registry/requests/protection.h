// Which aliases and stages of a model are moved by request only, and who has to agree:
//   registry: {protected: [champion, Production], approvals: {count: 1, role: approver, expires_days: 14}}
//   models: {late: {protected: [champion], approvals: {...}, ...}}        in place of the former, for this model
// Models that are not in the project file have the section `registry`; without a project nothing is protected.
#pragma once
#include <string>
#include <vector>

#include "core/project.h"
#include "registry/registry.h"

namespace millrace::registry {

struct Protection {
  std::vector<std::string> places;  // aliases and stages
  int64_t voices = 1;
  std::string role = "approver";
  Micros lifetime = 0;  // of a request

  bool covers(std::string_view place) const;
};

Result<Protection> protection_of(const Project* project, const std::string& model);
// The project's model of that name, if there is one.
Result<std::optional<ModelSpec>> spec_of(const Project* project, const std::string& model);

}  // namespace millrace::registry
