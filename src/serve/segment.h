// One file of the prediction log.
//   file    = "MRPLOG01" record*
//   record  = "MRPR" length:u32 crc32c(kind payload):u32 kind:u8 payload
// The first record is the header (JSON), an `arm` record describes who answers before the first prediction that names
// it.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace millrace::serve {

inline constexpr std::string_view kSegmentMagic = "MRPLOG01";

enum class RecordKind : uint8_t { header, arm, prediction };

void append_record(std::string& out, RecordKind kind, std::string_view payload);

struct Damage {
  std::string file;
  uint64_t offset = 0;
};

struct SegmentScan {
  enum class End { clean, torn, damaged };
  End end = End::clean;
  uint64_t good_bytes = 0;  // up to the first bad byte
  uint64_t bytes = 0;       // of the file
  uint64_t records = 0;     // predictions seen, also those after damage
};

using OnRecord = std::function<Result<void>(RecordKind, std::string_view payload)>;

// Visits every whole record in order; an error of `on_record` ends the scan and is answered.
// torn: the file ends inside a record, as a killed writer leaves it, or in zeros, as a lost machine does.
// damaged: bytes before the end were changed; whole records after them are still visited.
Result<SegmentScan> scan_segment(const std::string& path, const OnRecord& on_record);
SegmentScan scan_records(std::string_view bytes, const std::function<bool(RecordKind, std::string_view)>& on_record);

}  // namespace millrace::serve
