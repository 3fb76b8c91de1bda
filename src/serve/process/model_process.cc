#include "serve/process/model_process.h"

#include <fmt/format.h>

#include "serve/process/wire.h"

namespace millrace::serve::process {
namespace {

Error unavailable(std::string_view why) {
  return Error{Code::unavailable, fmt::format("the model's process did not answer: {}", why)}.hint(
      "it is started again by itself: try again in a second");
}

}  // namespace

ModelProcess::ModelProcess(const ProcessOptions& options, Descriptor memory, SlotMemory slots, Started started)
    : answer_time_(options.answer_time),
      memory_(std::move(memory)),
      slots_(std::move(slots)),
      free_(slots_.count()),
      child_(std::move(started.child)),
      verdict_(std::move(started.verdict)) {}

ModelProcess::~ModelProcess() = default;

Result<std::unique_ptr<ModelProcess>> ModelProcess::start(const ProcessOptions& options, const SharedFile& file) {
  MILLRACE_TRY(auto memory, make_memory("slots", options.slots * options.slot_bytes));
  MILLRACE_TRY(auto slots, SlotMemory::map(memory.get(), options.slots, options.slot_bytes));
  MILLRACE_TRY(auto started, process::start(options, file, memory.get()));
  return std::unique_ptr<ModelProcess>(
      new ModelProcess(options, std::move(memory), std::move(slots), std::move(started)));
}

Error ModelProcess::ended() const {
  const std::lock_guard lock(mutex_);
  return unavailable(why_.empty() ? "it ended" : why_);
}

Result<std::vector<Tensor>> ModelProcess::ask(std::span<const Tensor> inputs, std::span<const size_t> wanted) {
  const Deadline deadline = std::chrono::steady_clock::now() + std::chrono::microseconds(answer_time_);
  const auto slot = free_.take(deadline);
  if (!slot && gone_) return ended();
  if (!slot) return Error{Code::unavailable, "the model's process is busy with requests that came before"};
  auto answer = ask_in(*slot, deadline, inputs, wanted);
  free_.give(*slot);
  return answer;
}

Result<std::vector<Tensor>> ModelProcess::ask_in(size_t slot, Deadline deadline, std::span<const Tensor> inputs,
                                                 std::span<const size_t> wanted) {
  const auto room = slots_.room(slot);
  MILLRACE_TRY(const size_t asked, write_request(room, inputs, wanted));
  slots_.tell(slot, Word::asked);
  // Whoever finds the process ended marks the slots that are asked; one marked before was not yet, and looks here.
  if (gone_) return ended();
  if (!slots_.wait_other(slot, Word::asked, deadline)) {
    end(fmt::format("a request took longer than {:g} s", static_cast<double>(answer_time_) / 1e6));
    return ended();
  }
  const auto word = slots_.word(slot).load(std::memory_order_acquire);
  if (word == static_cast<uint32_t>(Word::gone) && gone_) return ended();
  auto answer = word == static_cast<uint32_t>(Word::answered)
                    ? read_answer(room, verdict_.outputs, wanted)
                    : Result<Answer>(Error{Code::corrupt, "a slot says what none does"});
  if (!answer) {
    end(answer.error().message());
    return ended();
  }
  slots_.give_back(slot, std::max(asked, answer->used));
  return std::move(answer->said);
}

void ModelProcess::end(const std::string& why) {
  {
    const std::lock_guard lock(mutex_);
    if (why_.empty()) why_ = why;
  }
  child_.end();
}

std::string ModelProcess::wait() {
  const auto ending = child_.wait();
  {
    const std::lock_guard lock(mutex_);
    if (why_.empty()) why_ = "it ended with " + ending.text();
  }
  gone_ = true;
  for (size_t slot = 0; slot < slots_.count(); ++slot) slots_.tell(slot, Word::gone);
  free_.close();
  const std::lock_guard lock(mutex_);
  return why_;
}

}  // namespace millrace::serve::process
