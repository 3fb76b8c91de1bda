// Bounds of what passes through a server in pieces. A test reaches each of them.
#pragma once
#include <cstddef>
#include <cstdint>

namespace millrace::limits {

inline constexpr uint64_t artifact_bytes = 64ULL << 30;  // one artifact, or one part of it
inline constexpr size_t stream_piece_bytes = 128 << 10;  // of a body on its way, a connection
inline constexpr int64_t upload_parts = 10'000;
inline constexpr int64_t uploads_open = 10'000;  // in parts, at the same time, a workspace
inline constexpr int64_t upload_life_us = 7LL * 24 * 3'600 * 1'000'000;
inline constexpr int64_t idle_us = 3'600LL * 1'000'000;  // that what nobody refers to must have lain before it may go
inline constexpr size_t form_upload_bytes = 10 << 20;    // what a page may send as an artifact

}  // namespace millrace::limits
