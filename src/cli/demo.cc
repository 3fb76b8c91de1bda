#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "cli/host.h"
#include "core/files.h"
#include "core/limits.h"

namespace millrace::cli {
namespace {

// A line that starts with '!' is a program of the example's own, run in the project's folder.
Result<void> run_program(const std::string& line, const std::string& folder) {
  MILLRACE_TRY(auto words, split_words(line));
  if (words.empty()) return Error{Code::invalid, "an empty program line in the demo"};
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return Error{Code::unavailable, "cannot start a process"};
  if (child == 0) {
    if (::chdir(folder.c_str()) == 0) ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return Error{Code::rejected,
               fmt::format("'{}' ended with status {}", line, WIFEXITED(status) ? WEXITSTATUS(status) : -1)}
      .hint("run ./dev demo, which puts the pinned Python environment on PATH");
}

// Each step of the demo is a command that a user can type: demo.steps in the example's folder holds them, one a line.
// The whole demo runs in this one process, which owns the state; so the steps are quick and see each other's work.
Result<int> demo(Invocation& in) {
  const auto folder = absolute(in.args.get("--project", "examples/flights"));
  const auto state = absolute(in.args.get("--state", folder + "/.millrace"));
  auto steps = read_file(folder + "/demo.steps", 1 << 20);
  if (!steps)
    return std::move(steps).error().hint("run it from the repository's folder, or give --project DIR of an example");
  MILLRACE_TRY(auto* gateway, in.host.gateway(folder, state));
  (void)gateway;
  if (::chdir(folder.c_str()) != 0) return file_error("cannot enter", folder, errno);
  for (size_t from = 0; from < steps->size();) {
    const size_t to = std::min(steps->find('\n', from), steps->size());
    const std::string line = steps->substr(from, to - from);
    from = to + 1;
    if (line.empty()) continue;
    if (line[0] == '#') {
      in.say(fmt::format("\n== {}", line.substr(line.find_first_not_of("# "))));
      continue;
    }
    in.say("$ " + (line[0] == '!' ? line.substr(1) : "millrace " + line));
    if (line[0] == '!') {
      MILLRACE_DO(run_program(line.substr(1), folder));
      continue;
    }
    MILLRACE_TRY(auto words, split_words(line));
    for (const char* each : {"--project", "--state"}) {
      words.emplace_back(each);
      words.push_back(std::string(each) == "--project" ? folder : state);
    }
    if (const int status = run_words(words, in.host); status != 0)
      return Error{Code::rejected, fmt::format("the step 'millrace {}' ended with status {}", line, status)};
  }
  if (!in.args.has("--serve")) return 0;
  MILLRACE_TRY(const auto status, gateway->call("GET", address({"status"})));
  in.say(fmt::format("\nThe server stays up at http://{} until Ctrl-C.", string_or(status, "http", "")));
  in.host.wait_for_stop();
  return 0;
}

}  // namespace

std::vector<Command> demo_commands() {
  return {{.name = "demo",
           .summary =
               "run the flights example from source data to answered predictions; what is done already is not repeated",
           .positionals = {},
           .options = {{.name = "--serve", .value = "", .summary = "leave the server up afterwards"}},
           .run = demo}};
}

}  // namespace millrace::cli
