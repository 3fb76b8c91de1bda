#include "serve/segment.h"

#include <cstring>
#include <optional>

#include "core/codes/crc32c.h"
#include "core/files.h"
#include "core/limits.h"

namespace millrace::serve {
namespace {

constexpr std::string_view kRecordMagic = "MRPR";
constexpr size_t kHead = 12;  // magic, length, checksum

uint32_t number_at(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

enum class Found { whole, cut, bad };

// The record that starts `bytes`; body is kind and payload.
Found read_record(std::string_view bytes, std::string_view& body) {
  const size_t seen = std::min(bytes.size(), kRecordMagic.size());
  if (bytes.substr(0, seen) != kRecordMagic.substr(0, seen)) return Found::bad;
  if (bytes.size() < kHead) return Found::cut;
  const uint32_t length = number_at(bytes, 4);
  if (length == 0) return Found::bad;
  if (length > bytes.size() - kHead) return Found::cut;
  body = bytes.substr(kHead, length);
  return crc32c(body) == number_at(bytes, 8) ? Found::whole : Found::bad;
}

// Where the next whole record starts after a bad one; npos when there is none.
size_t next_whole(std::string_view bytes, size_t from) {
  std::string_view body;
  for (size_t at = bytes.find(kRecordMagic, from); at != std::string_view::npos; at = bytes.find(kRecordMagic, at + 1))
    if (read_record(bytes.substr(at), body) == Found::whole) return at;
  return std::string_view::npos;
}

bool all_zero(std::string_view bytes) { return bytes.find_first_not_of('\0') == std::string_view::npos; }

}  // namespace

void append_record(std::string& out, RecordKind kind, std::string_view payload) {
  const size_t start = out.size();
  const auto length = static_cast<uint32_t>(payload.size() + 1);
  out.append(kRecordMagic);
  out.append(reinterpret_cast<const char*>(&length), 4);
  out.append(4, '\0');
  out.push_back(static_cast<char>(kind));
  out.append(payload);
  const uint32_t sum = crc32c(std::string_view(out).substr(start + kHead));
  std::memcpy(out.data() + start + 8, &sum, 4);
}

SegmentScan scan_records(std::string_view bytes, const std::function<bool(RecordKind, std::string_view)>& on_record) {
  SegmentScan scan{.bytes = bytes.size()};
  const size_t seen = std::min(bytes.size(), kSegmentMagic.size());
  if (bytes.substr(0, seen) != kSegmentMagic.substr(0, seen)) {
    scan.end = all_zero(bytes) ? SegmentScan::End::torn : SegmentScan::End::damaged;
    return scan;
  }
  if (seen < kSegmentMagic.size()) {
    scan.end = SegmentScan::End::torn;
    return scan;
  }
  size_t at = scan.good_bytes = kSegmentMagic.size();
  while (at < bytes.size()) {
    std::string_view body;
    const Found found = read_record(bytes.substr(at), body);
    if (found != Found::whole) {
      const size_t next = next_whole(bytes, at + 1);
      const bool ends_here = next == std::string_view::npos && (found == Found::cut || all_zero(bytes.substr(at)));
      if (scan.end == SegmentScan::End::clean)
        scan.end = ends_here ? SegmentScan::End::torn : SegmentScan::End::damaged;
      if (next == std::string_view::npos) return scan;
      at = next;
      continue;
    }
    at += kHead + body.size();
    if (scan.end == SegmentScan::End::clean) scan.good_bytes = at;
    const auto kind = static_cast<RecordKind>(body[0]);
    scan.records += kind == RecordKind::prediction ? 1 : 0;
    if (!on_record(kind, body.substr(1))) return scan;
  }
  return scan;
}

Result<SegmentScan> scan_segment(const std::string& path, const OnRecord& on_record) {
  // A segment may pass its limit by one group of records, each bounded by a request's body.
  MILLRACE_TRY(const auto bytes, read_file(path, limits::prediction_segment_bytes + 16 * limits::inference_body_bytes));
  std::optional<Error> error;
  const auto scan = scan_records(bytes, [&](RecordKind kind, std::string_view payload) {
    auto done = on_record(kind, payload);
    if (!done) error = std::move(done).error();
    return !error;
  });
  if (error) return std::move(*error).at({.file = path});
  return scan;
}

}  // namespace millrace::serve
