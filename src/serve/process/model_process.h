// One process that serves one model: it is asked through slots, and goes when it crashes, hangs, or is no longer
// wanted.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "serve/process/slots.h"
#include "serve/process/trial/trial.h"

namespace millrace::serve::process {

// ask() may be called from any number of threads; wait() by one, who owns the process.
class ModelProcess {
 public:
  // Errors as those of start(). The process lives no longer than the calling thread.
  static Result<std::unique_ptr<ModelProcess>> start(const ProcessOptions& options, const SharedFile& file);
  ~ModelProcess();

  const Verdict& verdict() const { return verdict_; }
  int pid() const { return child_.pid(); }

  // `unavailable` when the process ended before it answered, or gave what is no answer, or took longer than
  // answer_time; the last two end it. Otherwise the answer, or the error, of the model.
  Result<std::vector<Tensor>> ask(std::span<const Tensor> inputs, std::span<const size_t> wanted);

  void end(const std::string& why);  // the first reason stays
  std::string wait();                // until the process has ended; frees all who ask. Why it ended

 private:
  ModelProcess(const ProcessOptions& options, Descriptor memory, SlotMemory slots, Started started);
  Result<std::vector<Tensor>> ask_in(size_t slot, Deadline deadline, std::span<const Tensor> inputs,
                                     std::span<const size_t> wanted);
  Error ended() const;

  const Micros answer_time_;
  const Descriptor memory_;
  const SlotMemory slots_;
  FreeSlots free_;
  Child child_;
  const Verdict verdict_;
  std::atomic<bool> gone_{false};
  mutable std::mutex mutex_;  // guards why_
  std::string why_;
};

}  // namespace millrace::serve::process
