#include "serve/process/trial/trial.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <vector>

#include <fmt/format.h>

#include "serve/process/trial/child_main.h"
#include "serve/process/trial/confine.h"

namespace millrace::serve::process {
namespace {

std::string seconds(Micros time) { return fmt::format("{:g} s", static_cast<double>(time) / 1e6); }

Error too_slow(const ProcessOptions& options) {
  return Error{Code::too_large, fmt::format("loading the model file and its two trial runs took longer than {}, which "
                                            "is the limit",
                                            seconds(options.trial_time))}
      .hint("a model that needs longer: --trial-seconds N");
}

Error too_big(uint64_t memory) {
  return Error{Code::too_large, fmt::format("loading the model file and its two trial runs needed more than {} MiB of "
                                            "memory, which is the limit",
                                            memory >> 20)};
}

// Why a child that ended gave no verdict.
Error refusal(const Ending& ending, const ProcessOptions& options, uint64_t memory) {
  if (!ending.by_signal && ending.number == kExitNoMemory) return too_big(memory);
  if (!ending.by_signal && (ending.number == kExitNoTask || ending.number == 127))
    return Error{Code::unavailable, fmt::format("the process that tries model files did not start ({}, {})",
                                                options.program, ending.text())};
  if (ending.by_signal && ending.number == SIGXCPU) return too_slow(options);
  if (ending.by_signal && ending.number == SIGKILL)
    return Error{Code::too_large, fmt::format("the process that tried the model file was ended by {}, as a machine out "
                                              "of memory does",
                                              ending.text())};
  return Error{Code::corrupt, fmt::format("the model file brought down the process that tried it ({})", ending.text())}
      .hint("it is not loaded; export the model again with other versions of its tools");
}

// ceil, and one more: the wall clock comes first.
int64_t cpu_seconds(Micros time) { return (time + 999'999) / 1'000'000 + 1; }

Result<Verdict> hear(Child& child, const ProcessOptions& options, uint64_t memory) {
  auto text = child.receive(limits::model_verdict_bytes, options.trial_time);
  if (text) return read_verdict(*text);
  if (text.error().code() == Code::timeout) return too_slow(options);
  if (text.error().code() == Code::too_large)
    return Error{Code::corrupt,
                 "the process that tried the model file gave a broken answer: " + text.error().message()};
  child.end();  // one that only closed its socket; of one that is ending already, this changes nothing
  return refusal(child.wait(), options, memory);
}

}  // namespace

Result<SharedFile> share_file(std::string_view bytes, const std::string& from) {
  SharedFile out{.size = bytes.size(), .from = from};
  MILLRACE_TRY(out.memory, make_read_only_memory("model", bytes));
  return out;
}

uint64_t memory_for(const ProcessOptions& options, size_t file_size) {
  if (options.memory > 0) return options.memory;
  const uint64_t wanted = limits::model_memory + limits::model_memory_factor * file_size;
  const uint64_t machine = machine_memory();
  return machine == 0 ? wanted : std::min(wanted, machine / 4 * 3);
}

Result<Started> start(const ProcessOptions& options, const SharedFile& file, int slot_memory) {
  std::vector<int> given{file.memory.get()};
  if (slot_memory >= 0) given.push_back(slot_memory);
  MILLRACE_TRY(auto child, Child::spawn(options.program, given));
  const bool serves = slot_memory >= 0;
  const uint64_t memory = memory_for(options, file.size);
  const Task task{.runtime = options.runtime,
                  .from = file.from,
                  .parent = ::getpid(),
                  .memory = memory,
                  .cpu_seconds = serves ? 0 : cpu_seconds(options.trial_time),
                  .slots = serves ? options.slots : 0,
                  .slot_bytes = options.slot_bytes};
  // A child that is gone already says why when it is heard.
  static_cast<void>(child.send(millrace::to_text(to_json(task))));
  auto verdict = hear(child, options, memory);
  if (verdict) return Started{.child = std::move(child), .verdict = std::move(*verdict)};
  Error error = std::move(verdict).error();
  if (error.where().empty()) error.at({.file = file.from});
  return error;
}

Result<Verdict> try_file(const ProcessOptions& options, const SharedFile& file) {
  MILLRACE_TRY(auto started, start(options, file, -1));
  return std::move(started.verdict);
}

}  // namespace millrace::serve::process
