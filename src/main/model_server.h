// `millrace serve`: model files over the Open Inference Protocol, with no project, store or registry behind them.
#pragma once
#include <memory>
#include <string>

#include "cli/host.h"

namespace millrace {

class ModelServer {
 public:
  // listening: a socket that listens at options.http already, or -1.
  static Result<std::unique_ptr<ModelServer>> start(const cli::ServeOptions& options, int listening,
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
