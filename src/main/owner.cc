#include "main/owner.h"

#include <cstdlib>
#include <functional>

#include <unistd.h>

#include <fmt/format.h>

#include "api/grpc/server.h"
#include "api/idempotency.h"
#include "api/mlflow/routes.h"
#include "api/oip/routes.h"
#include "api/scoring/routes.h"
#include "api/server.h"
#include "api/sessions.h"
#include "api/sign_in_limit.h"
#include "api/status.h"
#include "api/ui/routes.h"
#include "core/files.h"
#include "core/project.h"
#include "evaluation/datasets.h"
#include "exchange/export.h"
#include "exchange/import.h"
#include "jobs/jobs.h"
#include "main/blob_place.h"
#include "main/follower.h"
#include "main/join_report.h"
#include "main/join_webhooks.h"
#include "main/keeper.h"
#include "main/model_processes.h"
#include "main/monitoring.h"
#include "main/store_place.h"
#include "registry/signing/signatures.h"
#include "store/blobs.h"
#include "store/open.h"
#include "traces/traces.h"
#include "track/gc/collect.h"
#include "track/points/seal_old.h"
#include "track/tracking.h"

namespace millrace {
namespace {

constexpr Micros kDrainTime = 10'000'000;

Result<void> make_state(const std::string& state) {
  for (const char* part : {"", "/tmp", "/work", "/artifacts", "/serving", "/predictions"})
    MILLRACE_DO(make_folders(state + part));
  MILLRACE_DO(remove_tree(state + "/tmp"));  // what a dead owner left half-done
  return make_folders(state + "/tmp");
}

// Refuses to be reachable from outside while nobody can prove who they are.
Result<void> check_bind(const std::string& http, const api::Tokens& tokens) {
  if (http.empty()) return {};
  MILLRACE_TRY(const auto where, api::parse_host_port(http));
  if (where.loopback) return {};
  MILLRACE_TRY(const bool any, tokens.any());
  if (any) return {};
  return Error{Code::denied, fmt::format("{} can be reached from other machines, and there are no tokens yet", http)}
      .hint("make one first: millrace token create --subject NAME --role admin");
}

}  // namespace

// In the order in which they are built; destroyed the other way round.
struct Owner::Parts {
  LockFile lock;
  std::unique_ptr<store::Database> database;
  std::unique_ptr<store::Blobs> blobs;
  std::unique_ptr<lineage::Journal> journal;
  std::unique_ptr<api::Tokens> tokens;
  std::unique_ptr<api::Sessions> sessions;
  std::unique_ptr<api::SignInLimit> sign_ins;
  std::unique_ptr<api::Changes> changes;
  std::unique_ptr<api::Views> views;
  std::unique_ptr<data::Datasets> datasets;
  std::unique_ptr<track::Tracking> tracking;
  std::unique_ptr<track::Collector> collector;
  std::unique_ptr<traces::Traces> traces;
  std::unique_ptr<evaluation::Datasets> evaluation;
  std::unique_ptr<track::OldPoints> old_points;
  std::unique_ptr<pipeline::Pipelines> pipelines;
  std::unique_ptr<registry::Registry> registry;
  std::unique_ptr<serve::DataPlane> data_plane;
  std::unique_ptr<WebhookServices> webhooks;
  std::unique_ptr<exchange::Passwords> passwords = std::make_unique<exchange::Passwords>();
  std::unique_ptr<jobs::Jobs> jobs;
  std::unique_ptr<Monitoring> monitoring;
  std::unique_ptr<Keeper> keeper;
  std::unique_ptr<Follower> follower;
  std::unique_ptr<ReportServices> report;
  std::unique_ptr<api::Health> health;
  std::unique_ptr<api::native::Services> native;
  std::unique_ptr<api::ui::Files> ui;
  std::unique_ptr<api::Idempotency> idempotency;
  std::unique_ptr<api::Dispatcher> dispatcher;
  std::unique_ptr<cli::Gateway> gateway;
  std::unique_ptr<api::Server> server;
  std::unique_ptr<api::rpc::Server> grpc;  // null: off
};

namespace {

// As millrace.yaml says now; in_process for a deployment that it does not have.
std::function<serve::process::Isolation(const std::string&)> isolation_in(
    const std::function<Result<Project>()>& project) {
  return [project](const std::string& name) {
    const auto now = project();
    const auto deployments = now ? registry::read_deployments(*now) : Result<std::vector<registry::DeploymentSpec>>({});
    for (const auto& each : deployments ? *deployments : std::vector<registry::DeploymentSpec>())
      if (each.name == name)
        return serve::process::find_isolation(each.isolation).value_or(serve::process::Isolation::in_process);
    return serve::process::Isolation::in_process;
  };
}

std::string environment_path() {
  const char* path = std::getenv("PATH");
  return path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
}

}  // namespace

Owner::Owner(OwnerOptions options, std::unique_ptr<Parts> parts)
    : options_(std::move(options)), parts_(std::move(parts)) {}
Owner::~Owner() { drain(); }

Result<std::unique_ptr<Owner>> Owner::open(const OwnerOptions& options, engine::Engines& engines, Context& context) {
  const auto& state = options.state;
  MILLRACE_DO(make_folders(state));
  MILLRACE_TRY(auto lock, LockFile::take(state + "/lock", fmt::format("process {}", ::getpid())));
  MILLRACE_DO(make_state(state));
  auto parts = std::make_unique<Parts>(Parts{.lock = std::move(lock)});
  auto& p = *parts;
  MILLRACE_TRY(auto opened, open_store(options.store, options.project, state, context));
  p.database = std::move(opened.database);
  MILLRACE_TRY(const auto blobs, blob_place(state, options.blobs));
  MILLRACE_TRY(p.blobs, store::open_file_blobs(blobs.folder, context));
  p.journal = std::make_unique<lineage::Journal>(*p.database, context, opened.writer, state + "/audit.head");
  p.tokens = std::make_unique<api::Tokens>(*p.database, *p.journal, context);
  p.sessions = std::make_unique<api::Sessions>(*p.database, *p.journal, context, *p.tokens);
  p.sign_ins = std::make_unique<api::SignInLimit>(context.clock);
  p.changes = std::make_unique<api::Changes>(*p.database, context);
  p.views = std::make_unique<api::Views>(*p.database, *p.journal, context);
  MILLRACE_DO(check_bind(options.http, *p.tokens));
  MILLRACE_DO(check_bind(options.grpc, *p.tokens));
  const auto temp = state + "/tmp";
  p.datasets = std::make_unique<data::Datasets>(*p.database, *p.blobs, *p.journal, context, engines, temp);
  auto artifacts = options.artifacts;
  artifacts.shared = store::is_postgres(opened.place);
  MILLRACE_TRY(auto places, open_artifact_places(state, artifacts, context));
  p.tracking = std::make_unique<track::Tracking>(*p.database, *p.journal, context, std::move(places));
  MILLRACE_DO(p.tracking->forget_writing());
  p.collector = std::make_unique<track::Collector>(track::Collector::Parts{
      *p.database, *p.journal, context, *p.tracking, *p.blobs, opened.writer,
      [&p](const Caller& caller, const std::string& kind, const std::string& id) -> Result<void> {
        MILLRACE_DO(p.traces->forget(caller, kind, id));
        return kind == "experiment" ? p.evaluation->forget_experiment(caller, id) : Result<void>{};
      }});
  p.old_points = std::make_unique<track::OldPoints>(*p.database, *p.journal, context);
  p.pipelines = std::make_unique<pipeline::Pipelines>(
      pipeline::Parts{*p.database, *p.blobs, *p.journal, context, engines, *p.datasets, *p.tracking, state + "/work",
                      environment_path(), library_folder() + "/libduckdb.so"});
  p.registry = std::make_unique<registry::Registry>(registry::Parts{*p.database, *p.blobs, *p.journal, context, engines,
                                                                    *p.datasets, *p.pipelines, *p.tracking,
                                                                    state + "/serving", temp});
  const auto project = [folder = options.project]() -> Result<Project> {
    if (folder.empty())
      return Error{Code::not_found, "the server runs without a project"}.hint("start it with --project DIR");
    return load_project(folder);
  };
  // Trust first: the data plane loads nothing that the project does not want.
  const auto trust = [project, serving = state + "/serving"]() -> Result<void> {
    const auto now = project();
    if (!now) return now.error().code() == Code::not_found ? Result<void>() : Result<void>(now.error());
    return registry::install_trust(*now, serving);
  };
  MILLRACE_DO(trust());
  if (auto served = p.registry->reconcile(); !served) {
    if (!store::is_postgres(opened.place)) return std::move(served).error();
    // Another server released it and has its files: it serves there.
    context.log.warn("release_not_served_here", {{"error", served.error().text()}});
  }
  MILLRACE_TRY(p.data_plane, serve::DataPlane::open({.serving_folder = state + "/serving",
                                                     .log_folder = state + "/predictions",
                                                     .log_sync = options.log_sync,
                                                     .batching = options.batching,
                                                     .processes = model_processes(options.model_times),
                                                     .notes_folder = state + "/tried",
                                                     .isolation_of = isolation_in(project)},
                                                    engines, context));
  p.registry->check_release = [trust,
                               plane = p.data_plane.get()](const registry::ReleaseSnapshot& snapshot) -> Result<void> {
    MILLRACE_DO(trust());
    return plane->check(snapshot);
  };
  p.registry->on_release = [plane = p.data_plane.get()](const std::string& deployment) {
    return plane->reload(deployment);
  };
  p.jobs = std::make_unique<jobs::Jobs>(*p.database, *p.journal, context);

  if (!options.project.empty())
    if (auto good = project(); !good) return std::move(good).error();
  const auto http_address = [&p] { return p.server ? p.server->address() : std::string(); };
  p.monitoring = std::make_unique<Monitoring>(Monitoring::Parts{
      *p.database, *p.blobs, *p.journal, context, engines, *p.datasets, *p.pipelines, *p.registry, *p.data_plane,
      *p.jobs, project, http_address, state + "/predictions", temp, state + "/serving"});
  auto& watching = *p.monitoring;
  p.report = join_report({*p.database, context, *p.datasets, *p.pipelines, *p.registry, *p.journal, *p.data_plane,
                          *watching.windows, *watching.alerts, *watching.reviews});
  const bool shared = store::is_postgres(opened.place);
  p.health = std::make_unique<api::Health>(api::HealthParts{
      *p.database, *p.data_plane, context, state, blobs.folder, shared ? "" : opened.place, shared && blobs.shared,
      http_address, [&p] { return p.grpc ? p.grpc->address() : std::string(); }});
  const auto metrics_text = [&p] {
    return p.dispatcher->metrics_text() + p.data_plane->metrics_text() + p.monitoring->metrics_text() +
           (p.grpc ? p.grpc->metrics_text() : "");
  };
  p.native = std::make_unique<api::native::Services>(
      api::native::Services{context,
                            *p.database,
                            *p.blobs,
                            *p.journal,
                            *p.jobs,
                            *p.tokens,
                            *p.datasets,
                            *p.pipelines,
                            *p.registry,
                            *p.data_plane,
                            *watching.alerts,
                            *watching.reviews,
                            *watching.tracer,
                            project,
                            http_address,
                            metrics_text,
                            p.report->impact,
                            p.report->sources,
                            *watching.windows,
                            *watching.feedback,
                            *watching.looks,
                            *p.collector,
                            *p.passwords,
                            *watching.rollouts,
                            engines,
                            *watching.cases,
                            {*p.sessions, *p.sign_ins, *p.changes, *p.views, *p.health}});
  api::Routes routes = api::native::routes(*p.native);
  p.traces = std::make_unique<traces::Traces>(*p.database, *p.journal, context, *p.tracking);
  p.evaluation = std::make_unique<evaluation::Datasets>(*p.database, *p.journal, context, *p.tracking);
  MILLRACE_TRY(p.webhooks, join_webhooks(*p.database, *p.journal, context, *p.registry, state));
  api::mlflow::Services mlflow{*p.tracking, *p.registry, project};
  mlflow.traces = p.traces.get();
  mlflow.evaluation = p.evaluation.get();
  mlflow.webhooks = p.webhooks->webhooks.get();
  for (auto& route : api::mlflow::routes(mlflow)) routes.push_back(std::move(route));
  for (auto& route : api::oip::routes(*p.data_plane)) routes.push_back(std::move(route));
  for (auto& route : api::scoring::routes(*p.data_plane, false)) routes.push_back(std::move(route));
  p.ui = api::ui::embedded_files();
  if (!options.ui_dir.empty()) {
    MILLRACE_TRY(p.ui, api::ui::files_in(options.ui_dir));
  }
  for (auto& route : api::ui::routes(*p.ui, context)) routes.push_back(std::move(route));
  p.idempotency = std::make_unique<api::Idempotency>(*p.database);
  p.dispatcher =
      std::make_unique<api::Dispatcher>(api::Router(std::move(routes)), *p.sessions, context, p.idempotency.get());
  p.gateway = local_gateway(*p.dispatcher);

  p.jobs->add(std::string(pipeline::kJobKind), [&p, project](jobs::Running& running) -> Result<Json> {
    MILLRACE_TRY(const auto now, project());
    MILLRACE_TRY(const auto overrides, pipeline::read_overrides(running.job().payload));
    MILLRACE_TRY(const auto pipeline, pipeline::read_pipeline(now, overrides));
    const auto address = p.server->address();
    return p.pipelines->work(running, pipeline, {.tracking_uri = address.empty() ? "" : "http://" + address});
  });
  p.jobs->add("predictions.seal", [&p](jobs::Running& running) {
    return p.data_plane->seal(string_or(running.job().payload, "deployment", ""));
  });

  p.jobs->add("metrics.seal", [&p](jobs::Running& running) -> Result<Json> {
    MILLRACE_TRY(const auto steps, p.old_points->seal([&] { return running.cancelled(); }));
    return Json{{"steps", steps}};
  });
  p.jobs->add(std::string(exchange::kImportJob), [&p, &context, project, temp](jobs::Running& running) -> Result<Json> {
    MILLRACE_TRY(auto options, exchange::read_import(running.job().payload));
    if (const auto ticket = string_or(running.job().payload, "password_ticket", ""); !ticket.empty()) {
      MILLRACE_TRY(options.password, p.passwords->take(ticket));
    }
    return exchange::import_mlflow({*p.database, *p.journal, context, *p.tracking, *p.registry, project, temp}, running,
                                   options);
  });
  p.jobs->add(std::string(exchange::kExportJob), [&p, project](jobs::Running& running) -> Result<Json> {
    MILLRACE_TRY(const auto options, exchange::read_export(running.job().payload));
    return exchange::export_mlflow({*p.tracking, *p.registry, project}, running, options);
  });

  if (!options.grpc.empty()) {
    MILLRACE_TRY(p.grpc, api::rpc::Server::start({.address = options.grpc,
                                                  .local_subject = local_subject(),
                                                  .require_login = options.require_login,
                                                  .listening = options.held.grpc},
                                                 {*p.data_plane, *p.dispatcher, context}));
  }
  MILLRACE_TRY(p.server, api::Server::start({.tcp = options.http,
                                             .listening = options.held.http,
                                             .unix_socket = state + "/server.sock",
                                             .temp_folder = temp,
                                             .local_subject = local_subject(),
                                             .require_login = options.require_login},
                                            *p.dispatcher));
  MILLRACE_DO(p.jobs->free_leases());
  MILLRACE_DO(p.jobs->start(2));
  p.webhooks->delivery->start(2);
  MILLRACE_DO(p.monitoring->recover());
  if (blobs.shared && store::is_postgres(opened.place)) {
    p.follower = std::make_unique<Follower>(*p.registry, context);
    MILLRACE_TRY(auto evidence, monitor::SharedEvidence::open(state + "/server_id", *p.database, *p.registry, context));
    p.monitoring->rollouts->share(std::move(evidence));
  }
  p.monitoring->rollouts->start();
  p.keeper = std::make_unique<Keeper>(*p.journal, *p.sessions, context, [&p, &context] {
    const Caller self{.subject = "millrace", .roles = {"admin"}, .via = "job", .request_id = context.uuid()};
    for (const auto& model : p.data_plane->models()) {
      auto job = p.jobs->submit(
          self,
          {.kind = "predictions.seal", .key = model.name, .payload = {{"deployment", model.name}}, .max_attempts = 3});
      if (!job) context.log.warn("seal_not_submitted", {{"deployment", model.name}, {"error", job.error().text()}});
    }
    p.monitoring->ask_for_looks(self);
    if (const auto any = p.old_points->any(); any && *any)
      if (auto job = p.jobs->submit(self, {.kind = "metrics.seal", .key = "all", .max_attempts = 3}); !job)
        context.log.warn("sealing_not_submitted", {{"error", job.error().text()}});
    if (auto expired = p.tracking->expire_uploads(); !expired)
      context.log.warn("uploads_not_expired", {{"error", expired.error().text()}});
  });
  return std::unique_ptr<Owner>(new Owner(options, std::move(parts)));
}

std::string Owner::http_address() const { return parts_->server->address(); }
std::string Owner::grpc_address() const { return parts_->grpc ? parts_->grpc->address() : ""; }
cli::Gateway& Owner::gateway() { return *parts_->gateway; }

void Owner::drain() {
  if (parts_->changes) parts_->changes->stop();
  if (parts_->grpc) parts_->grpc->drain(kDrainTime);
  if (parts_->server) parts_->server->drain(kDrainTime);
  if (parts_->monitoring) parts_->monitoring->rollouts->stop();
  if (parts_->monitoring) parts_->monitoring->opener->stop();
  if (parts_->jobs) parts_->jobs->stop();
  if (parts_->webhooks) parts_->webhooks->delivery->stop();
}

}  // namespace millrace
