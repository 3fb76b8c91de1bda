#include <malloc.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "main/program.h"
#include "serve/process/crash_marks.h"
#include "serve/process/trial/child.h"
#include "serve/process/trial/child_main.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);              // a reader that went away is an error of the write, not our end
  ::mallopt(M_MMAP_THRESHOLD, 2 << 20);       // what large transfers held goes back when it is freed, not into a heap
  ::setenv("ORT_DISABLE_TELEMETRY", "1", 1);  // ONNX Runtime would note the machine under HOME; before any thread
  if (argc > 1 && argv[1] == millrace::serve::process::kChildWord) return millrace::serve::process::run_child();
  millrace::serve::process::note_crashes();
  return millrace::run_program(std::vector<std::string>(argv + 1, argv + argc));
}
