#include "registry/models/version_end.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/hash.h"
#include "registry/requests/moves.h"
#include "track/frozen.h"
#include "track/names.h"

namespace millrace::registry {
namespace {

constexpr size_t kDescriptionCharacters = 100'000;

}  // namespace

Result<void> end_version(store::Session& session, const Caller& caller, const VersionEntry& version, Micros now) {
  MILLRACE_TRY(const auto labels, session.query("SELECT alias FROM model_aliases WHERE workspace = ? AND model = ? AND "
                                                "version = ? ORDER BY alias",
                                                {caller.workspace, version.model, version.version}));
  const auto why = fmt::format("{} was deleted", model_node(version.model, version.version));
  for (const auto& row : labels)
    MILLRACE_DO(put_label(session, caller, {.model = version.model, .name = row.text(0), .version = 0},
                          {.why = why, .request = {}, .restores = 0, .at = now}));
  MILLRACE_TRY(const auto rows,
               session.execute("UPDATE model_versions SET deleted_at = ?, updated_at = ?, description = '', identity = "
                               "identity || '#' || version WHERE workspace = ? AND model = ? AND version = ?",
                               {now, now, caller.workspace, version.model, version.version}));
  (void)rows;
  MILLRACE_DO(track::thaw(session, caller.workspace, model_node(version.model, version.version)));
  return {};
}

Json tag_change(const std::vector<track::KeyValue>& before, const track::KeyValue& after) {
  const auto found = std::find_if(before.begin(), before.end(), [&](const auto& tag) { return tag.key == after.key; });
  const auto digest = [](const std::string& value) { return value.empty() ? std::string() : digest_of(value); };
  return {{"key", after.key},
          {"before", found == before.end() ? std::string() : digest(found->value)},
          {"after", digest(after.value)}};
}

Result<void> check_description(const std::string& description) {
  const auto length = track::characters_in(description);
  if (length <= kDescriptionCharacters) return {};
  return Error{Code::invalid, fmt::format("description had length {}, which exceeded length limit of {}", length,
                                          kDescriptionCharacters)};
}

}  // namespace millrace::registry
