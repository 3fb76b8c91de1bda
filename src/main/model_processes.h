// How this program runs models in processes: itself, with the hidden word that main() knows.
#pragma once
#include "cli/host.h"
#include "serve/process/options.h"

namespace millrace {

serve::process::ProcessOptions model_processes(const cli::ModelTimes& times);

}  // namespace millrace
