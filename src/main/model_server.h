// `millrace serve`: model files over the Open Inference Protocol, with no project, store or registry behind them.
#pragma once
#include <memory>
#include <string>

#include "cli/host.h"
#include "main/supervisor.h"

namespace millrace {

class ModelServer {
 public:
  // held: sockets that listen at options.http and options.grpc already.
  static Result<std::unique_ptr<ModelServer>> start(const cli::ServeOptions& options, HeldSockets held,
                                                    engine::Engines& engines, Context& context);
  ~ModelServer();
  std::string address() const;
  std::string grpc_address() const;  // "" = off
  void drain();

 private:
  struct Parts;
  explicit ModelServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace millrace
