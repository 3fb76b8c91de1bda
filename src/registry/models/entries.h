// Versions as lists, searches and answers show them, read many at once: tags and states come in the same few statements
// for any number of versions.
#pragma once
#include "registry/models/keys.h"
#include "registry/records.h"

namespace millrace::registry {

// Those of the keys that are still there, in the order of the keys.
Result<std::vector<VersionEntry>> load_versions(store::Session& session, const std::string& workspace,
                                                const std::vector<VersionKey>& keys);
// All of a workspace, or of one model when it is named; by model and number.
Result<std::vector<VersionEntry>> load_entries(store::Session& session, const std::string& workspace,
                                               const std::string& model);
Result<std::optional<VersionEntry>> find_entry(store::Session& session, const std::string& workspace,
                                               const std::string& model, int64_t version);

}  // namespace millrace::registry
