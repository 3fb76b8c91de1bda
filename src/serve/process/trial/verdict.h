// What a child is asked to do with a model file, and what it says of it: JSON within limits, from a process that the
// file may have taken over.
#pragma once
#include <string>
#include <vector>

#include "core/json.h"
#include "core/result.h"
#include "serve/runtimes.h"
#include "serve/tensor.h"

namespace millrace::serve::process {

struct Task {
  RuntimeOptions runtime;
  std::string from;  // names the file in errors
  int parent = 0;    // process id
  uint64_t memory = 0;
  int64_t cpu_seconds = 0;
  size_t slots = 0;  // 0: a trial, the process ends after its verdict
  size_t slot_bytes = 0;
};

struct Verdict {
  std::string platform;
  std::vector<TensorSpec> inputs, outputs;  // as observed
  Json about = Json::object();              // Model::describe()
  bool batched = false;
  bool confined = false;    // by a filter of system calls
  int64_t peak_bytes = 0;   // resident
  int64_t duration_us = 0;  // of loading and trying
};

Json to_json(const Task& task);
Result<Task> read_task(std::string_view text);

// A model that loaded, or why it did not.
std::string to_text(const Result<Verdict>& verdict);
// The child's refusal is the error, with the code that a file can cause; `corrupt` when the text is no verdict.
Result<Verdict> read_verdict(std::string_view text);

// An error that a model's process tells, made safe: of a code that a model can cause, cut to a readable length.
Error told_error(std::string_view json);

}  // namespace millrace::serve::process
