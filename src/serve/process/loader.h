// From the bytes of a model file to a model that can be asked: first in a limited child, then where it is to run.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "core/context.h"
#include "core/result.h"
#include "serve/process/options.h"
#include "serve/runtime.h"

namespace millrace::serve::process {

struct ModelBytes {
  std::string_view bytes;
  std::string digest;        // of the bytes
  std::string from;          // names the file in errors
  std::string runtime = {};  // which one is asked for (runtimes.h); "" = as the options say
};

// Thread-safe.
class Loader {
 public:
  // notes_folder: which digests went well in a child, so that a server that starts again need not try them again, and
  // which brought down a server (crash_marks.h); "" = the first is known until this object goes, the second never.
  Loader(ProcessOptions options, std::string notes_folder, Context& context);
  ~Loader();

  // Errors of Runtime::load, and of start() (trial.h) for what the file did to the child. A model that brought down a
  // server in its process is loaded into a process of its own, and the log says so.
  Result<std::shared_ptr<const Model>> load(const ModelBytes& file, Isolation isolation);

  std::string metrics_text() const;  // Prometheus text

 private:
  Result<std::shared_ptr<const Model>> load_apart(const ModelBytes& file);
  ProcessOptions options_for(const ModelBytes& file) const;
  Runtime& runtime_for(const ModelBytes& file);
  Result<void> try_once(const ModelBytes& file);
  std::string note_of(const ModelBytes& file);
  bool passed(const ModelBytes& file);
  void note_passed(const ModelBytes& file);

  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace millrace::serve::process
