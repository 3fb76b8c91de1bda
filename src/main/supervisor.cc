#include "main/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>

#include <fmt/format.h>

#include "api/front/listener.h"
#include "api/status.h"
#include "cli/host.h"
#include "core/clock.h"
#include "core/limits/model_limits.h"
#include "core/log.h"

namespace millrace {
namespace {

// "<process id of the supervisor>:<descriptor of HTTP's socket>:<of gRPC's, or -1>"
constexpr const char* kNote = "MILLRACE_LISTENING_SOCKETS";
constexpr int kHttp = 3, kGrpc = 4;  // descriptors in the server
constexpr int kFirstFree = 16;       // ours lie above it
constexpr int kGivenUp = 70;

std::string option(const std::vector<std::string>& words, std::string_view name, const std::string& otherwise) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == name && i + 1 < words.size()) return words[i + 1];
    if (words[i].starts_with(name) && words[i].size() > name.size() && words[i][name.size()] == '=')
      return words[i].substr(name.size() + 1);
  }
  return otherwise;
}

Result<int> listen_on(const std::string& where, std::string_view option) {
  MILLRACE_TRY(const auto first, api::front::listen_tcp(where, -1, option));
  const int listening = ::fcntl(first.descriptor, F_DUPFD_CLOEXEC, kFirstFree);
  const int number = errno;
  ::close(first.descriptor);
  if (listening >= 0) return listening;
  return Error{Code::unavailable, fmt::format("cannot hold the socket of {}: {}", where, std::strerror(number))};
}

Result<HeldSockets> listen_for(const std::string& http, const std::string& grpc) {
  HeldSockets out;
  MILLRACE_TRY(out.http, listen_on(http, "--http"));
  if (grpc.empty()) return out;
  auto second = listen_on(grpc, "--grpc");
  if (!second) {
    ::close(out.http);
    return std::move(second).error();
  }
  out.grpc = *second;
  return out;
}

class Supervisor {
 public:
  Supervisor(std::vector<std::string> words, HeldSockets held)
      : words_(std::move(words)), held_(held), log_(make_log(Log::Level::info, system_clock())) {
    sigemptyset(&signals_);
    for (const int each : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals_, each);
    ::sigprocmask(SIG_BLOCK, &signals_, nullptr);
    told_ = ::signalfd(-1, &signals_, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  ~Supervisor() {
    ::close(told_);
    ::close(held_.http);
    if (held_.grpc >= 0) ::close(held_.grpc);
    ::sigprocmask(SIG_UNBLOCK, &signals_, nullptr);
  }

  int run() {
    while (true) {
      if (!start()) return 6;
      const int status = until_end();
      if (WIFEXITED(status) && WEXITSTATUS(status) != kGivenUp) return WEXITSTATUS(status);
      if (stopping_) return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
      if (!rest(status)) return stopping_ ? 0 : kGivenUp;
    }
  }

 private:
  bool start() {
    const bool has_grpc = held_.grpc >= 0;
    const std::string note = fmt::format("{}={}:{}:{}", kNote, ::getpid(), kHttp, has_grpc ? kGrpc : -1);
    std::vector<std::string> variables{note};
    for (char** at = environ; *at != nullptr; ++at)
      if (!std::string_view(*at).starts_with(fmt::format("{}=", kNote))) variables.emplace_back(*at);
    std::vector<std::string> given{"millrace"};
    given.insert(given.end(), words_.begin(), words_.end());
    auto environment = pointers(variables), arguments = pointers(given);

    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, held_.http, kHttp);
    if (has_grpc) ::posix_spawn_file_actions_adddup2(&actions, held_.grpc, kGrpc);
    ::posix_spawn_file_actions_addclosefrom_np(&actions, has_grpc ? kGrpc + 1 : kGrpc);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    // A group of its own: Ctrl-C reaches it once, through us.
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    const int error =
        ::posix_spawn(&server_, "/proc/self/exe", &actions, &attributes, arguments.data(), environment.data());
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
      log_->error("server_not_started", {{"error", std::strerror(error)}});
    else
      log_->info("server_started", {{"pid", server_}, {"restarts", crashes_}});
    return error == 0;
  }

  static std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (auto& each : texts) out.push_back(each.data());
    out.push_back(nullptr);
    return out;
  }

