// Bounds of the processes that models are tried and run in. A test reaches each of them.
#pragma once
#include <cstddef>
#include <cstdint>

namespace millrace::limits {

inline constexpr int64_t model_trial_us = 30'000'000;   // loading a file and its trial runs
inline constexpr int64_t model_answer_us = 30'000'000;  // one request to a model in a process of its own
inline constexpr uint64_t model_memory = 2ULL << 30;    // of such a process, beside the next
inline constexpr uint64_t model_memory_factor = 4;      // times the size of the model's file
inline constexpr size_t model_verdict_bytes = 4 << 20;  // what a child says of a file
inline constexpr size_t model_error_bytes = 16 << 10;   // of an error that a child tells
inline constexpr size_t model_slots = 16;               // requests that a process works on at once
inline constexpr size_t model_slot_bytes = 256 << 20;   // room for a request, then for its answer; used where touched
inline constexpr size_t model_slot_kept = 1 << 20;      // of it, that stays in memory between requests
inline constexpr size_t model_texts = 4 << 20;          // in one tensor to or from such a process
inline constexpr int64_t model_backoff_us = 100'000;    // before the second start in a row; doubled each time ...
inline constexpr int64_t model_backoff_most_us = 30'000'000;  // ... up to this
inline constexpr int64_t model_healthy_us = 60'000'000;       // a process that lived this long starts the count anew
inline constexpr size_t model_digests = 10'000;               // that are remembered to have gone well
inline constexpr size_t server_crashes = 5;                   // within the next, after which a supervisor gives up
inline constexpr int64_t server_crashes_us = 60'000'000;

}  // namespace millrace::limits
