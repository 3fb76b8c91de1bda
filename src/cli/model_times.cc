#include "cli/model_times.h"

#include <fmt/format.h>

namespace millrace::cli {
namespace {

constexpr int64_t kMost = 3'600;

constexpr const char* kTrial = "--trial-seconds";
constexpr const char* kAnswer = "--answer-seconds";

Result<int64_t> seconds(const Args& args, const char* name) {
  if (!args.has(name)) return int64_t{0};
  MILLRACE_TRY(const auto given, args.integer(name, 0));
  if (given >= 1 && given <= kMost) return given;
  return Error{Code::invalid, fmt::format("{} is from 1 to {}, not {}", name, kMost, given)};
}

}  // namespace

Option batching() {
  return {.name = "--batching",
          .value = "HOW",
          .summary =
              "requests that wait at one moment share a call of their model: exact (default: where answers stay the "
              "same bits), close (within 1e-5) or off"};
}

Option trial_seconds() {
  return {
      .name = kTrial, .value = "N", .summary = "a model file may take so long to load and to be tried (default 30)"};
}

Option answer_seconds() {
  return {.name = kAnswer,
          .value = "N",
          .summary =
              "a model in a process of its own may take so long for a request, then it is started again "
              "(default 30)"};
}

Option supervise() {
  return {.name = "--supervise",
          .value = "",
          .summary = "a small parent keeps the port and starts the server again when it crashes"};
}

Result<ModelTimes> read_model_times(const Args& args) {
  ModelTimes out;
  MILLRACE_TRY(out.trial, seconds(args, kTrial));
  MILLRACE_TRY(out.answer, seconds(args, kAnswer));
  return out;
}

}  // namespace millrace::cli
