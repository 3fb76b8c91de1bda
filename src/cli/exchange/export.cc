#include "cli/exchange/exchange_report.h"
#include "cli/follow.h"
#include "cli/host.h"
#include "core/files.h"

namespace millrace::cli {
namespace {

Result<int> export_mlflow(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  Json body{{"target", absolute(in.args.get("FOLDER"))}};
  if (in.args.has("--artifacts")) body["artifacts"] = in.args.get("--artifacts");
  if (in.args.has("--format")) body["format"] = in.args.get("--format");
  MILLRACE_TRY(const auto job, gateway->call("POST", address({"exports"}), body));
  MILLRACE_TRY(const auto done, follow_job(in, *gateway, string_or(job, "id", "")));
  const auto& report = done.at("result");
  in.show(report, exchange_lines(report, "here", "written"));
  return report.value("ok", false) ? 0 : 1;
}

}  // namespace

std::vector<Command> export_commands() {
  return {{.name = "export mlflow",
           .summary = "give it back as a store that MLflow opens: FOLDER/mlflow.db and the artifacts, or FOLDER/mlruns",
           .positionals = {{"FOLDER", "a new folder, or one that an earlier export began"}},
           .options = {{.name = "--format",
                        .value = "sqlite|mlruns",
                        .summary = "a database (default), or a folder of MLflow's file store"},
                       {.name = "--artifacts", .value = "copy|none", .summary = "copy the files (default), or not"}},
           .run = export_mlflow}};
}

}  // namespace millrace::cli
