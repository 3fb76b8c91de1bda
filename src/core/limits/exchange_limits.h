// Bounds of taking over other stores and of signatures.
#pragma once
#include <cstddef>

namespace millrace::limits {

inline constexpr size_t exchange_entries = 200'000;     // in one folder, or experiments, of a store that is taken over
inline constexpr size_t exchange_points = 4'000'000;    // of one metric of one run
inline constexpr size_t exchange_text_bytes = 1 << 20;  // of one parameter or tag
inline constexpr size_t exchange_complaints = 1'000;    // that a report lists
inline constexpr size_t exchange_passwords = 64;        // of sources whose jobs have not begun
inline constexpr size_t signed_files = 100'000;         // in one folder that a signature covers
inline constexpr size_t signature_bytes = 64 << 20;

}  // namespace millrace::limits
