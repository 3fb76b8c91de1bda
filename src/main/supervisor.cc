#include "main/supervisor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
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

#include "api/server.h"
#include "api/status.h"
#include "cli/host.h"
#include "core/clock.h"
#include "core/limits/model_limits.h"
#include "core/log.h"

namespace millrace {
namespace {

constexpr const char* kNote = "MILLRACE_LISTENING_SOCKET";  // "<descriptor>:<process id of the supervisor>"
constexpr int kListening = 3;                               // descriptor in the server
constexpr int kFirstFree = 16;                              // ours lie above it
constexpr int kGivenUp = 70;

std::string option(const std::vector<std::string>& words, std::string_view name, const std::string& otherwise) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == name && i + 1 < words.size()) return words[i + 1];
    if (words[i].starts_with(name) && words[i].size() > name.size() && words[i][name.size()] == '=')
      return words[i].substr(name.size() + 1);
  }
  return otherwise;
}

Result<int> listen_on(const std::string& http) {
  MILLRACE_TRY(const auto where, api::parse_host_port(http));
  sockaddr_storage place{};
  socklen_t size = 0;
  if (where.host.find(':') == std::string::npos) {
    auto& four = reinterpret_cast<sockaddr_in&>(place);
    four.sin_family = AF_INET;
    four.sin_port = htons(where.port);
    ::inet_pton(AF_INET, where.host.c_str(), &four.sin_addr);
    size = sizeof four;
  } else {
    auto& six = reinterpret_cast<sockaddr_in6&>(place);
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(where.port);
    ::inet_pton(AF_INET6, where.host.c_str(), &six.sin6_addr);
    size = sizeof six;
  }
  const int first = ::socket(place.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int listening = first < 0 ? -1 : ::fcntl(first, F_DUPFD_CLOEXEC, kFirstFree);
  if (first >= 0) ::close(first);
  const int on = 1;
  if (listening >= 0 && ::setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      ::bind(listening, reinterpret_cast<const sockaddr*>(&place), size) == 0 && ::listen(listening, SOMAXCONN) == 0)
    return listening;
  const int error = errno;
  if (listening >= 0) ::close(listening);
  const Code code = error == EADDRINUSE ? Code::conflict : error == EACCES ? Code::denied : Code::unavailable;
  return Error{code, fmt::format("cannot listen on {}: {}", http, std::strerror(error))}.hint(
      "give another port with --http HOST:PORT; port 0 takes a free one");
}

class Supervisor {
 public:
  Supervisor(std::vector<std::string> words, int listening)
      : words_(std::move(words)), listening_(listening), log_(make_log(Log::Level::info, system_clock())) {
    sigemptyset(&signals_);
    for (const int each : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals_, each);
    ::sigprocmask(SIG_BLOCK, &signals_, nullptr);
    told_ = ::signalfd(-1, &signals_, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  ~Supervisor() {
    ::close(told_);
    ::close(listening_);
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
    const std::string note = fmt::format("{}={}:{}", kNote, kListening, ::getpid());
    std::vector<std::string> variables{note};
    for (char** at = environ; *at != nullptr; ++at)
      if (!std::string_view(*at).starts_with(fmt::format("{}=", kNote))) variables.emplace_back(*at);
    std::vector<std::string> given{"millrace"};
    given.insert(given.end(), words_.begin(), words_.end());
    auto environment = pointers(variables), arguments = pointers(given);

    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, listening_, kListening);
    ::posix_spawn_file_actions_addclosefrom_np(&actions, kListening + 1);
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
  const int listening_;
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
  auto listening = listen_on(option(given, "--http", usual));
  // The server opens gRPC's port itself, at each start: a free one would be another one each time.
  if (const auto grpc = option(given, "--grpc", ""); listening && grpc.ends_with(":0")) {
    ::close(*listening);
    listening = Error{Code::invalid, "a supervised server needs a port of its own for gRPC, not port 0"}
                    .at_field("--grpc")
                    .hint("name one, e.g. 127.0.0.1:8001");
  }
  if (!listening) {
    std::fprintf(stderr, "millrace: %s\n", listening.error().text().c_str());
    return api::exit_status(listening.error().code());
  }
  return Supervisor(std::move(given), *listening).run();
}

int take_listening_socket() {
  const char* note = std::getenv(kNote);
  int descriptor = -1, supervisor = 0, listens = 0;
  if (note == nullptr || std::sscanf(note, "%d:%d", &descriptor, &supervisor) != 2) return -1;
  ::unsetenv(kNote);
  socklen_t size = sizeof listens;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) return -1;
  ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != supervisor) ::raise(SIGTERM);
  return descriptor;
}

}  // namespace millrace
