// What stands in the way of deleting a version: a release that is live, or an alias or stage that is protected.
#pragma once
#include "registry/records.h"
#include "registry/requests/protection.h"

namespace millrace::registry {

// `conflict` that names what needs it and the way out.
Result<void> check_unneeded(store::Session& session, const std::string& workspace, const Protection& protection,
                            const VersionEntry& version);
// Does a release, live or former, name the model?
Result<std::optional<std::string>> released_as(store::Session& session, const std::string& workspace,
                                               const std::string& model);

}  // namespace millrace::registry
