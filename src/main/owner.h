// Everything that runs while this process owns a state folder. Concrete types are named here and nowhere else.
#pragma once
#include <memory>
#include <string>

#include "api/dispatch.h"
#include "api/native/routes.h"
#include "cli/host.h"
#include "core/context.h"
#include "engine/engine.h"
#include "main/artifact_places.h"
#include "main/supervisor.h"

namespace millrace {

struct OwnerOptions {
  std::string project;    // folder, "" = none
  std::string state;      // folder, made when missing
  std::string http;       // HOST:PORT
  std::string grpc = {};  // HOST:PORT, "" = off
  HeldSockets held = {};  // that listen there already
  std::string log_sync = "50ms";
  std::string batching = "exact";
  std::string store;       // URL of PostgreSQL; "" = as MILLRACE_STORE or the project say, else the state folder itself
  std::string blobs = {};  // blob_place.h
  ArtifactOptions artifacts = {};
  cli::ModelTimes model_times = {};
  std::string ui_dir = {};  // "" = the UI in the program
  bool require_login = false;
};

class Owner {
 public:
  // Takes the state folder's lock (conflict when somebody has it), opens or makes its contents, listens, starts the
  // jobs.
  static Result<std::unique_ptr<Owner>> open(const OwnerOptions& options, engine::Engines& engines, Context& context);
  ~Owner();

  const std::string& state() const { return options_.state; }
  std::string http_address() const;
  std::string grpc_address() const;  // "" = off
  cli::Gateway& gateway();
  void drain();  // finishes what is under way; nothing new is taken

 private:
  struct Parts;
  Owner(OwnerOptions options, std::unique_ptr<Parts> parts);
  OwnerOptions options_;
  std::unique_ptr<Parts> parts_;
};

std::string local_subject();  // "local:<operating system user>"

// Gateways of the command line: to another process over its socket, or to our own dispatcher.
Result<std::unique_ptr<cli::Gateway>> connect_gateway(const std::string& socket);
std::unique_ptr<cli::Gateway> local_gateway(const api::Dispatcher& dispatcher);

}  // namespace millrace
