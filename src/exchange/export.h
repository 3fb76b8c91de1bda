// Gives what tracking holds back as a store that MLflow's own package opens: a folder with a SQLite database
// (mlflow.db, the schema of MLflow 3.17) and the artifacts. Ids, times and states stay; after a crash it goes on where
// it was.
#pragma once
#include <string>

#include "core/json.h"
#include "jobs/jobs.h"
#include "track/tracking.h"

namespace millrace::exchange {

struct ExportOptions {
  std::string target;     // an absolute path: a new folder, or one that an earlier export began
  bool artifacts = true;  // copied, or left out
};
Result<ExportOptions> read_export(const Json& body);

inline constexpr std::string_view kExportJob = "exchange.export";

// The work of a job. The store is read again at the end and compared: the answer is a report as import_mlflow() gives,
// whose "source" is this server and whose "here" is the new store. `conflict` when the folder holds something else.
Result<Json> export_mlflow(track::Tracking& tracking, jobs::Running& running, const ExportOptions& options);

}  // namespace millrace::exchange
