// Bounds of what the web UI asks for. A test reaches each of them.
#pragma once
#include <cstddef>
#include <cstdint>

namespace millrace::limits {

inline constexpr int64_t session_us = 7LL * 24 * 3600 * 1'000'000;      // however busy
inline constexpr int64_t session_idle_us = 12LL * 3600 * 1'000'000;     // since the last request
inline constexpr int64_t session_noted_us = 60LL * 1'000'000;           // a request is noted as the last one so often
inline constexpr size_t sessions_of_token = 50;                         // live ones; the oldest ends for a new one
inline constexpr size_t sign_in_tries = 5;                              // wrong ones of an address before it must wait
inline constexpr int64_t sign_in_wait_us = 60LL * 1'000'000;            // at most, doubled from a second on
inline constexpr int64_t sign_in_forgotten_us = 15LL * 60 * 1'000'000;  // without another wrong one
inline constexpr size_t sign_in_addresses = 10'000;

inline constexpr int64_t changes_wait_s = 25;                // that a question for changes is held back
inline constexpr size_t changes_waiting = 256;               // of them at once
inline constexpr size_t changes_items = 100;                 // in one answer
inline constexpr size_t list_default = 50, list_most = 500;  // items of a page of the UI
inline constexpr size_t search_text_bytes = 200;
inline constexpr size_t view_state_bytes = 64 << 10;
inline constexpr size_t views_of_owner = 500;

}  // namespace millrace::limits
