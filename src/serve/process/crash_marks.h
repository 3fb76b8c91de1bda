// Which model brought down the server. A model that runs in the server's own process does so under a mark: a word in a
// file that is mapped. A signal that ends the process while a thread is inside the model is written there by the
// signal's handler, and outlives it. kill -9 writes nothing: it says nothing of the model.
#pragma once
#include <memory>
#include <string>

#include "core/result.h"
#include "serve/runtime.h"

namespace millrace::serve::process {

// The number of the signal that ended a server in the model of this digest, 0 = none.
int crashed_by(const std::string& folder, const std::string& digest);

// The model, under its mark. The file stays: without it, the next server knows nothing of what happened.
Result<std::shared_ptr<const Model>> marked(std::shared_ptr<const Model> model, const std::string& folder,
                                            const std::string& digest);

// From now on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT are noted where a thread is inside a marked model; what
// happened at these signals before then happens. For main(), once.
void note_crashes();

}  // namespace millrace::serve::process
