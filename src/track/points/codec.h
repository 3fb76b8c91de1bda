// Up to 4,096 points of one metric as bytes, column by column: timestamps and steps as differences of differences,
// values XORed with the one before (Pelkonen et al., "Gorilla: A Fast, Scalable, In-Memory Time Series Database", VLDB
// 2015, section 4.1), what is rare (NaN, model, dataset) as lengths of runs. Pure and thread-safe.
//   chunk   = version:u8 points origins { model_id name digest } runs timestamps steps values crc32c:u32
//   numbers before the bit columns are LEB128, texts have their length before them; the checksum covers all before it.
#pragma once
#include <string>
#include <string_view>

#include "core/result.h"
#include "track/points/points.h"

namespace millrace::track {

inline constexpr size_t kChunkPoints = 4'096;

// `points` are in order, without the same point twice, and 1 to kChunkPoints.
std::string encode(const Points& points);
// Anything else than what encode() wrote is `corrupt`: cut, changed or made up, it costs no more memory than
// kChunkPoints points and the bytes themselves.
Result<Points> decode(std::string_view bytes);

}  // namespace millrace::track
