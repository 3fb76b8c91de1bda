#include <cstdlib>

#include <fmt/format.h>

#include "cli/exchange/exchange_report.h"
#include "cli/follow.h"
#include "cli/host.h"
#include "core/files.h"

namespace millrace::cli {
namespace {

// The server may stand in another folder than we do.
std::string from_here(const std::string& source) {
  constexpr std::string_view sqlite = "sqlite:///";
  if (source.starts_with(sqlite)) return std::string(sqlite) + absolute(source.substr(sqlite.size()));
  const auto colon = source.find(':');
  const bool is_uri = colon != std::string::npos && source.substr(0, colon).find('/') == std::string::npos;
  return is_uri ? source : absolute(source);
}

Result<int> import_mlflow(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  Json body{{"source", from_here(in.args.get("SOURCE"))}, {"dry_run", in.args.has("--dry-run")}};
  for (const auto& [option, key] : {std::pair("--artifacts", "artifacts"), std::pair("--on-clash", "on_clash"),
                                    std::pair("--source-workspace", "source_workspace")})
    if (in.args.has(option)) body[key] = in.args.get(option);
  // The server has another environment than we do; libpq reads the same variable.
  const char* password = std::getenv("PGPASSWORD");
  if (in.args.get("SOURCE").starts_with("postgres") && password != nullptr && *password != '\0')
    body["password"] = password;
  for (const auto& root : in.args.all("--artifact-root")) body["artifact_roots"].push_back(absolute(root));
  MILLRACE_TRY(const auto job, gateway->call("POST", address({"imports"}), body));
  MILLRACE_TRY(const auto done, follow_job(in, *gateway, string_or(job, "id", "")));
  const auto& report = done.at("result");
  in.show(report, exchange_lines(report, "source", "here"));
  return report.value("ok", false) ? 0 : 1;
}

}  // namespace

std::vector<Command> import_commands() {
  return {
      {.name = "import mlflow",
       .summary = "take over an MLflow store: runs, metrics, datasets, models, artifacts; again: only what is new",
       .positionals = {{"SOURCE", "a SQLite database (file or sqlite:///FILE), postgresql://..., or a folder mlruns"}},
       .options = {{.name = "--artifacts",
                    .value = "copy|reference|none",
                    .summary = "copy the files (default), leave them where they are, or neither"},
                   {.name = "--artifact-root",
                    .value = "DIR",
                    .summary = "a folder besides the source's own from which artifacts may be read",
                    .many = true},
                   {.name = "--on-clash",
                    .value = "merge|refuse",
                    .summary = "when an experiment of this name is here: put the runs into it (default), or not"},
                   {.name = "--source-workspace", .value = "NAME", .summary = "of a source that has workspaces"},
                   {.name = "--dry-run", .value = "", .summary = "count, and change nothing"}},
       .run = import_mlflow}};
}

}  // namespace millrace::cli
