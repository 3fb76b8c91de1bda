#include "exchange/registry_entries.h"

namespace millrace::exchange {
namespace {

constexpr int64_t kMicros = 1'000;  // of a millisecond

}  // namespace

Registered registered_of(const registry::RegisteredModel& model) {
  return {.name = model.name,
          .description = model.description,
          .created = model.created_at / kMicros,
          .updated = model.updated_at / kMicros,
          .tags = model.tags,
          .aliases = {},
          .versions = {}};
}

Version version_of(const registry::VersionEntry& entry) {
  return {.model = entry.model,
          .number = entry.version,
          .source = entry.source,
          .run_id = entry.run_id,
          .model_id = entry.model_id,
          .run_link = entry.run_link,
          .description = entry.description,
          .stage = entry.stage,
          .status = "READY",
          .author = entry.author,
          .storage = entry.storage,
          .created = entry.created_at / kMicros,
          .updated = entry.updated_at / kMicros,
          .tags = entry.tags};
}

Result<std::optional<Project>> project_of(const std::function<Result<Project>()>& project) {
  auto found = project();
  if (found) return std::optional(std::move(*found));
  if (found.error().code() == Code::not_found) return std::optional<Project>();
  return std::move(found).error();
}

}  // namespace millrace::exchange
