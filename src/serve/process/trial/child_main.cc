#include "serve/process/trial/child_main.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <new>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.h"
#include "core/limits/model_limits.h"
#include "serve/process/slots.h"
#include "serve/process/trial/child.h"
#include "serve/process/trial/confine.h"
#include "serve/process/trial/verdict.h"
#include "serve/process/wire.h"

namespace millrace::serve::process {
namespace {

using ModelPtr = std::shared_ptr<const Model>;
using Steady = std::chrono::steady_clock;

struct Loaded {
  ModelPtr model;
  Verdict verdict;
};

void end_for_want_of_memory() { ::_exit(kExitNoMemory); }

Result<std::string_view> map_model_bytes() {
  struct stat about {};
  if (::fstat(kModelBytes, &about) != 0) return Error{Code::unavailable, "the model's bytes were not passed on"};
  if (about.st_size == 0) return std::string_view();
  void* at = ::mmap(nullptr, static_cast<size_t>(about.st_size), PROT_READ, MAP_PRIVATE, kModelBytes, 0);
  if (at == MAP_FAILED) return Error{Code::unavailable, "the model's bytes cannot be mapped"};
  return std::string_view(static_cast<const char*>(at), static_cast<size_t>(about.st_size));
}

int64_t peak_bytes() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<int64_t>(used.ru_maxrss) * 1'024;
}

// The filter comes after the library is open, which the first bytes choose, and before the file is read.
Result<Loaded> load(const Task& task) {
  MILLRACE_DO(confine(task.parent, {.memory = task.memory, .cpu_seconds = task.cpu_seconds}));
  auto runtime = make_runtimes(task.runtime, system_clock(), silent_log());
  MILLRACE_TRY(const auto bytes, map_model_bytes());
  runtime->describe(bytes);
  Loaded out;
  out.verdict.confined = forbid_system_calls();
  const auto began = Steady::now();
  MILLRACE_TRY(out.model, runtime->load(bytes, task.from));
  ::munmap(const_cast<char*>(bytes.data()), bytes.size());
  auto& verdict = out.verdict;
  verdict.duration_us = std::chrono::duration_cast<std::chrono::microseconds>(Steady::now() - began).count();
  verdict.peak_bytes = peak_bytes();
  verdict.platform = out.model->platform();
  verdict.inputs = out.model->inputs();
  verdict.outputs = out.model->outputs();
  verdict.about = out.model->describe();
  verdict.batched = out.model->batched();
  // The runtime goes with this process: models may lean on it.
  static_cast<void>(runtime.release());
  return out;
}

Result<std::vector<Tensor>> answer(const Model& model, std::span<const std::byte> room) {
  MILLRACE_TRY(const auto asked, read_request(room));
  for (const size_t each : asked.wanted)
    if (each >= model.outputs().size()) return Error{Code::invalid, "an output that the model does not have"};
  if (asked.inputs.size() != model.inputs().size()) return Error{Code::invalid, "another number of inputs"};
  return model.run(asked.inputs, asked.wanted);
}

void serve_slot(const Model& model, const SlotMemory& memory, size_t slot) {
  while (true) {
    for (const Word other : {Word::idle, Word::answered, Word::gone}) memory.wait_other(slot, other, std::nullopt);
    if (memory.word(slot).load(std::memory_order_acquire) != static_cast<uint32_t>(Word::asked)) continue;
    write_answer(memory.room(slot), answer(model, memory.room(slot)));
    memory.tell(slot, Word::answered);
  }
}

int serve(const ModelPtr& model, const SlotMemory& memory, const std::string& verdict) {
  for (size_t slot = 0; slot < memory.count(); ++slot)
    std::thread([&model, &memory, slot] { serve_slot(*model, memory, slot); }).detach();
  if (!send_frame(kSocket, verdict)) return 0;
  // Nothing more is said: this ends when the server closes its side, or dies.
  static_cast<void>(receive_frame(kSocket, 0));
  ::_exit(0);  // threads are at work, and there is nothing to put away
}

}  // namespace

int run_child() {
  const auto text = receive_frame(kSocket, limits::model_verdict_bytes);
  const auto task = text ? read_task(*text) : Result<Task>(text.error());
  if (!task) return kExitNoTask;
  std::optional<SlotMemory> memory;
  if (task->slots > 0) {
    auto mapped = SlotMemory::map(kSlotMemory, task->slots, task->slot_bytes);
    if (!mapped) return kExitNoTask;
    memory.emplace(std::move(*mapped));
  }
  std::set_new_handler(end_for_want_of_memory);
  const auto loaded = load(*task);
  std::set_new_handler(nullptr);  // from here on, want of memory is the error of one request
  const auto verdict = to_text(loaded ? Result<Verdict>(loaded->verdict) : Result<Verdict>(loaded.error()));
  if (loaded && memory) return serve(loaded->model, *memory, verdict);
  static_cast<void>(send_frame(kSocket, verdict));
  ::_exit(0);  // with no destructor of a library that the file may have upset
}

}  // namespace millrace::serve::process
