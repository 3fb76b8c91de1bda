// Takes over what an MLflow tracking server holds: experiments, runs with their whole history, datasets, logged models,
// registered models with their versions. Ids, times and states stay; what was taken before is not taken again; after a
// crash it goes on where it was.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/caller.h"
#include "core/context.h"
#include "core/json.h"
#include "core/project.h"
#include "jobs/jobs.h"
#include "lineage/journal.h"
#include "registry/registry.h"
#include "store/database.h"
#include "track/tracking.h"

namespace millrace::exchange {

enum class Artifacts { copy, reference, none };

struct ImportOptions {
  std::string source;                        // see open_source()
  std::string password;                      // of a PostgreSQL source, held beside the job; never written
  std::string source_workspace = "default";  // of a source that has some
  Artifacts artifacts = Artifacts::copy;
  std::vector<std::string> artifact_roots;  // folders that may be read besides the source's own
  bool refuse_clash = false;                // an experiment's name that is taken here ends it; else the two are merged
  bool dry_run = false;                     // count only
};
// From a request; unknown keys and values are `invalid`, and so is a source with a password in it.
Result<ImportOptions> read_import(const Json& body);
// Takes the password out of a request: out of "source" and "password". "" = there is none.
Result<std::string> take_password(Json& body);

struct ImportParts {
  store::Database& database;
  lineage::Journal& journal;
  Context& context;
  track::Tracking& tracking;
  registry::Registry& registry;
  std::function<Result<Project>()> project;  // not_found when the server runs without one
  std::string temp_folder;
};

inline constexpr std::string_view kImportJob = "exchange.import";

// The work of a job. Answers a report: what each side counts, the digest over all on each side, what was refused and
// what differs, in "items", "digest", "refused", "differences", and "ok". A refused thing does not hold up the others.
Result<Json> import_mlflow(const ImportParts& parts, jobs::Running& running, const ImportOptions& options);

}  // namespace millrace::exchange
