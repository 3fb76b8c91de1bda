#include "serve/process/loader.h"

#include <atomic>
#include <map>
#include <mutex>
#include <set>

#include <fmt/format.h>

#include "core/files.h"
#include "serve/process/crash_marks.h"
#include "serve/process/kept_model.h"

namespace millrace::serve::process {
namespace {

constexpr size_t kNoteBytes = 4'096;

}  // namespace

struct Loader::Parts {
  ProcessOptions options;
  std::string notes_folder;
  Context& context;
  std::shared_ptr<ProcessCounts> counts = std::make_shared<ProcessCounts>();
  std::atomic<uint64_t> passed_trials{0}, refused_trials{0};
  std::mutex mutex;                                      // guards the next fields
  std::map<std::string, std::unique_ptr<Runtime>> here;  // by what is asked for; libraries are opened once
  std::set<std::string> passed;                          // "digest runtime"
};

Loader::Loader(ProcessOptions options, std::string notes_folder, Context& context)
    : parts_(new Parts{.options = options, .notes_folder = std::move(notes_folder), .context = context}) {}
Loader::~Loader() = default;

ProcessOptions Loader::options_for(const ModelBytes& file) const {
  auto out = parts_->options;
  if (!file.runtime.empty()) out.runtime.choice = file.runtime;
  return out;
}

Runtime& Loader::runtime_for(const ModelBytes& file) {
  const auto options = options_for(file).runtime;
  const std::lock_guard lock(parts_->mutex);
  auto& here = parts_->here[options.choice];
  if (!here) here = make_runtimes(options, parts_->context.clock, parts_->context.log);
  return *here;
}

Result<std::shared_ptr<const Model>> Loader::load(const ModelBytes& file, Isolation isolation) {
  if (isolation == Isolation::process) return load_apart(file);
  if (parts_->options.program.empty()) return runtime_for(file).load(file.bytes, file.from);
  const auto& folder = parts_->notes_folder;
  if (const int crash = folder.empty() ? 0 : crashed_by(folder, file.digest); crash != 0) {
    parts_->context.log.error(
        "model_crashed_before",
        {{"file", file.from}, {"digest", file.digest}, {"signal", crash}, {"effect", "it gets a process of its own"}});
    return load_apart(file);
  }
  MILLRACE_DO(try_once(file));
  auto model = runtime_for(file).load(file.bytes, file.from);
  if (!model || folder.empty()) return model;
  return marked(std::move(*model), folder, file.digest);
}

Result<std::shared_ptr<const Model>> Loader::load_apart(const ModelBytes& file) {
  if (parts_->options.program.empty())
    return Error{Code::unsupported, "this program cannot run a model in a process of its own"};
  MILLRACE_TRY(auto shared, share_file(file.bytes, file.from));
  auto kept = keep_model(options_for(file), std::move(shared), parts_->counts, parts_->context);
  ++(kept ? parts_->passed_trials : parts_->refused_trials);
  return kept;
}

Result<void> Loader::try_once(const ModelBytes& file) {
  if (passed(file)) return {};
  MILLRACE_TRY(const auto shared, share_file(file.bytes, file.from));
  const auto verdict = try_file(options_for(file), shared);
  if (!verdict) {
    ++parts_->refused_trials;
    return verdict.error();
  }
  ++parts_->passed_trials;
  parts_->context.log.info("model_tried", {{"file", file.from},
                                           {"digest", file.digest},
                                           {"confined", verdict->confined},
                                           {"peak_bytes", verdict->peak_bytes},
                                           {"load_us", verdict->duration_us}});
  note_passed(file);
  return {};
}

// A digest that went well with another runtime has to show it again.
std::string Loader::note_of(const ModelBytes& file) {
  const auto options = options_for(file).runtime;
  return fmt::format("{} {} {} {} {}\n", file.digest, MILLRACE_VERSION, options.choice, options.batching,
                     runtime_for(file).describe(file.bytes));
}

bool Loader::passed(const ModelBytes& file) {
  const auto key = file.digest + " " + file.runtime;
  {
    const std::lock_guard lock(parts_->mutex);
    if (parts_->passed.contains(key)) return true;
  }
  if (parts_->notes_folder.empty()) return false;
  const auto note = read_file(parts_->notes_folder + "/" + file.digest.substr(file.digest.find(':') + 1), kNoteBytes);
  if (!note || *note != note_of(file)) return false;
  const std::lock_guard lock(parts_->mutex);
  parts_->passed.insert(key);
  return true;
}

void Loader::note_passed(const ModelBytes& file) {
  {
    const std::lock_guard lock(parts_->mutex);
    if (parts_->passed.size() >= limits::model_digests) parts_->passed.clear();
    parts_->passed.insert(file.digest + " " + file.runtime);
  }
  if (parts_->notes_folder.empty()) return;
  const auto path = parts_->notes_folder + "/" + file.digest.substr(file.digest.find(':') + 1);
  auto done = make_folders(parts_->notes_folder);
  if (done) done = write_file(path, note_of(file));
  if (!done)
    parts_->context.log.warn("model_trial_not_noted", {{"digest", file.digest}, {"error", done.error().text()}});
}

std::string Loader::metrics_text() const {
  const auto one = [](std::string_view name, std::string_view kind, std::string_view help, auto value) {
    return fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n{0} {3}\n", name, kind, help, value);
  };
  return one("millrace_model_trials_passed_total", "counter", "Model files that loaded in a limited child",
             parts_->passed_trials.load()) +
         one("millrace_model_trials_refused_total", "counter", "Model files that did not",
             parts_->refused_trials.load()) +
         one("millrace_model_process_restarts_total", "counter", "Processes of models that were started again",
             parts_->counts->restarts.load()) +
         one("millrace_model_process_failed_starts_total", "counter", "Starts again that failed",
             parts_->counts->failed_starts.load()) +
         one("millrace_model_processes", "gauge", "Processes of models that run", parts_->counts->running.load());
}

}  // namespace millrace::serve::process
