#include "serve/process/crash_marks.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>

#include "core/files.h"
#include "serve/process/trial/child.h"

namespace millrace::serve::process {
namespace {

constexpr std::array kCrashes = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

using Mark = std::atomic<int32_t>;
static_assert(Mark::is_always_lock_free && sizeof(Mark) == sizeof(int32_t));

// Of the model that this thread is inside of.
thread_local Mark* inside = nullptr;

// What was to happen before; written once, before a handler can run.
std::array<struct sigaction, kCrashes.size()> before;

void on_crash(int number, siginfo_t* about, void*) {
  const bool sent = about->si_code <= 0;  // by kill() or abort(), not by an instruction
  if (inside != nullptr && (!sent || number == SIGABRT)) inside->store(number, std::memory_order_relaxed);
  for (size_t i = 0; i < kCrashes.size(); ++i)
    if (kCrashes[i] == number) ::sigaction(number, &before[i], nullptr);
  if (sent) ::raise(number);  // an instruction that failed fails again, and then with what was to happen
}

std::string path_of(const std::string& folder, const std::string& digest) {
  return folder + "/" + digest.substr(digest.find(':') + 1) + ".mark";
}

class MarkedModel final : public Model {
 public:
  MarkedModel(std::shared_ptr<const Model> model, Mark* mark) : model_(std::move(model)), mark_(mark) {}
  ~MarkedModel() override { ::munmap(mark_, sizeof(Mark)); }

  std::string_view platform() const override { return model_->platform(); }
  const std::vector<TensorSpec>& inputs() const override { return model_->inputs(); }
  const std::vector<TensorSpec>& outputs() const override { return model_->outputs(); }
  bool batched() const override { return model_->batched(); }
  bool shares_calls() const override { return model_->shares_calls(); }
  Json describe() const override { return model_->describe(); }
  Result<std::vector<Tensor>> run(std::span<const Tensor> inputs, std::span<const size_t> wanted) const override {
    const Inside here(mark_);
    return model_->run(inputs, wanted);
  }

 private:
  struct Inside {
    explicit Inside(Mark* mark) : outer(inside) { inside = mark; }
    ~Inside() { inside = outer; }
    Mark* outer;
  };
  const std::shared_ptr<const Model> model_;
  Mark* const mark_;
};

}  // namespace

int crashed_by(const std::string& folder, const std::string& digest) {
  const auto bytes = read_file(path_of(folder, digest), sizeof(Mark));
  int32_t number = 0;
  if (bytes && bytes->size() == sizeof number) bytes->copy(reinterpret_cast<char*>(&number), sizeof number);
  return number;
}

Result<std::shared_ptr<const Model>> marked(std::shared_ptr<const Model> model, const std::string& folder,
                                            const std::string& digest) {
  MILLRACE_DO(make_folders(folder));
  const auto path = path_of(folder, digest);
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return file_error("cannot write", path, errno);
  if (::ftruncate(file.get(), sizeof(Mark)) != 0) return file_error("cannot write", path, errno);
  void* at = ::mmap(nullptr, sizeof(Mark), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (at == MAP_FAILED) return file_error("cannot map", path, errno);
  return std::shared_ptr<const Model>(std::make_shared<MarkedModel>(std::move(model), static_cast<Mark*>(at)));
}

void note_crashes() {
  struct sigaction action {};
  action.sa_sigaction = on_crash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (size_t i = 0; i < kCrashes.size(); ++i) ::sigaction(kCrashes[i], &action, &before[i]);
}

}  // namespace millrace::serve::process
