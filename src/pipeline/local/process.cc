#include "pipeline/local/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fmt/format.h>

#include "core/files.h"
#include "pipeline/bounds.h"

namespace millrace::pipeline {
namespace {

constexpr int kTickMilliseconds = 50;
constexpr int kDrainTicks = 40;  // what left the group may hold a pipe open; it is not waited for longer
constexpr size_t kAnswerBytes = 1 << 20;
constexpr Micros kSecond = 1'000'000;

class Pipe {
 public:
  Result<void> open() {
    if (::pipe2(ends_, O_CLOEXEC) != 0) return file_error("cannot make a pipe", "", errno);
    return {};
  }
  ~Pipe() {
    close_read();
    close_write();
  }
  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }
  void close_read() { close_one(ends_[0]); }
  void close_write() { close_one(ends_[1]); }

 private:
  static void close_one(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }
  int ends_[2] = {-1, -1};
};

// Everything that the child needs, made before fork(): between fork and exec only async-signal-safe calls are allowed.
struct Prepared {
  const char* program;
  const char* folder;
  std::vector<char*> words, environment;
  pid_t parent;
  int out, error, failure;
};

void limit(int what, rlim_t most) {
  struct rlimit now {};
  if (::getrlimit(what, &now) != 0) return;
  const rlim_t value = now.rlim_max == RLIM_INFINITY ? most : std::min<rlim_t>(most, now.rlim_max);
  const struct rlimit next { value, value };
  ::setrlimit(what, &next);
}

[[noreturn]] void fail(const Prepared& prepared) {
  const int why = errno;
  const ssize_t wrote = ::write(prepared.failure, &why, sizeof why);
  ::_exit(wrote == sizeof why ? 127 : 126);
}

[[noreturn]] void become(const Prepared& prepared) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != prepared.parent) ::_exit(126);  // the parent died before the line above
  for (int number = 1; number < NSIG; ++number) {
    if (number != SIGKILL && number != SIGSTOP) ::signal(number, SIG_DFL);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::umask(077);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, bounds::open_files);
  limit(RLIMIT_FSIZE, bounds::file_bytes);
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing < 0 || ::dup2(nothing, 0) < 0 || ::dup2(prepared.out, 1) < 0 || ::dup2(prepared.error, 2) < 0)
    fail(prepared);
  ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
  if (::chdir(prepared.folder) != 0) fail(prepared);
  ::execve(prepared.program, prepared.words.data(), prepared.environment.data());
  fail(prepared);
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  for (const auto& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

// Bytes of one stream, cut into lines.
class Lines {
 public:
  Lines(bool is_error, const ProcessSpec& spec) : is_error_(is_error), spec_(spec) {}

  // False at the end of the stream.
  bool read_some(int from) {
    char buffer[1 << 14];
    const ssize_t got = ::read(from, buffer, sizeof buffer);
    if (got < 0) return errno == EINTR || errno == EAGAIN;
    if (got == 0) return flush(), false;
    for (ssize_t i = 0; i < got; ++i) add(buffer[i]);
    return true;
  }
  void flush() {
    if (!line_.empty()) give();
  }

 private:
  void add(char c) {
    if (c == '\n') return give();
    if (line_.size() < bounds::line_bytes)
      line_ += c;
    else
      cut_ = true;
  }
  void give() {
    if (line_.ends_with('\r')) line_.pop_back();
    if (cut_) line_ += " ... (cut)";
    if (spec_.on_line) spec_.on_line(is_error_, line_);
    line_.clear();
    cut_ = false;
  }

  bool is_error_, cut_ = false;
  const ProcessSpec& spec_;
  std::string line_;
};

// Watches one child: passes its lines on, ends it in time, reaps it.
class Watch {
 public:
  Watch(pid_t child, const ProcessSpec& spec, const Clock& clock, Pipe& out, Pipe& error)
      : child_(child),
        spec_(spec),
        clock_(clock),
        started_(clock.steady()),
        out_(out),
        error_(error),
        out_lines_(false, spec),
        error_lines_(true, spec) {}

  ProcessEnd wait() {
    while (!reaped_) {
      read_ready();
      reap();
      if (!reaped_) press();
    }
    for (int tick = 0; tick < kDrainTicks && (out_open_ || error_open_); ++tick) read_ready();
    out_lines_.flush();
    error_lines_.flush();
    return end();
  }

 private:
  void read_ready() {
    struct pollfd polled[2] = {{out_open_ ? out_.read_end() : -1, POLLIN, 0},
                               {error_open_ ? error_.read_end() : -1, POLLIN, 0}};
    // A child that closed its streams is watched by the tick alone.
    ::poll(polled, 2, kTickMilliseconds);
    if (polled[0].revents != 0) out_open_ = out_lines_.read_some(out_.read_end());
    if (polled[1].revents != 0) error_open_ = error_lines_.read_some(error_.read_end());
  }

  void reap() {
    // WNOWAIT first: while the zombie stands its number cannot be given away, so the group can still be killed safely.
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    ::kill(-child_, SIGKILL);  // what it left behind
    int status = 0;
    while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {}
    status_ = status;
    reaped_ = true;
  }

  void press() {
    const Micros now = clock_.steady();
    if (asked_at_ < 0) {
      if (spec_.timeout > 0 && now - started_ >= spec_.timeout)
        how_ = ProcessEnd::How::timed_out;
      else if (spec_.cancelled && spec_.cancelled())
        how_ = ProcessEnd::How::cancelled;
      else
        return;
      asked_at_ = now;
      ::kill(-child_, SIGTERM);
    } else if (now - asked_at_ >= spec_.grace) {
      ::kill(-child_, SIGKILL);
    }
  }

  ProcessEnd end() const {
    ProcessEnd out{.how = how_};
    out.status = WIFSIGNALED(status_) ? WTERMSIG(status_) : WEXITSTATUS(status_);
    if (how_ == ProcessEnd::How::exited && WIFSIGNALED(status_)) out.how = ProcessEnd::How::killed_by_signal;
    return out;
  }

  pid_t child_;
  const ProcessSpec& spec_;
  const Clock& clock_;
  Micros started_, asked_at_ = -1;
  Pipe& out_;
  Pipe& error_;
  Lines out_lines_, error_lines_;
  bool out_open_ = true, error_open_ = true, reaped_ = false;
  ProcessEnd::How how_ = ProcessEnd::How::exited;
  int status_ = 0;
};

Error start_error(const ProcessSpec& spec, int why) {
  Error error = file_error("cannot start the program", spec.program, why);
  if (why == ENOEXEC) error.hint("the file is no program: give it a first line like #!/bin/sh");
  return error;
}

}  // namespace

