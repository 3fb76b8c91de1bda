#include "main/stop_signal.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>

namespace millrace {
namespace {

std::atomic<int> wake{-1};  // an eventfd: all that a signal handler may touch

void on_signal(int) {
  const uint64_t one = 1;
  const int saved = errno;
  if (::write(wake.load(), &one, sizeof one) < 0) ::_exit(1);
  errno = saved;
}

void take(int number, void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  ::sigaction(number, &action, nullptr);
}

}  // namespace

StopSignal::StopSignal() {
  wake = ::eventfd(0, EFD_CLOEXEC);
  for (const int number : {SIGTERM, SIGINT}) take(number, on_signal, static_cast<int>(SA_RESETHAND) | SA_RESTART);
}

StopSignal::~StopSignal() {
  for (const int number : {SIGTERM, SIGINT}) take(number, SIG_DFL, 0);
  ::close(wake.exchange(-1));
}

void StopSignal::wait() const {
  // Not a read, which begins again by itself: ThreadSanitizer runs handlers when a call returns.
  pollfd woken{.fd = wake.load(), .events = POLLIN, .revents = 0};
  while (::poll(&woken, 1, -1) < 0 && errno == EINTR) {}
}

}  // namespace millrace
