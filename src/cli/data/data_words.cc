#include "cli/data/data_words.h"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "cli/host.h"
#include "core/files.h"

namespace millrace::cli {
namespace {

Result<std::string> here() {
  char folder[4096];
  if (::getcwd(folder, sizeof folder) == nullptr) return file_error("cannot tell the current folder", ".", errno);
  return std::string(folder);
}

}  // namespace

Result<versions::Place> place_of(const Invocation& in) {
  MILLRACE_TRY(auto from, here());
  if (in.args.has("--project")) from = absolute(in.args.get("--project"));
  return versions::find_place(from, in.args.has("--state") ? absolute(in.args.get("--state")) : "");
}

Result<versions::Workspace> open_workspace(const Invocation& in) {
  MILLRACE_TRY(const auto place, place_of(in));
  return versions::Workspace::open(place, in.host.context());
}

Result<std::string> relative_here(const versions::Workspace& workspace, const std::string& path) {
  MILLRACE_TRY(const auto from, here());
  return workspace.relative(path, from);
}

Result<std::vector<std::string>> paths_of(const Invocation& in, const versions::Workspace& workspace,
                                          const std::string& name) {
  std::vector<std::string> out;
  for (const auto& each : in.args.all(name)) {
    MILLRACE_TRY(const auto path, relative_here(workspace, each));
    out.push_back(path);
  }
  return out;
}

versions::Why why_of(const Invocation& in, const versions::Workspace& workspace) {
  const auto* user = ::getpwuid(::geteuid());
  const char* path = std::getenv("PATH");
  return {.author = "local:" + (user != nullptr ? std::string(user->pw_name) : std::to_string(::geteuid())),
          .message = in.args.get("--message"),
          .code = versions::code_of(workspace.place().root, path != nullptr ? path : "/usr/bin:/bin",
                                    in.host.context().clock)};
}

}  // namespace millrace::cli
