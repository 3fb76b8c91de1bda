#include "cli/ci_outputs.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "cli/host.h"
#include "core/files.h"

namespace millrace::cli {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool on_github() { return environment("GITHUB_ACTIONS") == "true"; }

std::string repository_root() {
  const auto workspace = environment("GITHUB_WORKSPACE");
  std::error_code ignored;
  return workspace.empty() ? std::filesystem::current_path(ignored).string() : absolute(workspace);
}

// Other steps have written to it before: it only grows.
Result<void> append(const std::string& path, const std::string& text) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "abe"), std::fclose);
  if (!file) return file_error("writing", path, errno);
  if (std::fwrite(text.data(), 1, text.size(), file.get()) != text.size() || std::fflush(file.get()) != 0)
    return file_error("writing", path, errno);
  return {};
}

}  // namespace

std::vector<Option> ci_options() {
  return {{.name = "--junit", .value = "FILE", .summary = "write JUnit XML there"},
          {.name = "--sarif", .value = "FILE", .summary = "write SARIF 2.1.0 there"},
          {.name = "--summary",
           .value = "FILE",
           .summary = "write a summary in Markdown there (default: added to $GITHUB_STEP_SUMMARY, when that is set)"}};
}

Result<void> write_ci_outputs(const Invocation& in, const data::ci::Outcome& outcome) {
  const auto root = repository_root();
  const auto write = [&](const char* option, const std::string& text) -> Result<void> {
    return in.args.has(option) ? write_file(absolute(in.args.get(option)), text, 0644) : Result<void>();
  };
  MILLRACE_DO(write("--junit", data::ci::to_junit(outcome)));
  MILLRACE_DO(write("--sarif", data::ci::to_sarif(outcome, MILLRACE_VERSION, root)));
  MILLRACE_DO(write("--summary", data::ci::to_summary(outcome)));
  if (const auto step = environment("GITHUB_STEP_SUMMARY"); !step.empty() && !in.args.has("--summary"))
    MILLRACE_DO(append(step, data::ci::to_summary(outcome)));
  if (on_github())
    for (const auto& line : data::ci::to_annotations(outcome, root)) in.say(line);
  return {};
}

std::string guard_of(const Invocation& in, const std::string& lines) {
  if (!on_github() || in.json) return lines;
  const auto token = in.host.context().uuid();
  return fmt::format("::stop-commands::{0}\n{1}::{0}::\n", token, lines);
}

}  // namespace millrace::cli
