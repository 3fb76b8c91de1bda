#include "serve/process/kept_model.h"

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "serve/process/model_process.h"

namespace millrace::serve::process {
namespace {

using ProcessPtr = std::shared_ptr<ModelProcess>;

bool same(const std::vector<TensorSpec>& one, const std::vector<TensorSpec>& other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(), [](const auto& a, const auto& b) {
    return a.name == b.name && a.type == b.type && a.shape == b.shape;
  });
}

// Doubled with each end in a row; the first is none.
Micros pause_after(size_t ends) {
  if (ends <= 1) return 0;
  Micros pause = limits::model_backoff_us;
  for (size_t i = 2; i < ends && pause < limits::model_backoff_most_us; ++i) pause *= 2;
  return std::min(pause, limits::model_backoff_most_us);
}

// What the child found out (runtimes.h).
bool says_shared(const Json& about) {
  const auto* batching = find(about, "batching");
  return batching != nullptr && batching->value("shared", false);
}

class KeptModel final : public Model {
 public:
  KeptModel(const ProcessOptions& options, SharedFile file, std::shared_ptr<ProcessCounts> counts, Context& context)
      : options_(options), file_(std::move(file)), counts_(std::move(counts)), context_(context) {}

  ~KeptModel() override {
    ProcessPtr process;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      process = process_;
    }
    stop_.notify_all();
    if (process) process->end("the model is no longer served");
    if (keeper_.joinable()) keeper_.join();
  }

  // The process is made by the thread that keeps it, with which it would end.
  Result<void> open() {
    std::promise<Result<void>> opened;
    auto answer = opened.get_future();
    keeper_ = std::thread([this, opened = std::move(opened)]() mutable { keep(opened); });
    return answer.get();
  }

  std::string_view platform() const override { return about_.platform; }
  const std::vector<TensorSpec>& inputs() const override { return about_.inputs; }
  const std::vector<TensorSpec>& outputs() const override { return about_.outputs; }
  bool batched() const override { return about_.batched; }
  bool shares_calls() const override { return shares_calls_; }
  Json describe() const override { return about_.about; }

  Result<std::vector<Tensor>> run(std::span<const Tensor> inputs, std::span<const size_t> wanted) const override {
    ProcessPtr process;
    {
      const std::lock_guard lock(mutex_);
      if (!process_)
        return Error{Code::unavailable, fmt::format("the model's process is being started again: {}", reason_)}.hint(
            "try again in a second");
      process = process_;
    }
    return process->ask(inputs, wanted);
  }

 private:
  void keep(std::promise<Result<void>>& opened) {
    auto first = ModelProcess::start(options_, file_);
    if (!first) return opened.set_value(std::move(first).error());
    about_ = (*first)->verdict();
    shares_calls_ = says_shared(about_.about);
    publish(std::move(*first));
    opened.set_value({});
    size_t ends = 0;
    while (watch(ends)) {}
  }

  void publish(std::unique_ptr<ModelProcess> process) {
    context_.log.info("model_process_started", {{"file", file_.from},
                                                {"pid", process->pid()},
                                                {"confined", process->verdict().confined},
                                                {"peak_bytes", process->verdict().peak_bytes},
                                                {"load_us", process->verdict().duration_us}});
    ++counts_->running;
    began_ = context_.clock.steady();
    const std::lock_guard lock(mutex_);
    process_ = std::move(process);
    if (stopping_) process_->end("the model is no longer served");
  }

  // One life of a process and the start of the next; false when the model is to go.
  bool watch(size_t& ends) {
    // Nobody else takes it away: the pointer stays good without the lock.
    ProcessPtr process = process_;
    const std::string why = process->wait();
    --counts_->running;
    {
      const std::lock_guard lock(mutex_);
      process_ = nullptr;
      reason_ = why;
      if (stopping_) return false;
    }
    if (context_.clock.steady() - began_ >= limits::model_healthy_us) ends = 0;
    while (true) {
      const Micros pause = pause_after(++ends);
      context_.log.error("model_process_ended", {{"file", file_.from}, {"why", reason_}, {"next_start_us", pause}});
      if (!rest(pause)) return false;
      if (start_again()) return true;
    }
  }

  bool rest(Micros pause) {
    std::unique_lock lock(mutex_);
    return !stop_.wait_for(lock, std::chrono::microseconds(pause), [&] { return stopping_; });
  }

  bool start_again() {
    auto next = ModelProcess::start(options_, file_);
    if (next && same((*next)->verdict().inputs, about_.inputs) && same((*next)->verdict().outputs, about_.outputs)) {
      ++counts_->restarts;
      publish(std::move(*next));
      return true;
    }
    ++counts_->failed_starts;
    const std::lock_guard lock(mutex_);
    reason_ = next ? "its inputs or outputs are others than before" : next.error().text();
    return false;
  }

  const ProcessOptions options_;
  const SharedFile file_;
  const std::shared_ptr<ProcessCounts> counts_;
  Context& context_;
  Verdict about_;
  bool shares_calls_ = false;
  Micros began_ = 0;          // the keeper's
  mutable std::mutex mutex_;  // guards the fields below
  std::condition_variable stop_;
  bool stopping_ = false;
  ProcessPtr process_;  // written by the keeper only
  std::string reason_;  // why there is none
  std::thread keeper_;
};

}  // namespace

Result<std::shared_ptr<const Model>> keep_model(const ProcessOptions& options, SharedFile file,
                                                std::shared_ptr<ProcessCounts> counts, Context& context) {
  auto model = std::make_shared<KeptModel>(options, std::move(file), std::move(counts), context);
  MILLRACE_DO(model->open());
  return std::shared_ptr<const Model>(std::move(model));
}

}  // namespace millrace::serve::process
