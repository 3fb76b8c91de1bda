#include "cli/host.h"
#include "cli/model_times.h"

namespace millrace::cli {
namespace {

Result<int> up(Invocation& in) {
  UpOptions options;
  options.project = in.project_folder();
  MILLRACE_TRY(options.state, in.state_folder());
  options.http = in.args.get("--http", options.http);
  options.grpc = in.args.get("--grpc");
  options.log_sync = in.args.get("--log-sync", options.log_sync);
  options.batching = in.args.get("--batching", options.batching);
  options.store = in.args.get("--store");
  options.blobs = in.args.get("--blobs");
  options.artifacts = in.args.get("--artifacts");
  options.artifact_root = in.args.get("--artifact-root");
  options.ui_dir = in.args.get("--ui-dir");
  options.require_login = in.args.has("--require-login");
  MILLRACE_TRY(options.model_times, read_model_times(in.args));
  return in.host.up(options);
}

}  // namespace

std::vector<Command> up_commands() {
  return {{.name = "up",
           .summary = "start the server: every API of the project, until SIGTERM or Ctrl-C",
           .positionals = {},
           .options =
               {{.name = "--http",
                 .value = "HOST:PORT",
                 .summary = "where to listen (default 127.0.0.1:8080; port 0 = a free one)"},
                {.name = "--grpc",
                 .value = "HOST:PORT",
                 .summary = "serve the Open Inference Protocol over gRPC too, there (off by default; port 0 = a free "
                            "one)"},
                {.name = "--artifacts",
                 .value = "DIR|s3://...",
                 .summary = "where artifacts are kept (default: as the last time, at first STATE/artifacts)"},
                {.name = "--artifact-root",
                 .value = "URI",
                 .summary = "where new experiments' clients put them: mlflow-artifacts:/ (this server, default) or "
                            "s3://BUCKET/PREFIX (there, by themselves)"},
                {.name = "--blobs",
                 .value = "DIR",
                 .summary = "keep models, datasets and contracts there (default: STATE/blobs); servers that share it "
                            "and --store serve each other's releases"},
                {.name = "--log-sync", .value = "MODE", .summary = "prediction log: 50ms (default) or strict"},
                {.name = "--store",
                 .value = "URL",
                 .summary = "keep the metadata in PostgreSQL: postgresql://USER@HOST/DATABASE (default: "
                            "MILLRACE_STORE, then store: in millrace.yaml, then the state folder)"},
                {.name = "--require-login",
                 .value = "",
                 .summary = "this machine's user needs a token too (for a server behind a proxy)"},
                {.name = "--ui-dir",
                 .value = "DIR",
                 .summary = "serve the web UI from there, while it is being written (default: the one in the program)"},
                batching(),
                trial_seconds(),
                answer_seconds(),
                supervise()},
           .run = up}};
}

}  // namespace millrace::cli
