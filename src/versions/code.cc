#include "versions/code.h"

#include "pipeline/local/process.h"

namespace millrace::versions {

SourceCode code_of(const std::string& folder, const std::string& path, const Clock& clock) {
  const auto git = pipeline::find_program("git", path);
  if (!git) return {};
  const std::vector<std::string> environment{"PATH=" + path,
                                             "LC_ALL=C.UTF-8",
                                             "HOME=/nonexistent",
                                             "GIT_CONFIG_NOSYSTEM=1",
                                             "GIT_CONFIG_GLOBAL=/dev/null",
                                             "GIT_OPTIONAL_LOCKS=0",
                                             "GIT_TERMINAL_PROMPT=0"};
  const auto ask = [&](std::vector<std::string> words) {
    std::vector<std::string> all{"-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"};
    all.insert(all.end(), words.begin(), words.end());
    return pipeline::output_of(*git, all, environment, folder, clock);
  };
  const auto commit = ask({"rev-parse", "--verify", "HEAD"});
  if (!commit) return {};
  const auto changes = ask({"status", "--porcelain", "--untracked-files=no"});
  return {.commit = commit->substr(0, commit->find('\n')), .dirty = !changes || !changes->empty()};
}

}  // namespace millrace::versions
