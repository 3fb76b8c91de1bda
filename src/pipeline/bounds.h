// Bounds of the pipeline. A test reaches those that a project file can.
#pragma once
#include <cstddef>
#include <cstdint>

namespace millrace::pipeline::bounds {

inline constexpr size_t stages = 500;
inline constexpr size_t deps = 1'000;  // of one stage
inline constexpr size_t outs = 100;
inline constexpr size_t code_files = 10'000;  // of one stage, globs expanded
inline constexpr size_t words = 1'000;        // of one command
inline constexpr size_t word_bytes = 32 << 10;
inline constexpr size_t sql_bytes = 1 << 20;
inline constexpr int64_t timeout_seconds = 7 * 24 * 3600;
inline constexpr int64_t threads = 1'024;
inline constexpr int64_t grace_seconds = 10;   // between TERM and KILL
inline constexpr size_t line_bytes = 8 << 10;  // of a command's output; longer lines are cut
inline constexpr size_t log_lines = 20'000;    // of one command; the rest is counted
inline constexpr size_t tail_lines = 20;       // kept for the error
inline constexpr size_t open_files = 4'096;
inline constexpr uint64_t file_bytes = 64ULL << 30;       // the largest file that a command may write
inline constexpr size_t scratch_files = 100'000;          // counted after a command; more is an error
inline constexpr int64_t memoised_from_bytes = 64 << 10;  // digests of smaller files are not worth remembering

}  // namespace millrace::pipeline::bounds
