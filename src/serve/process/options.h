// How models are tried, and where they run.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/limits/model_limits.h"
#include "core/result.h"
#include "serve/runtimes.h"

namespace millrace::serve::process {

enum class Isolation {
  in_process,  // in the server, after it went well in a child
  process,     // in a process of its own
};
std::string_view name_of(Isolation isolation);
std::optional<Isolation> find_isolation(std::string_view name);
// `invalid` names what there is.
Result<Isolation> read_isolation(const std::string& text, const std::string& field);

struct ProcessOptions {
  std::string program;  // that takes kChildWord (child.h); "" = no processes: models are loaded untried
  RuntimeOptions runtime;
  Micros trial_time = limits::model_trial_us;
  Micros answer_time = limits::model_answer_us;
  uint64_t memory = 0;  // bytes of a child; 0 = by the file's size and the machine's memory
  size_t slots = limits::model_slots;
  size_t slot_bytes = limits::model_slot_bytes;
};

}  // namespace millrace::serve::process
