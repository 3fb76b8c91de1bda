// The table of dataset versions; for data/datasets/datasets.cc only.
#pragma once
#include <optional>
#include <vector>

#include "data/datasets/datasets.h"

namespace millrace::data {

Result<std::vector<DatasetVersion>> read_versions(store::Session& session, const std::string& workspace,
                                                  const std::string& dataset);
Result<std::optional<DatasetVersion>> read_by_key(store::Session& session, const std::string& workspace,
                                                  const std::string& dataset, const std::string& key);
Result<int64_t> next_version(store::Session& session, const std::string& workspace, const std::string& dataset);
Result<void> insert_version(store::Session& session, const std::string& workspace, const std::string& key,
                            const DatasetVersion& version);

// The selectable versions that count: of those with one period, which only the same input can have, the newest.
std::vector<DatasetVersion> current_versions(const std::vector<DatasetVersion>& versions);

}  // namespace millrace::data
