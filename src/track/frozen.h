// What registered model versions stand on is read-only: their run once it has ended, their logged model, and the files
// below their source. The registry says what in the transaction that makes a version; every writer here asks before it
// writes. Refusals are `conflict` and name the version.
#pragma once
#include <string>
#include <string_view>

#include "core/result.h"
#include "store/database.h"
#include "track/entities.h"

namespace millrace::track {

enum class Frozen { run, model, files };

// `id`: a run's or a logged model's id, or a folder of the artifacts without a last slash. `node` is the version.
Result<void> freeze(store::Session& session, const std::string& workspace, Frozen kind, const std::string& id,
                    const std::string& node);
Result<void> thaw(store::Session& session, const std::string& workspace, const std::string& node);
Result<void> rename_frozen(store::Session& session, const std::string& workspace, const std::string& from,
                           const std::string& to);

// A run that has not ended may still log: clients register models in the middle of runs.
Result<void> check_not_frozen(store::Session& session, const std::string& workspace, const RunInfo& run);
Result<void> check_not_frozen(store::Session& session, const std::string& workspace, const LoggedModel& model);
// Marking as deleted is refused for running ones, too.
Result<void> check_run_deletable(store::Session& session, const std::string& workspace, const std::string& run);
Result<void> check_experiment_deletable(store::Session& session, const std::string& workspace, const std::string& id);
// A file is frozen with the folder above it; `whole` also asks whether anything frozen lies below (before a folder is
// removed).
enum class Below { alone, whole };
Result<void> check_path_open(store::Session& session, const std::string& workspace, const std::string& path,
                             Below below);

// Tags that clients set of themselves, also after a run's end. They say nothing of what the run did.
bool is_housekeeping(std::string_view tag);

}  // namespace millrace::track
