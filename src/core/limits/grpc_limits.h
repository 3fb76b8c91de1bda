// Bounds of the gRPC front, beside those of core/limits.h. A test reaches each that a client can reach quickly.
#pragma once
#include <cstddef>
#include <cstdint>

namespace millrace::limits {

inline constexpr int grpc_concurrent_calls = 1'000;            // of one connection
inline constexpr size_t grpc_streams = 1'000;                  // open at once
inline constexpr size_t grpc_buffers_bytes = size_t{1} << 30;  // of messages that come, and of answers that wait
inline constexpr size_t grpc_status_bytes = 2'000;  // of a status' text; clients take 8 KiB of everything in a head
inline constexpr size_t grpc_detail_bytes = 250;    // of one value beside it
inline constexpr int grpc_workers = 8;              // threads, when answers wait for disk
inline constexpr int grpc_keepalive_ms = 60'000;    // a silent client is asked whether it lives
inline constexpr int grpc_keepalive_timeout_ms = 20'000;  // and is gone without an answer
inline constexpr int grpc_idle_ms = 3'600'000;            // a connection without calls

}  // namespace millrace::limits