std::string ProcessEnd::text() const {
  const auto signal_name = [&] {
    const char* name = ::sigabbrev_np(status);
    return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", status);
  };
  switch (how) {
    case How::exited: return fmt::format("ended with status {}", status);
    case How::killed_by_signal: return fmt::format("was killed by {}", signal_name());
    case How::timed_out: return "took longer than its timeout";
    case How::cancelled: return "was cancelled";
  }
  return "";
}

Result<ProcessEnd> run_process(const ProcessSpec& spec, const Clock& clock) {
  Pipe out, error, failure;
  MILLRACE_DO(out.open());
  MILLRACE_DO(error.open());
  MILLRACE_DO(failure.open());
  const Prepared prepared{spec.program.c_str(), spec.folder.c_str(), pointers(spec.words), pointers(spec.environment),
                          ::getpid(),           out.write_end(),     error.write_end(),    failure.write_end()};
  const pid_t child = ::fork();
  if (child < 0) return file_error("cannot fork", spec.program, errno);
  if (child == 0) become(prepared);
  ::setpgid(child, child);  // both sides, so that it holds whoever is first
  out.close_write();
  error.close_write();
  failure.close_write();
  int why = 0;
  ssize_t got = 0;
  while ((got = ::read(failure.read_end(), &why, sizeof why)) < 0 && errno == EINTR) {}
  if (got == sizeof why) {
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {}
    return start_error(spec, why);
  }
  return Watch(child, spec, clock, out, error).wait();
}

Result<std::string> find_program(std::string_view name, std::string_view path) {
  for (size_t from = 0; from <= path.size();) {
    const size_t to = std::min(path.find(':', from), path.size());
    const auto folder = path.substr(from, to - from);
    const std::string candidate = fmt::format("{}/{}", folder, name);
    struct stat info {};
    if (folder.starts_with('/') && ::stat(candidate.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
        ::access(candidate.c_str(), X_OK) == 0)
      return candidate;
    from = to + 1;
  }
  return Error{Code::not_found, fmt::format("the program '{}' is not on PATH", name)}.hint(
      "install it, or start millrace with a PATH that holds it");
}

Result<std::string> output_of(const std::string& program, const std::vector<std::string>& arguments,
                              const std::vector<std::string>& environment, const std::string& folder,
                              const Clock& clock) {
  std::string text;
  ProcessSpec spec{.program = program,
                   .words = {program},
                   .environment = environment,
                   .folder = folder,
                   .timeout = 20 * kSecond,
                   .grace = kSecond};
  spec.words.insert(spec.words.end(), arguments.begin(), arguments.end());
  spec.on_line = [&](bool is_error, std::string_view line) {
    if (!is_error && text.size() < kAnswerBytes) text.append(line).append("\n");
  };
  MILLRACE_TRY(const auto end, run_process(spec, clock));
  if (!end.ok()) return Error{Code::unavailable, fmt::format("{} {}", program, end.text())};
  return text;
}

}  // namespace millrace::pipeline
