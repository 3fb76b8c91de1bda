// Gives what tracking and the registry hold back as a store that MLflow's own package opens: a folder with a SQLite
// database (mlflow.db, the schema of MLflow 3.17) and the artifacts, or with a folder of its file store (mlruns). Ids,
// times and states stay; after a crash it goes on where it was.
#pragma once
#include <functional>
#include <string>

#include "core/json.h"
#include "core/project.h"
#include "jobs/jobs.h"
#include "registry/registry.h"
#include "track/tracking.h"

namespace millrace::exchange {

enum class Format { database, mlruns };

struct ExportOptions {
  std::string target;     // an absolute path: a new folder, or one that an earlier export began
  bool artifacts = true;  // copied, or left out
  Format format = Format::database;
};
Result<ExportOptions> read_export(const Json& body);

struct ExportParts {
  track::Tracking& tracking;
  registry::Registry& registry;
  std::function<Result<Project>()> project;  // not_found when the server runs without one
};

inline constexpr std::string_view kExportJob = "exchange.export";

// The work of a job. The store is read again at the end and compared: the answer is a report as import_mlflow() gives,
// whose "source" is this server and whose "here" is the new store. `conflict` when the folder holds something else.
// Things that a file store cannot hold are refused, each with its reason.
Result<Json> export_mlflow(const ExportParts& parts, jobs::Running& running, const ExportOptions& options);

}  // namespace millrace::exchange
