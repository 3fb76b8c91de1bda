#include "main/model_processes.h"

namespace millrace {

serve::process::ProcessOptions model_processes(const cli::ModelTimes& times) {
  serve::process::ProcessOptions out{.program = "/proc/self/exe"};
  if (times.trial > 0) out.trial_time = times.trial * 1'000'000;
  if (times.answer > 0) out.answer_time = times.answer * 1'000'000;
  return out;
}

}  // namespace millrace
