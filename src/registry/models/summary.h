// Registered models, a line each, for lists that people look at. Inside one transaction.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "registry/models/registered.h"
#include "store/database.h"

namespace millrace::registry {

struct ModelSummary {
  RegisteredModel model;
  int64_t versions = 0;
  std::optional<VersionEntry> latest;  // the highest number
  int64_t open_requests = 0;
};
struct ModelSummaries {
  std::vector<ModelSummary> models;  // changed last first
  int64_t total = 0;
};
// Those whose name holds `q` in any case; prompts are left out.
Result<ModelSummaries> summarize_models(store::Session& session, const std::string& workspace, const std::string& q,
                                        int64_t from, int64_t count);

}  // namespace millrace::registry
