// Registered models and their versions: what the handlers of both share.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "api/mlflow/body.h"
#include "api/mlflow/table.h"
#include "registry/registry.h"

namespace millrace::api::mlflow {

// The project that binds and protects aliases; nothing when the server runs without one.
Result<std::optional<Project>> project_of(const Services& services);
inline const Project* pointer_to(const std::optional<Project>& project) { return project ? &*project : nullptr; }

Result<int64_t> read_version(const std::string& text);  // clients send it as text
// What a body asks of a search; `standard` entries a page when it says nothing.
registry::RegistrySearch search_of(Body& in, int64_t standard);

Json version_json(const registry::ShownVersion& version);
Json model_json(const registry::ShownModel& model);

// {"model_version": ...} of one as it is now, or an error.
Result<Json> version_now(const Services& services, const Caller& caller, const std::string& model, int64_t version);
Result<Json> model_now(const Services& services, const Caller& caller, const std::string& name);

}  // namespace millrace::api::mlflow