  // Its status. Signals go on to it meanwhile.
  int until_end() {
    while (true) {
      wait_for_signal(-1);
      int status = 0;
      if (::waitpid(server_, &status, WNOHANG) == server_) {
        server_ = -1;
        return status;
      }
    }
  }

  // Waits at most so long for a signal and takes all there are.
  void wait_for_signal(Micros patience) {
    pollfd wait{.fd = told_, .events = POLLIN};
    ::poll(&wait, 1, patience < 0 ? -1 : static_cast<int>((patience + 999) / 1'000));
    signalfd_siginfo told{};
    while (::read(told_, &told, sizeof told) == sizeof told) {
      const int number = static_cast<int>(told.ssi_signo);
      if (number == SIGCHLD) continue;
      stopping_ = true;
      if (server_ > 0) ::kill(server_, number == SIGHUP ? SIGTERM : number);
    }
  }

  // The pause before the next start, doubled with each crash of the last minute; false when it is no use, or when we
  // are to stop.
  bool rest(int status) {
    const Micros now = system_clock().steady();
    while (!recent_.empty() && now - recent_.front() > limits::server_crashes_us) recent_.pop_front();
    recent_.push_back(now);
    ++crashes_;
    const std::string why = WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status)) : "exit status 70";
    if (recent_.size() > limits::server_crashes) {
      log_->error("server_given_up",
                  {{"why", why}, {"crashes", recent_.size()}, {"within_s", limits::server_crashes_us / 1'000'000}});
      std::fprintf(stderr,
                   "millrace: the server crashed %zu times within %lld s (last: %s) and is not started again. Hint: "
                   "start it without --supervise to see it end, or leave out the model that ends it\n",
                   recent_.size(), static_cast<long long>(limits::server_crashes_us / 1'000'000), why.c_str());
      return false;
    }
    const Micros pause = recent_.size() == 1 ? 0 : limits::model_backoff_us << (recent_.size() - 2);
    log_->error("server_crashed", {{"why", why}, {"crashes", crashes_}, {"next_start_us", pause}});
    const Micros until = now + pause;
    while (!stopping_ && system_clock().steady() < until) wait_for_signal(until - system_clock().steady());
    return !stopping_;
  }

  const std::vector<std::string> words_;
  const HeldSockets held_;
  const std::unique_ptr<Log> log_;
  sigset_t signals_{};
  int told_ = -1;
  pid_t server_ = -1;
  bool stopping_ = false;
  size_t crashes_ = 0;
  std::deque<Micros> recent_;
};

}  // namespace

bool is_supervised(const std::vector<std::string>& words) {
  if (words.empty() || (words[0] != "up" && words[0] != "serve")) return false;
  return std::find(words.begin(), words.end(), "--supervise") != words.end() &&
         std::find(words.begin(), words.end(), "--help") == words.end();
}

int supervise(const std::vector<std::string>& words) {
  std::vector<std::string> given = words;
  given.erase(std::remove(given.begin(), given.end(), "--supervise"), given.end());
  const auto usual = words[0] == "up" ? cli::UpOptions().http : cli::ServeOptions().http;
  const auto held = listen_for(option(given, "--http", usual), option(given, "--grpc", ""));
  if (!held) {
    std::fprintf(stderr, "millrace: %s\n", held.error().text().c_str());
    return api::exit_status(held.error().code());
  }
  return Supervisor(std::move(given), *held).run();
}

namespace {

// The descriptor, if it is a socket that listens; no child of ours gets it.
int taken_over(int descriptor) {
  int listens = 0;
  socklen_t size = sizeof listens;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) return -1;
  ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  return descriptor;
}

}  // namespace

HeldSockets take_held_sockets() {
  const char* note = std::getenv(kNote);
  HeldSockets out;
  int supervisor = 0;
  if (note == nullptr || std::sscanf(note, "%d:%d:%d", &supervisor, &out.http, &out.grpc) != 3) return {};
  ::unsetenv(kNote);
  out = {taken_over(out.http), taken_over(out.grpc)};
  if (out.http < 0) return {};
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != supervisor) ::raise(SIGTERM);
  return out;
}

}  // namespace millrace
