#include <cstdio>

#include "cli/host.h"

namespace millrace::cli {
namespace {

Result<int> openapi(Invocation& in) {
  const auto text = in.host.routes_as_openapi();
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

}  // namespace

std::vector<Command> openapi_commands() {
  return {{.name = "openapi", .summary = "print the OpenAPI document of the native API", .positionals = {}, .options = {}, .run = openapi}};
}

}  // namespace millrace::cli
