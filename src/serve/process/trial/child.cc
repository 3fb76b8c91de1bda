#include "serve/process/trial/child.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/descriptor.h"

namespace millrace::serve::process {
namespace {

using Steady = std::chrono::steady_clock;

constexpr int kFirstFree = 16;  // sources of dup2() lie above every number that it writes to

// What the child needs to find its libraries, and what tells sanitizers how to behave. No keys, no passwords.
constexpr const char* kPassedOn[] = {"LD_LIBRARY_PATH", "MILLRACE_LIB_DIR", "ASAN_OPTIONS",
                                     "UBSAN_OPTIONS",   "TSAN_OPTIONS",     "LSAN_OPTIONS"};

Error failed(std::string_view what, int error) {
  return Error{Code::unavailable, fmt::format("{}: {}", what, std::strerror(error))};
}

std::vector<std::string> passed_environment() {
  std::vector<std::string> out;
  for (const char* name : kPassedOn)
    if (const char* value = std::getenv(name); value != nullptr) out.push_back(fmt::format("{}={}", name, value));
  return out;
}

// For poll(); rounded up.
int milliseconds_until(Steady::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, 1'000'000));
}

Result<void> read_exactly(int socket, char* to, size_t size, Steady::time_point deadline) {
  while (size > 0) {
    pollfd wait{.fd = socket, .events = POLLIN};
    const int ready = ::poll(&wait, 1, deadline == Steady::time_point::max() ? -1 : milliseconds_until(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return failed("waiting for a process", errno);
    if (ready == 0) return Error{Code::timeout, "the process gave no answer in time"};
    const ssize_t got = ::read(socket, to, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Error{Code::unavailable, "the process closed its socket"};
    to += got;
    size -= static_cast<size_t>(got);
  }
  return {};
}

Result<std::string> receive_until(int socket, size_t limit, Steady::time_point deadline) {
  uint32_t size = 0;
  MILLRACE_DO(read_exactly(socket, reinterpret_cast<char*>(&size), sizeof size, deadline));
  if (size > limit) return Error{Code::too_large, fmt::format("a message of {} bytes, the limit is {}", size, limit)};
  std::string out(size, '\0');
  MILLRACE_DO(read_exactly(socket, out.data(), size, deadline));
  return out;
}

std::string framed(std::string_view text) {
  const auto size = static_cast<uint32_t>(text.size());
  std::string frame(reinterpret_cast<const char*>(&size), sizeof size);
  return frame.append(text);
}

struct Actions {
  Actions() { ::posix_spawn_file_actions_init(&it); }
  ~Actions() { ::posix_spawn_file_actions_destroy(&it); }
  posix_spawn_file_actions_t it{};
};

struct Attributes {
  Attributes() { ::posix_spawnattr_init(&it); }
  ~Attributes() { ::posix_spawnattr_destroy(&it); }
  posix_spawnattr_t it{};
};

// Every signal as the system has it, none blocked; a group of its own, so that Ctrl-C asks the server alone.
void set_attributes(Attributes& attributes) {
  sigset_t all, none;
  ::sigfillset(&all);
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&attributes.it, &all);
  ::posix_spawnattr_setsigmask(&attributes.it, &none);
  ::posix_spawnattr_setpgroup(&attributes.it, 0);
  ::posix_spawnattr_setflags(&attributes.it, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
}

}  // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}
Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Result<Descriptor> make_memory(std::string_view name, size_t size) {
  Descriptor memory(::memfd_create(std::string(name).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory) return failed("no shared memory", errno);
  if (::ftruncate(memory.get(), static_cast<off_t>(size)) != 0) return failed("no shared memory", errno);
  // A child that shrank it would end us with SIGBUS.
  if (::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return failed("shared memory cannot be sealed", errno);
  return memory;
}

Result<Descriptor> make_read_only_memory(std::string_view name, std::string_view bytes) {
  Descriptor memory(::memfd_create(std::string(name).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory) return failed("no shared memory", errno);
  MILLRACE_DO(write_all(memory.get(), bytes, std::string(name)));
  if (::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
    return failed("shared memory cannot be sealed", errno);
  return memory;
}

std::string Ending::text() const {
  if (!by_signal) return fmt::format("exit status {}", number);
  const char* name = ::sigdescr_np(number);
  return name == nullptr ? fmt::format("signal {}", number) : fmt::format("signal {} ({})", number, name);
}

Result<Child> Child::spawn(const std::string& program, std::span<const int> given) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) return failed("no socket", errno);
  Descriptor ours(pair[0]);
  std::vector<Descriptor> sources;
  const Descriptor theirs(pair[1]);
  const auto raise = [&](int descriptor) {
    sources.emplace_back(::fcntl(descriptor, F_DUPFD_CLOEXEC, kFirstFree));
    return static_cast<bool>(sources.back());
  };
  if (!raise(theirs.get())) return failed("no descriptor", errno);
  for (const int each : given)
    if (!raise(each)) return failed("no descriptor", errno);

  Actions actions;
  for (const int stream : {0, 1, 2}) ::posix_spawn_file_actions_addopen(&actions.it, stream, "/dev/null", O_RDWR, 0);
  for (size_t i = 0; i < sources.size(); ++i)
    ::posix_spawn_file_actions_adddup2(&actions.it, sources[i].get(), kSocket + static_cast<int>(i));
  ::posix_spawn_file_actions_addclosefrom_np(&actions.it, kSocket + static_cast<int>(sources.size()));
  Attributes attributes;
  set_attributes(attributes);

  std::string name = "millrace", word(kChildWord);
  std::array<char*, 3> words{name.data(), word.data(), nullptr};
  auto environment = passed_environment();
  std::vector<char*> variables;
  for (auto& each : environment) variables.push_back(each.data());
  variables.push_back(nullptr);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, program.c_str(), &actions.it, &attributes.it, words.data(), variables.data());
  if (error != 0) return failed(fmt::format("the process of a model ({}) cannot be started", program), error);
  return Child(pid, std::move(ours));
}

Child::Child(Child&& other) noexcept
    : mutex_(std::move(other.mutex_)), pid_(std::exchange(other.pid_, -1)), socket_(std::move(other.socket_)) {}

Child::~Child() {
  if (pid_ < 0) return;
  end();
  wait();
}

Result<void> Child::send(std::string_view text) const {
  const std::string frame = framed(text);
  std::string_view left = frame;
  while (!left.empty()) {
    const ssize_t sent = ::send(socket_.get(), left.data(), left.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return failed("the process of a model cannot be reached", errno);
    left.remove_prefix(static_cast<size_t>(sent));
  }
  return {};
}

Result<std::string> Child::receive(size_t limit, Micros patience) const {
  return receive_until(socket_.get(), limit, Steady::now() + std::chrono::microseconds(patience));
}

void Child::end() const {
  const std::lock_guard lock(*mutex_);
  if (pid_ > 0) ::kill(pid_, SIGKILL);
}

Ending Child::wait() {
  siginfo_t ended{};
  // Left as it is at first: the number cannot become another process's while end() may use it.
  while (::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOWAIT) < 0 && errno == EINTR) {}
  const std::lock_guard lock(*mutex_);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {}
  pid_ = -1;
  if (WIFSIGNALED(status)) return {.by_signal = true, .number = WTERMSIG(status)};
  return {.by_signal = false, .number = WEXITSTATUS(status)};
}

Result<void> send_frame(int socket, std::string_view text) {
  return write_all(socket, framed(text), "the socket of a model's process");
}

Result<std::string> receive_frame(int socket, size_t limit) {
  return receive_until(socket, limit, Steady::time_point::max());
}

}  // namespace millrace::serve::process
