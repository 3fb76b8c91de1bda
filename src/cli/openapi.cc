#include <cstdio>

#include "cli/host.h"

namespace millrace::cli {
namespace {

Result<int> openapi(Invocation& in) {
  MILLRACE_TRY(auto* gateway, in.gateway());
  MILLRACE_TRY(const auto text, gateway->text(address({"openapi.json"})));
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

}  // namespace

std::vector<Command> openapi_commands() {
  return {{.name = "openapi",
           .summary = "print the OpenAPI document of the native API",
           .positionals = {},
           .options = {},
           .run = openapi}};
}

}  // namespace millrace::cli
