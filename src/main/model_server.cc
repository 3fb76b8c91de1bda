#include "main/model_server.h"

#include <filesystem>

#include "api/grpc/server.h"
#include "api/native/reply.h"
#include "api/oip/routes.h"
#include "api/scoring/routes.h"
#include "api/server.h"
#include "api/token_file.h"
#include "main/model_files.h"
#include "main/model_processes.h"
#include "main/owner.h"
#include "serve/data_plane.h"

namespace millrace {
namespace {

// There is no token table without a state folder.
class NoTokens final : public api::Authenticator {
 public:
  Result<Caller> of_token(const std::string&, std::string_view) const override {
    return Error{Code::unauthenticated, "this server knows no tokens"}.hint("call it without one, from this machine");
  }
};

Result<void> check_bind(const std::string& address, const std::string& token_file) {
  MILLRACE_TRY(const auto where, api::parse_host_port(address));
  if (where.loopback || !token_file.empty()) return {};
  return Error{Code::denied, address + " can be reached from other machines, and there are no tokens"}.hint(
      "listen on 127.0.0.1, or say who may ask with --token-file");
}

Result<std::unique_ptr<api::Authenticator>> read_tokens(const std::string& file) {
  if (file.empty()) return std::unique_ptr<api::Authenticator>(std::make_unique<NoTokens>());
  auto read = api::TokenFile::load(file);
  if (!read) return std::move(read).error().while_doing("reading --token-file");
  return std::unique_ptr<api::Authenticator>(std::make_unique<api::TokenFile>(std::move(*read)));
}

}  // namespace

struct ModelServer::Parts {
  std::unique_ptr<api::Authenticator> tokens;
  std::unique_ptr<serve::DataPlane> data_plane;
  std::unique_ptr<api::Dispatcher> dispatcher;
  std::unique_ptr<api::Server> server;
  std::unique_ptr<api::rpc::Server> grpc;  // null: off
};

ModelServer::ModelServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ModelServer::~ModelServer() { drain(); }

Result<std::unique_ptr<ModelServer>> ModelServer::start(const cli::ServeOptions& options, HeldSockets held,
                                                        engine::Engines& engines, Context& context) {
  MILLRACE_DO(check_bind(options.http, options.token_file));
  if (!options.grpc.empty()) MILLRACE_DO(check_bind(options.grpc, options.token_file));
  const auto guard = serve::find_guard_mode(options.guard);
  if (!guard)
    return Error{Code::invalid, "there is no guard '" + options.guard + "'"}.at_field("--guard").hint(
        "reject, clamp or flag");
  MILLRACE_TRY(const auto isolation, serve::process::read_isolation(options.isolation, "--isolation"));
  auto parts = std::make_unique<Parts>();
  auto& p = *parts;
  MILLRACE_TRY(p.tokens, read_tokens(options.token_file));
  auto models = options.models;
  for (auto& [name, file] : models) {
    MILLRACE_TRY(file, model_file_in(file));
  }
  MILLRACE_TRY(p.data_plane,
               serve::DataPlane::open({.log_folder = options.log_folder,
                                       .log_sync = options.log_sync,
                                       .models = std::move(models),
                                       .contract = options.contract,
                                       .guard = *guard,
                                       .runtime = options.runtime,
                                       .batching = options.batching,
                                       .queue = options.queue,
                                       .processes = model_processes(options.model_times),
                                       .isolation_of = [isolation](const std::string&) { return isolation; }},
                                      engines, context));
  api::Routes routes = api::oip::routes(*p.data_plane);
  for (auto& route : api::scoring::routes(*p.data_plane, true)) routes.push_back(std::move(route));
  routes.push_back({"GET", "/health", api::Permission::open, api::native::kNoBody, "none", api::Run::inline_,
                    [](api::Request&) { return api::Reply::text("OK"); }, "The process is up."});
  routes.push_back({"GET", "/metrics", api::Permission::read, api::native::kNoBody, "none", api::Run::worker,
                    [&p](api::Request&) {
                      return api::Reply::text(p.dispatcher->metrics_text() + p.data_plane->metrics_text() +
                                              (p.grpc ? p.grpc->metrics_text() : ""));
                    },
                    "Counters in Prometheus' text format."});
  p.dispatcher = std::make_unique<api::Dispatcher>(api::Router(std::move(routes)), *p.tokens, context);
  if (!options.grpc.empty()) {
    MILLRACE_TRY(p.grpc, api::rpc::Server::start(
                             {.address = options.grpc, .local_subject = local_subject(), .listening = held.grpc},
                             {*p.data_plane, *p.dispatcher, context}));
  }
  std::error_code ignored;
  MILLRACE_TRY(p.server, api::Server::start({.tcp = options.http,
                                             .listening = held.http,
                                             .temp_folder = std::filesystem::temp_directory_path(ignored).string(),
                                             .local_subject = local_subject()},
                                            *p.dispatcher));
  return std::unique_ptr<ModelServer>(new ModelServer(std::move(parts)));
}

std::string ModelServer::address() const { return parts_->server->address(); }

std::string ModelServer::grpc_address() const { return parts_->grpc ? parts_->grpc->address() : ""; }

void ModelServer::drain() {
  if (parts_->grpc) parts_->grpc->drain(10'000'000);
  parts_->server->drain(10'000'000);
}

}  // namespace millrace
