#include "serve/process/trial/confine.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <thread>

namespace millrace::serve::process {
namespace {

// Which of the claims does not hold; 0 = all do. Run in a process of its own, which ends with it.
int first_wrong(std::initializer_list<bool> claims) {
  int number = 0;
  for (const bool claim : claims) {
    ++number;
    if (!claim) return number;
  }
  return 0;
}

bool refused(long result) { return result < 0 && errno == EPERM; }

int after_filter() {
  if (!confine(::getppid(), {})) return 100;
  if (!forbid_system_calls()) return 101;
  bool thread_ran = false;
  std::thread([&] { thread_ran = true; }).join();
  rlimit limit{};
  return first_wrong({refused(::open("/etc/passwd", O_RDONLY)), refused(::open("/tmp/x", O_CREAT | O_WRONLY, 0600)),
                      refused(::socket(AF_INET, SOCK_STREAM, 0)), refused(::socket(AF_UNIX, SOCK_STREAM, 0)),
                      refused(::fork()), refused(::execl("/bin/true", "true", nullptr)), refused(::kill(1, SIGTERM)),
                      refused(::unlink("/tmp/x")), refused(::setrlimit(RLIMIT_NOFILE, &limit)), thread_ran,
                      ::getrlimit(RLIMIT_NOFILE, &limit) == 0, std::malloc(10 << 20) != nullptr});
}

TEST(Confine, a_filtered_process_computes_and_reaches_nothing) {
  EXPECT_EXIT(::_exit(after_filter()), ::testing::ExitedWithCode(0), "");
}

int after_bounds() {
  const bool bounded = confine(::getppid(), {.memory = 512 << 20, .cpu_seconds = 100}).ok();
  const size_t much = size_t{1} << 30;
  void* at = ::mmap(nullptr, much, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  rlimit cpu{}, core{}, size{};
  ::getrlimit(RLIMIT_CPU, &cpu);
  ::getrlimit(RLIMIT_CORE, &core);
  ::getrlimit(RLIMIT_FSIZE, &size);
  return first_wrong({bounded, (at == MAP_FAILED) == bounds_memory(), cpu.rlim_max <= 100, core.rlim_max == 0,
                      size.rlim_max == 0, ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1,
                      ::prctl(PR_GET_DUMPABLE) == 0});
}

TEST(Confine, a_bounded_process_gets_no_more_memory_time_or_files) {
  EXPECT_EXIT(::_exit(after_bounds()), ::testing::ExitedWithCode(0), "");
}

TEST(Confine, a_process_whose_parent_is_gone_stops) {
  EXPECT_EXIT(::_exit(confine(::getppid() + 1, {}) ? 1 : 0), ::testing::ExitedWithCode(0), "");
}

TEST(Confine, tells_the_memory_of_the_machine) { EXPECT_GT(machine_memory(), uint64_t{64} << 20); }

}  // namespace
}  // namespace millrace::serve::process
