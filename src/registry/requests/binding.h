// Which deployment binds an alias.
#pragma once
#include "registry/registry.h"

namespace millrace::registry {

// Of a model, or of all when it is "". Without a project nothing binds.
Result<std::vector<DeploymentSpec>> binding(const Project* project, const std::string& model);
Result<std::optional<DeploymentSpec>> binder_of(const Project* project, const std::string& model,
                                                const std::string& alias);

}  // namespace millrace::registry
