// What this server's registry holds, in the form in which stores are compared.
#pragma once
#include <functional>
#include <optional>

#include "core/project.h"
#include "exchange/registered.h"
#include "registry/models/registered.h"

namespace millrace::exchange {

Registered registered_of(const registry::RegisteredModel& model);  // without aliases and versions
Version version_of(const registry::VersionEntry& entry);
// Nothing when the server runs without a project.
Result<std::optional<Project>> project_of(const std::function<Result<Project>()>& project);

}  // namespace millrace::exchange
