// What a process that touches a model file gives up before it does. For the child itself, in this order.
#pragma once
#include <cstdint>

#include "core/result.h"

namespace millrace::serve::process {

struct Bounds {
  uint64_t memory = 0;      // bytes of private memory from now on, what is mapped already included; 0 = no bound
  int64_t cpu_seconds = 0;  // 0 = no bound
};

// Dies with the thread that made it (whose process must be `parent`), gains no privileges, leaves no core, is what a
// machine short of memory ends first, writes no files. `unavailable` when the parent is gone or the kernel refuses.
Result<void> confine(int parent, const Bounds& bounds);

// From now on only system calls that computing needs: no new files, sockets, processes or programs; all else fails with
// EPERM. False: the kernel has no seccomp, or the processor's calls are not known here.
bool forbid_system_calls();

// AddressSanitizer and ThreadSanitizer map terabytes of shadow: builds with them have no bound on memory.
bool bounds_memory();

// Of the machine, in bytes; 0 when it cannot be told.
uint64_t machine_memory();

}  // namespace millrace::serve::process
