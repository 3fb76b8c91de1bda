#include "serve/process/trial/confine.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace millrace::serve::process {
namespace {

constexpr rlim_t kOpenFiles = 64;

Result<void> bound(int what, rlim_t most, std::string_view name) {
  rlimit now{};
  if (::getrlimit(static_cast<__rlimit_resource>(what), &now) == 0) most = std::min(most, now.rlim_max);
  const rlimit wanted{.rlim_cur = most, .rlim_max = most};
  if (::setrlimit(static_cast<__rlimit_resource>(what), &wanted) == 0) return {};
  return Error{Code::unavailable, fmt::format("the limit on {} cannot be set (error {})", name, errno)};
}

// The machine ends this process first when it is out of memory. Raising one's own number needs no privilege.
void be_ended_first() {
  const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  if (::write(file, "1000", 4) != 4) ::fsync(file);  // best effort: without /proc the order is the kernel's
  ::close(file);
}

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr uint32_t kArchitecture = 0;
#endif

// Memory, threads, waiting, time, and what is open already.
constexpr uint32_t kAllowed[] = {
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_close,
    SYS_fstat,
    SYS_lseek,
    SYS_mmap,
    SYS_munmap,
    SYS_mprotect,
    SYS_mremap,
    SYS_madvise,
    SYS_brk,
    SYS_futex,
    SYS_exit,
    SYS_exit_group,
    SYS_rt_sigreturn,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_sigaltstack,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_getpid,
    SYS_gettid,
    SYS_getppid,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_getcpu,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_getrandom,
    SYS_ppoll,
    SYS_restart_syscall,
    SYS_getrusage,
    SYS_getrlimit,
    SYS_sysinfo,
    SYS_membarrier,
    SYS_set_tid_address,
#ifdef SYS_poll
    SYS_poll,
#endif
#ifdef SYS_time
    SYS_time,
#endif
};

constexpr uint32_t argument(int number) {  // the low half, on little-endian machines
  return offsetof(seccomp_data, args) + 8 * static_cast<uint32_t>(number);
}

class Filter {
 public:
  void load(uint32_t offset) { add(BPF_LD | BPF_W | BPF_ABS, offset); }
  void answer(uint32_t action) { add(BPF_RET | BPF_K, action); }
  // Skips `count` instructions unless the loaded word equals `value`.
  void unless(uint32_t value, uint8_t count) { jump(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count); }
  void when(uint32_t value, uint8_t count) { jump(BPF_JMP | BPF_JEQ | BPF_K, value, count, 0); }
  void unless_bits(uint32_t bits, uint8_t count) { jump(BPF_JMP | BPF_JSET | BPF_K, bits, 0, count); }

  void allow(uint32_t call) {
    unless(call, 1);
    answer(SECCOMP_RET_ALLOW);
  }
  // The call, when the low half of an argument has this value; otherwise it is refused.
  void allow_with(uint32_t call, int number, uint32_t value) {
    unless(call, 4);
    load(argument(number));
    unless(value, 1);
    answer(SECCOMP_RET_ALLOW);
    answer(SECCOMP_RET_ERRNO | EPERM);
  }

  std::vector<sock_filter> steps;

 private:
  void add(uint16_t code, uint32_t value) { steps.push_back(sock_filter{code, 0, 0, value}); }
  void jump(uint16_t code, uint32_t value, uint8_t yes, uint8_t no) {
    steps.push_back(sock_filter{code, yes, no, value});
  }
};

}  // namespace

Result<void> confine(int parent, const Bounds& bounds) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return Error{Code::unavailable, fmt::format("the kernel refuses to bound a process (error {})", errno)};
  if (::getppid() != parent) return Error{Code::unavailable, "the server that asked is gone"};
  be_ended_first();
  ::prctl(PR_SET_DUMPABLE, 0);  // last of what needs /proc/self
  MILLRACE_DO(bound(RLIMIT_CORE, 0, "core files"));
  std::signal(SIGXFSZ, SIG_IGN);  // a library that keeps a file of its own is refused, not ended
  MILLRACE_DO(bound(RLIMIT_FSIZE, 0, "written files"));
  MILLRACE_DO(bound(RLIMIT_NOFILE, kOpenFiles, "open files"));
  if (bounds.cpu_seconds > 0) MILLRACE_DO(bound(RLIMIT_CPU, static_cast<rlim_t>(bounds.cpu_seconds), "seconds"));
  if (bounds.memory > 0 && bounds_memory()) MILLRACE_DO(bound(RLIMIT_DATA, bounds.memory, "memory"));
  return {};
}

bool forbid_system_calls() {
  if (kArchitecture == 0) return false;
  Filter filter;
  filter.load(offsetof(seccomp_data, arch));
  filter.when(kArchitecture, 1);
  filter.answer(SECCOMP_RET_KILL_PROCESS);
  filter.load(offsetof(seccomp_data, nr));
  for (const uint32_t call : kAllowed) filter.allow(call);
  // glibc falls back from clone3, whose flags a filter cannot see, to clone: threads only.
  filter.unless(SYS_clone3, 1);
  filter.answer(SECCOMP_RET_ERRNO | ENOSYS);
  filter.unless(SYS_clone, 4);
  filter.load(argument(0));
  filter.unless_bits(CLONE_THREAD, 1);
  filter.answer(SECCOMP_RET_ALLOW);
  filter.answer(SECCOMP_RET_ERRNO | EPERM);
  filter.allow_with(SYS_tgkill, 0, static_cast<uint32_t>(::getpid()));  // abort() ends itself
  filter.allow_with(SYS_prctl, 0, PR_SET_NAME);
  filter.unless(SYS_prlimit64, 5);  // reading limits: the pointer to new ones is null
  filter.load(argument(2));
  filter.unless(0, 3);
  filter.load(argument(2) + 4);
  filter.unless(0, 1);
  filter.answer(SECCOMP_RET_ALLOW);
  filter.answer(SECCOMP_RET_ERRNO | EPERM);
  const sock_fprog program{.len = static_cast<unsigned short>(filter.steps.size()), .filter = filter.steps.data()};
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}

bool bounds_memory() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
  return false;
#else
  return true;
#endif
#else
  return true;
#endif
}

uint64_t machine_memory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(size) : 0;
}

}  // namespace millrace::serve::process
