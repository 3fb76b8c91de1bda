// A model file loaded in a limited child: its verdict, or why the file is refused. Whatever the file does there, it
// does to the child.
#pragma once
#include <string>
#include <string_view>

#include "core/result.h"
#include "serve/process/options.h"
#include "serve/process/trial/child.h"
#include "serve/process/trial/verdict.h"

namespace millrace::serve::process {

// A model file's bytes, kept where children can map them.
struct SharedFile {
  Descriptor memory;
  size_t size = 0;
  std::string from;
};
Result<SharedFile> share_file(std::string_view bytes, const std::string& from);

uint64_t memory_for(const ProcessOptions& options, size_t file_size);

struct Started {
  Child child;
  Verdict verdict;
};

// Starts a child and waits for its verdict. slot_memory: the descriptor of a child that is to serve, -1 for a trial.
// The child lives no longer than the thread that calls this. A crash is `corrupt` and names the signal; want of memory
// or time is `too_large` and names the limit; a broken answer is `corrupt`; what the runtime finds wrong is its own
// error. `unavailable` when there was no trial: no process to be had.
Result<Started> start(const ProcessOptions& options, const SharedFile& file, int slot_memory);

Result<Verdict> try_file(const ProcessOptions& options, const SharedFile& file);

}  // namespace millrace::serve::process
