// One child process with nothing inherited but what is named: no shell, its own process group, limits, a timeout.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/result.h"

namespace millrace::pipeline {

struct ProcessSpec {
  std::string program;                   // absolute path
  std::vector<std::string> words;        // words[0] is what the program sees as its name
  std::vector<std::string> environment;  // NAME=value, nothing else
  std::string folder;                    // where it starts
  Micros timeout = 0;
  Micros grace = 0;                                                   // from TERM to KILL
  std::function<void(bool is_error, std::string_view line)> on_line;  // called on the waiting thread; bounded lines
  std::function<bool()> cancelled;                                    // asked several times a second; may be empty
};

struct ProcessEnd {
  enum class How { exited, killed_by_signal, timed_out, cancelled };
  How how = How::exited;
  int status = 0;            // exit status, or the signal's number
  std::string text() const;  // "ended with status 3", "was killed by SIGSEGV"
  bool ok() const { return how == How::exited && status == 0; }
};

// Waits for its end. The child dies with the calling thread. When it ends, times out or is cancelled, what is left of
// its process group is killed. Errors are failures to start it: a program that is missing or may not run.
Result<ProcessEnd> run_process(const ProcessSpec& spec, const Clock& clock);

// The file that `path` (folders separated by ':') finds for a program's name; not_found with a hint.
Result<std::string> find_program(std::string_view name, std::string_view path);

// All that a short, trusted program prints, for asking versions and the like. Bounded in time and size.
Result<std::string> output_of(const std::string& program, const std::vector<std::string>& arguments,
                              const std::vector<std::string>& environment, const std::string& folder,
                              const Clock& clock);

}  // namespace millrace::pipeline
